//! The clocks of silence: idle, customer and staff timeouts.

mod scenario;

use everturn_engine::event::{Event, RunEvent, TurnCause};
use everturn_engine::policy::{OnBusy, QuietHours, TurnPolicy};
use everturn_engine::value::{Span, Time};
use scenario::{Scenario, complete, person, reply};

const fn minutes(count: i64) -> Span {
    Span::from_secs(60 * count)
}

fn idle(span: Span) -> TurnPolicy {
    TurnPolicy {
        idle_timeout: Some(span),
        ..TurnPolicy::default()
    }
}

fn customer(span: Span) -> TurnPolicy {
    TurnPolicy {
        customer_timeout: Some(span),
        ..TurnPolicy::default()
    }
}

fn staff(span: Span) -> TurnPolicy {
    TurnPolicy {
        staff_timeout: Some(span),
        ..TurnPolicy::default()
    }
}

/// Causes of all turns so far.
fn causes(s: &Scenario) -> Vec<TurnCause> {
    let causes = s.log.iter().filter_map(|(_, event)| match event {
        Event::Run {
            event: RunEvent::Started(started),
            ..
        } => started.turn.map(|turn| turn.cause),
        _ => None,
    });
    causes.collect()
}

/// A customer has written and was answered, or was not.
fn talked(policy: TurnPolicy, answered: bool) -> Scenario {
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    let mut commands = vec![reply("r", "hi"), complete()];
    commands.drain(..usize::from(!answered));
    s.turn_code(commands);
    s
}

#[test]
fn when_nobody_writes_an_idle_turn_starts_once() {
    let mut s = talked(idle(minutes(30)), true);
    s.wait(Span(minutes(30).0 - 1));
    assert_eq!(s.turn_slot(), None);
    s.wait(Span(1));
    assert_eq!(
        (s.turn().cause, s.turn().proactive),
        (TurnCause::Idle, true)
    );
    s.turn_code(vec![complete()]);
    s.wait(minutes(300));
    assert_eq!(causes(&s), [TurnCause::Message, TurnCause::Idle]);
}

#[test]
fn both_sides_reset_the_idle_clock() {
    let mut s = talked(idle(minutes(30)), true);
    s.wait(minutes(20));
    s.say("again");
    s.wait(minutes(20));
    s.turn_code(vec![reply("r", "yes"), complete()]);
    s.wait(minutes(29));
    assert_eq!(s.turn_slot(), None);
    s.wait(minutes(1));
    assert_eq!(s.turn().cause, TurnCause::Idle);
    s.turn_code(vec![reply("r", "are you there?"), complete()]);
    s.wait(minutes(30));
    assert_eq!(s.turn().cause, TurnCause::Idle, "our message began it anew");
}

#[test]
fn events_and_markers_do_not_reset_the_idle_clock() {
    let mut s = talked(idle(minutes(30)), true);
    s.wait(minutes(20));
    s.happen("late");
    s.turn_code(vec![complete()]);
    s.wait(minutes(10));
    assert_eq!(s.turn().cause, TurnCause::Idle);
}

#[test]
fn the_customers_silence_counts_from_our_last_message_and_ends_when_they_write() {
    let mut s = talked(customer(minutes(30)), true);
    s.wait(minutes(29));
    s.say("here");
    s.wait(minutes(5));
    assert_eq!(causes(&s), [TurnCause::Message; 2]);
    s.turn_code(vec![complete()]);
    s.wait(minutes(60));
    assert_eq!(s.turn_slot(), None, "they wrote last");
    let mut s = talked(customer(minutes(30)), true);
    s.wait(minutes(30));
    let turn = s.turn();
    assert_eq!(
        (turn.cause, turn.proactive),
        (TurnCause::CustomerTimeout, true)
    );
    s.turn_code(vec![complete()]);
    s.wait(minutes(60));
    assert_eq!(s.turn_slot(), None, "only once");
}

#[test]
fn a_customer_without_an_answer_gets_a_turn_once() {
    let mut s = talked(staff(minutes(5)), false);
    s.wait(minutes(3));
    s.say("hello?");
    s.turn_code(vec![complete()]);
    s.wait(minutes(2));
    let turn = s.turn();
    assert_eq!(
        (turn.cause, turn.proactive),
        (TurnCause::StaffTimeout, false)
    );
    s.turn_code(vec![complete()]);
    s.wait(minutes(60));
    assert_eq!(s.turn_slot(), None);
}

#[test]
fn an_answer_stops_the_staff_clock_but_not_for_what_came_meanwhile() {
    let mut s = talked(staff(minutes(5)), true);
    s.wait(minutes(60));
    assert_eq!(s.turn_slot(), None);
    s.say("one");
    s.wait(minutes(1));
    s.say("two");
    s.turn_code(vec![reply("r", "to one"), complete()]);
    s.turn_code(vec![complete()]);
    s.wait(Span(minutes(5).0 - 1));
    assert_eq!(s.turn_slot(), None, "counts from the second message");
    s.wait(Span(1));
    assert_eq!(s.turn().cause, TurnCause::StaffTimeout);
}

