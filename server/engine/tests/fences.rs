//! Fences at commit: what a turn says that may not leave is recorded with the
//! reason, and never leaves.

mod scenario;

use everturn_engine::decide::{self, Completion};
use everturn_engine::event::{Event, RunEvent, SuppressReason, TurnCause};
use everturn_engine::policy::{FrequencyCap, OnBusy, QuietHours, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::{Span, Time};
use scenario::{Scenario, activity, ask, complete, person, reply, set_state};

const HOUR: Span = Span::from_secs(3600);

fn interrupting() -> TurnPolicy {
    TurnPolicy {
        on_busy: OnBusy::Interrupt,
        ..TurnPolicy::default()
    }
}

/// Quiet from 00:00 to 08:00 UTC; scenarios begin a second after midnight.
fn nightly() -> TurnPolicy {
    TurnPolicy {
        quiet_hours: Some(QuietHours {
            time_zone: "UTC".into(),
            start_minute: 0,
            end_minute: 8 * 60,
        }),
        ..TurnPolicy::default()
    }
}

fn capped(max_messages: u32, window: Span) -> TurnPolicy {
    TurnPolicy {
        frequency_cap: Some(FrequencyCap {
            max_messages,
            window,
        }),
        ..TurnPolicy::default()
    }
}

/// Whether the last write of state was kept out.
fn state_was_suppressed(s: &Scenario) -> bool {
    let mut events = s.log.iter().rev();
    let found = events.find_map(|(_, event)| match event {
        Event::Run {
            event: RunEvent::StateSet { suppressed, .. },
            ..
        } => Some(*suppressed),
        _ => None,
    });
    found.expect("state was written")
}

/// The turn says something and writes state: what became of both.
fn outcome(s: &mut Scenario) -> (Option<SuppressReason>, bool) {
    let before = s.suppressed().len();
    let slot = s.turn_slot().expect("a turn runs");
    let token = s.begin(slot);
    finish(s, token, before)
}

fn finish(
    s: &mut Scenario,
    token: decide::TaskToken,
    before: usize,
) -> (Option<SuppressReason>, bool) {
    let seen = s.root.runs[&token.slot].last_event;
    let commands = vec![reply("say", "said"), set_state("write", "2"), complete()];
    s.must(|tx| decide::complete_task(tx, token, Completion::new(seen, commands)));
    let reason = s.suppressed().get(before).map(|(_, reason)| *reason);
    let written = s.root.conversation.as_ref();
    let written = written.is_some_and(|c| c.state.entries.contains_key(&"n".into()));
    assert_eq!(written, !state_was_suppressed(s));
    assert_eq!(reason.is_none(), s.sent().contains(&"said".to_owned()));
    (reason, written)
}

#[test]
fn without_a_fence_a_message_leaves_and_state_is_written() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    assert_eq!(outcome(&mut s), (None, true));
}

#[test]
fn a_superseded_turn_neither_speaks_nor_writes() {
    let mut s = Scenario::with_policy("c1", interrupting());
    s.say("one");
    s.say("two");
    let reason = Some(SuppressReason::TurnSuperseded);
    assert_eq!(outcome(&mut s), (reason, false));
}

#[test]
fn what_a_superseded_turn_wanted_to_say_is_on_record() {
    let mut s = Scenario::with_policy("c1", interrupting());
    s.say("one");
    s.turn_code(vec![activity("draft")]);
    s.say("two");
    s.turn_code(vec![reply("late", "stale")]);
    let RunEvent::MessageSuppressed {
        content, channel, ..
    } = s.last_of(1)
    else {
        panic!("the message was kept in");
    };
    assert_eq!((content.text.as_str(), channel.as_str()), ("stale", "chat"));
    assert_eq!(s.conversation().message_count, 2);
}

#[test]
fn a_turn_of_a_closed_conversation_neither_speaks_nor_writes() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.close();
    let reason = Some(SuppressReason::ConversationClosed);
    assert_eq!(outcome(&mut s), (reason, false));
}