#[test]
fn no_clock_comes_while_a_turn_runs() {
    let policy = TurnPolicy {
        staff_timeout: Some(minutes(1)),
        customer_timeout: Some(minutes(1)),
        ..idle(minutes(1))
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    s.wait(minutes(10));
    assert_eq!(causes(&s), [TurnCause::Message]);
    s.turn_code(vec![reply("r", "hi"), complete()]);
    assert_eq!(s.turn_slot(), None);
    s.wait(minutes(1));
    assert!(s.turn().cause.is_proactive());
}

#[test]
fn the_idle_clock_does_not_cut_a_burst() {
    let policy = TurnPolicy {
        quiet: minutes(10),
        max_wait: minutes(60),
        customer_timeout: Some(minutes(1)),
        ..idle(minutes(1))
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("one");
    s.wait(minutes(5));
    s.say("two");
    s.wait(minutes(9));
    assert_eq!(s.turn_slot(), None);
    s.wait(minutes(1));
    assert_eq!(causes(&s), [TurnCause::Message]);
    assert_eq!(s.turn_texts(), ["one", "two"]);
}

#[test]
fn proactive_turns_of_silence_wait_for_the_end_of_quiet_hours_and_staff_does_not() {
    let quiet = |policy: TurnPolicy| TurnPolicy {
        quiet_hours: Some(QuietHours {
            time_zone: "UTC".into(),
            start_minute: 0,
            end_minute: 8 * 60,
        }),
        ..policy
    };
    let mut s = talked(quiet(idle(minutes(30))), true);
    s.wait(minutes(31));
    assert_eq!(s.turn_slot(), None);
    assert_eq!(s.root.deadlines.next(), Some(Time(8 * 3_600_000_000)));
    s.restart();
    s.wait(minutes(7 * 60));
    assert_eq!(s.turn_slot(), None);
    s.wait(minutes(30));
    assert_eq!(s.turn().cause, TurnCause::Idle);
    let mut s = talked(quiet(staff(minutes(5))), false);
    s.wait(minutes(5));
    assert_eq!(s.turn().cause, TurnCause::StaffTimeout);
}

#[test]
fn the_clocks_stand_still_in_a_pause_and_under_a_person_and_go_on_afterwards() {
    for paused in [true, false] {
        let mut s = talked(customer(minutes(30)), true);
        s.wait(minutes(20));
        if paused {
            s.pause();
        } else {
            s.hand_off(person("Bea"));
        }
        s.wait(minutes(600));
        assert_eq!(s.turn_slot(), None);
        s.restart();
        if paused {
            s.resume();
        } else {
            s.hand_back();
        }
        s.wait(minutes(9));
        assert_eq!(s.turn_slot(), None);
        s.wait(minutes(1));
        assert_eq!(s.turn().cause, TurnCause::CustomerTimeout);
    }
}

#[test]
fn with_a_pause_and_a_person_the_clocks_go_on_when_both_are_over() {
    let mut s = talked(customer(minutes(30)), true);
    s.wait(minutes(10));
    s.pause();
    s.wait(minutes(100));
    s.hand_off(person("Bea"));
    s.resume();
    s.wait(minutes(100));
    s.hand_back();
    s.wait(minutes(19));
    assert_eq!(s.turn_slot(), None);
    s.wait(minutes(1));
    assert_eq!(s.turn().cause, TurnCause::CustomerTimeout);
}

#[test]
fn what_was_written_while_the_clocks_stood_still_counts_from_the_hand_back() {
    let mut s = talked(customer(minutes(30)), true);
    s.hand_off(person("Bea"));
    s.wait(minutes(60));
    s.write("Bea", "what is your order?", 0).expect("is hers");
    s.wait(minutes(60));
    s.hand_back();
    s.wait(minutes(29));
    assert_eq!(s.turn_slot(), None);
    s.wait(minutes(1));
    assert_eq!(s.turn().cause, TurnCause::CustomerTimeout);
}

#[test]
fn a_customer_who_writes_lets_the_turn_of_silence_answer_without_bounds() {
    let policy = TurnPolicy {
        on_busy: OnBusy::Queue,
        ..idle(minutes(1))
    };
    let mut s = talked(policy, true);
    s.wait(minutes(1));
    assert!(s.turn().proactive);
    s.say("I am here");
    assert!(!s.turn().proactive);
}

#[test]
fn a_changed_timeout_holds_at_once_and_a_closed_conversation_has_none() {
    let mut s = talked(TurnPolicy::default(), true);
    s.wait(minutes(10));
    assert_eq!(s.root.deadlines.next(), None);
    s.set_policy(|policy| policy.idle_timeout = Some(minutes(15)));
    s.wait(minutes(5));
    assert_eq!(s.turn().cause, TurnCause::Idle);
    s.turn_code(vec![reply("r", "hm"), complete()]);
    s.close();
    assert_eq!(s.root.deadlines.next(), None);
}