#[test]
fn a_turn_of_a_paused_conversation_speaks_and_writes_after_the_pause() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let token = s.begin(1);
    s.pause();
    let commands = vec![reply("say", "said"), set_state("write", "2"), complete()];
    let completion = Completion::new(1, commands);
    let refused = s.step(|tx| decide::complete_task(tx, token, completion.clone()));
    assert_eq!(refused, Err(Rejection::Fenced));
    let again = s.step(|tx| decide::complete_task(tx, token, completion));
    assert_eq!(again, Err(Rejection::Fenced), "the task is nobody's");
    assert_eq!(s.journal(1), ["Started"], "nothing of it counts as done");
    s.resume();
    assert_eq!(s.offers(), ["task of 1"]);
    assert_eq!(outcome(&mut s), (None, true));
    assert_eq!(s.conversation().unanswered_since, None);
}

#[test]
fn agents_are_silent_while_a_person_owns_the_conversation() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.hand_off(person("Bea"));
    let reason = Some(SuppressReason::HumanOwns);
    assert_eq!(outcome(&mut s), (reason, false));
}

#[test]
fn the_strongest_fence_is_named() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let say = |s: &mut Scenario, token: decide::TaskToken| {
        let seen = s.root.runs[&1].last_event;
        let key = format!("say-{}", s.suppressed().len());
        s.must(|tx| {
            decide::complete_task(tx, token, Completion::new(seen, vec![reply(&key, "x")]))
        });
        s.suppressed().last().expect("kept in").1
    };
    let wake = |s: &mut Scenario, name: &str| {
        let signal = decide::SignalWorkflow {
            target: scenario::target("c1/turn-1"),
            name: name.into(),
            input: scenario::payload("1"),
            request: 0.into(),
        };
        s.must(|tx| decide::signal_workflow(tx, signal));
        s.begin(1)
    };
    let token = s.begin(1);
    s.pause();
    s.hand_off(person("Bea"));
    assert_eq!(say(&mut s, token), SuppressReason::HumanOwns);
    s.hand_back();
    s.resume();
    let token = wake(&mut s, "again");
    s.pause();
    assert_eq!(say(&mut s, token), SuppressReason::TurnSuperseded);
    s.resume();
    s.hand_off(person("Bea"));
    let token = wake(&mut s, "again");
    s.close();
    assert_eq!(say(&mut s, token), SuppressReason::ConversationClosed);
}

#[test]
fn a_replayed_command_of_an_old_key_says_nothing_twice() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![reply("r", "hi"), activity("next")]);
    s.complete_activity(1, "next");
    s.turn_code(vec![reply("r", "hi"), complete()]);
    assert_eq!(s.sent(), ["hi"]);
}

#[test]
fn quiet_hours_hold_an_event_until_they_are_over() {
    let mut s = Scenario::with_policy("c1", nightly());
    s.happen("late");
    assert_eq!(s.turn_slot(), None);
    assert_eq!(s.root.deadlines.next(), Some(Time(8 * 3_600_000_000)));
    s.restart();
    assert_eq!(s.root.deadlines.next(), Some(Time(8 * 3_600_000_000)));
    s.wait(Span(7 * HOUR.0));
    assert_eq!(s.turn_slot(), None);
    s.wait(HOUR);
    assert_eq!(s.turn_events(), ["late"]);
}

#[test]
fn quiet_hours_hold_what_a_proactive_turn_sends() {
    let mut s = Scenario::with_policy("c1", nightly());
    s.context.now = Time(23 * HOUR.0 + 59 * 60_000_000);
    s.happen("late");
    s.context.now = s.context.now + HOUR;
    let commands = vec![
        reply("a", "it is late"),
        reply("b", "sorry"),
        set_state("write", "2"),
        complete(),
    ];
    s.turn_code(commands);
    assert_eq!(s.sent(), [""; 0]);
    assert!(!state_was_suppressed(&s), "it may write state");
    s.restart();
    s.wait(Span(7 * HOUR.0));
    assert_eq!(s.sent(), [""; 0], "it is 07:59");
    s.wait(Span::from_secs(60));
    assert_eq!(s.sent(), ["it is late", "sorry"]);
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn what_quiet_hours_hold_is_not_said_after_a_close() {
    let mut s = Scenario::with_policy("c1", nightly());
    s.context.now = Time(23 * HOUR.0);
    s.happen("late");
    s.context.now = Time(25 * HOUR.0);
    s.turn_code(vec![reply("a", "it is late"), complete()]);
    s.close();
    s.wait(Span(20 * HOUR.0));
    assert_eq!(s.sent(), [""; 0]);
}

#[test]
fn a_customer_who_writes_in_quiet_hours_is_answered() {
    let mut s = Scenario::with_policy("c1", nightly());
    s.happen("late");
    s.say("where is it?");
    assert_eq!(s.turn().cause, TurnCause::Message);
    assert_eq!(s.turn_events(), ["late"], "the event goes with the message");
    assert_eq!(outcome(&mut s), (None, true));
}

#[test]
fn a_customer_who_writes_lifts_the_bounds_of_a_proactive_turn() {
    for on_busy in [OnBusy::Queue, OnBusy::Steer] {
        let policy = TurnPolicy {
            on_busy,
            ..nightly()
        };
        let mut s = Scenario::with_policy("c1", policy);
        s.context.now = Time(12 * HOUR.0);
        s.happen("late");
        s.context.now = Time(24 * HOUR.0);
        s.turn_code(vec![reply("first", "your parcel is late")]);
        assert_eq!(s.sent(), [""; 0]);
        s.say("what about my parcel?");
        assert_eq!(s.sent(), ["your parcel is late"], "nothing holds it now");
        s.must(|tx| decide::cancel_workflow(tx, &scenario::target("c1/turn-1"), "".into()));
        s.turn_code(vec![reply("second", "it is late")]);
        assert_eq!(s.sent(), ["your parcel is late", "it is late"]);
    }
}

#[test]
fn an_answer_to_an_ask_lifts_the_bounds_as_well() {
    let mut s = Scenario::with_policy("c1", capped(1, HOUR));
    s.happen("late");
    s.turn_code(vec![reply("a", "one"), reply("b", "two"), ask("q")]);
    assert_eq!(s.sent(), ["one"]);
    s.say("yes?");
    s.turn_code(vec![reply("c", "three"), complete()]);
    assert_eq!(s.sent(), ["one", "three"]);
}

#[test]
fn the_frequency_cap_counts_messages_in_a_moving_window() {
    let mut s = Scenario::with_policy("c1", capped(2, HOUR));
    let minutes = |count: i64| Span::from_secs(60 * count);
    let write = |s: &mut Scenario, text: &str| {
        s.happen("tick");
        s.turn_code(vec![reply("r", text), complete()]);
    };
    write(&mut s, "at 0");
    s.wait(minutes(30));
    write(&mut s, "at 30");
    s.wait(minutes(29));
    write(&mut s, "at 59");
    assert_eq!(
        s.suppressed(),
        [("at 59".to_owned(), SuppressReason::FrequencyCap)]
    );
    s.wait(minutes(1));
    write(&mut s, "at 60");
    s.wait(minutes(29));
    write(&mut s, "at 89");
    s.wait(minutes(1));
    write(&mut s, "at 90");
    assert_eq!(s.sent(), ["at 0", "at 30", "at 60", "at 90"]);
    assert_eq!(s.conversation().proactive.len(), 2, "no more is remembered");
}

#[test]
fn the_frequency_cap_does_not_count_or_hold_answers() {
    let mut s = Scenario::with_policy("c1", capped(1, HOUR));
    for index in 0..3 {
        s.say("hello");
        s.turn_code(vec![reply("r", &index.to_string()), complete()]);
    }
    s.happen("tick");
    s.turn_code(vec![reply("r", "first"), reply("s", "second"), complete()]);
    assert_eq!(s.sent(), ["0", "1", "2", "first"]);
    assert_eq!(s.suppressed()[0].1, SuppressReason::FrequencyCap);
}
