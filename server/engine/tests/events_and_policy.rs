//! Events, and the turn policy: what comes in reaches exactly the turns that
//! are to have it, in order.

mod scenario;

use std::collections::BTreeMap;

use everturn_engine::decide::{self, Completion, SubmitEvent};
use everturn_engine::event::{RunEvent, TurnCause};
use everturn_engine::limits;
use everturn_engine::policy::{OnBusy, QuietHours, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::root::Root;
use everturn_engine::value::Span;
use scenario::{Scenario, ask, cancel, complete, payload, reply, target, texts, types};

fn on_busy(on_busy: OnBusy) -> TurnPolicy {
    TurnPolicy {
        on_busy,
        ..TurnPolicy::default()
    }
}

fn on_event(on_event: OnBusy) -> TurnPolicy {
    TurnPolicy {
        on_event,
        ..TurnPolicy::default()
    }
}

fn quiet(ms: i64) -> TurnPolicy {
    TurnPolicy {
        quiet: Span::from_millis(ms),
        max_wait: Span::from_millis(10 * ms),
        ..TurnPolicy::default()
    }
}

#[test]
fn an_event_opens_a_conversation_and_starts_a_turn() {
    let mut s = Scenario::new("c1");
    let accepted = s.submit_event("e1", "cart-abandoned").expect("accepted");
    assert_eq!(accepted.sequence, 1);
    let turn = s.turn();
    assert_eq!((turn.cause, turn.proactive), (TurnCause::Event, true));
    assert_eq!(turn.context.reply_channel.as_str(), "chat");
    assert_eq!(s.turn_texts(), [""; 0]);
    assert_eq!(s.turn_events(), ["cart-abandoned"]);
    let event = &s.turn().context.events[0];
    assert_eq!((event.sequence, event.after_message), (1, 0));
}

#[test]
fn an_event_without_a_type_opens_nothing() {
    let mut s = Scenario::new("c1");
    let mut opening = s.opening();
    opening.type_name = "".into();
    let event = SubmitEvent {
        opening,
        event_type: "late".into(),
        event_id: "".into(),
        payload: payload("1"),
        addresses: BTreeMap::new(),
        reply_channel: "".into(),
    };
    let refused = s.step(|tx| decide::submit_event(tx, event));
    assert_eq!(refused, Err(Rejection::TypeRequired));
    assert!(!s.root.exists());
}

#[test]
fn an_event_that_comes_twice_gets_the_first_answer_even_after_the_close() {
    let mut s = Scenario::new("c1");
    let first = s.submit_event("e1", "late").expect("accepted");
    s.wait(Span::from_secs(5));
    let events = s.log.len();
    assert_eq!(s.submit_event("e1", "late"), Ok(first));
    assert_eq!(s.log.len(), events);
    s.close();
    assert_eq!(s.submit_event("e1", "late"), Ok(first));
    let refused = s.submit_event("e2", "late");
    assert_eq!(refused, Err(Rejection::ConversationClosed));
}

#[test]
fn an_event_id_is_not_taken_for_a_message_id() {
    let mut s = Scenario::new("c1");
    s.submit("same", "hello").expect("accepted");
    s.submit_event("same", "late").expect("accepted");
    let conversation = s.conversation();
    assert_eq!(
        (conversation.message_count, conversation.event_count),
        (1, 1)
    );
}

#[test]
fn a_flood_of_events_does_not_make_it_forget_its_messages() {
    let mut s = Scenario::new("c1");
    s.policy.turn_cap.turns = 0;
    let first = s.submit("m1", "hello").expect("accepted");
    s.turn_code(vec![complete()]);
    for index in 0..=limits::REMEMBERED_EVENTS {
        s.submit_event(&format!("e{index}"), "late")
            .expect("accepted");
        s.turn_code(vec![complete()]);
    }
    assert_eq!(s.submit("m1", "hello"), Ok(first), "it came again");
    let latest = limits::REMEMBERED_EVENTS as u64 + 1;
    for (id, sequence) in [("e1", 2), ("e0", latest + 1)] {
        let accepted = s.submit_event(id, "late").expect("accepted");
        assert_eq!(accepted.sequence, sequence, "the first is forgotten");
    }
}

#[test]
fn queued_events_keep_their_order_and_become_one_turn() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    for event_type in ["a", "b", "c"] {
        s.happen(event_type);
    }
    assert_eq!(s.journal(1), ["Started"]);
    s.turn_code(vec![reply("r", "hi"), complete()]);
    assert_eq!(s.turn_events(), ["a", "b", "c"]);
    assert_eq!(s.turn().cause, TurnCause::Event);
    let places: Vec<_> = s.turn().context.events.iter().map(|e| e.sequence).collect();
    assert_eq!(places, [1, 2, 3]);
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_slot(), None, "each event is given once");
}

#[test]
fn an_event_that_comes_while_a_burst_is_collected_goes_with_it() {
    let mut s = Scenario::with_policy("c1", quiet(500));
    s.say("one");
    s.happen("late");
    assert_eq!(s.turn_slot(), None);
    s.say("two");
    s.wait(Span::from_millis(500));
    assert_eq!(s.turn().cause, TurnCause::Message);
    assert!(!s.turn().proactive);
    assert_eq!(s.turn_texts(), ["one", "two"]);
    assert_eq!(s.turn_events(), ["late"]);
}

#[test]
fn an_event_steers_into_the_running_turn_which_cannot_close_unread() {
    let mut s = Scenario::with_policy("c1", on_event(OnBusy::Steer));
    s.say("hello");
    let token = s.begin(1);
    s.happen("paid");
    assert_eq!(s.journal(1), ["Started", "EventsArrived"]);
    let refused =
        s.step(|tx| decide::complete_task(tx, token, Completion::new(1, vec![complete()])));
    assert_eq!(refused, Err(Rejection::UnreadEvents { after: 1 }));
    s.must(|tx| decide::complete_task(tx, token, Completion::new(2, vec![complete()])));
    assert_eq!(s.turn_slot(), None);
}

#[test]
fn an_event_interrupts_the_running_turn_and_its_messages_come_again() {
    let mut s = Scenario::with_policy("c1", on_event(OnBusy::Interrupt));
    s.say("hello");
    s.happen("late");
    assert_eq!(s.journal(1), ["Started", "TurnInterrupted"]);
    s.turn_code(vec![reply("r", "stale"), complete()]);
    assert_eq!(s.sent(), [""; 0]);
    assert_eq!(s.turn().cause, TurnCause::Message);
    assert_eq!(s.turn_texts(), ["hello"]);
    assert_eq!(s.turn_events(), ["late"]);
}

#[test]
fn an_interrupted_event_turn_gives_its_events_back_in_their_places() {
    let mut s = Scenario::with_policy("c1", on_event(OnBusy::Interrupt));
    s.happen("first");
    s.happen("second");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_events(), ["first", "second"]);
    assert_eq!(s.turn().cause, TurnCause::Event);
}

#[test]
fn an_event_turn_that_has_written_does_not_give_its_events_back() {
    let mut s = Scenario::with_policy("c1", on_event(OnBusy::Interrupt));
    s.happen("first");
    s.turn_code(vec![reply("r", "about the first")]);
    s.happen("second");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_events(), ["second"]);
}

#[test]
fn events_that_were_steered_into_an_interrupted_turn_come_again() {
    let policy = TurnPolicy {
        on_busy: OnBusy::Interrupt,
        on_event: OnBusy::Steer,
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.happen("first");
    s.happen("second");
    s.say("hello");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_texts(), ["hello"]);
    assert_eq!(s.turn_events(), ["first", "second"]);
}

#[test]
fn in_quiet_hours_an_event_interrupts_nothing() {
    let hours = QuietHours {
        time_zone: "UTC".into(),
        start_minute: 0,
        end_minute: 60,
    };
    for policy in [on_event(OnBusy::Interrupt), on_event(OnBusy::Steer)] {
        let policy = TurnPolicy {
            quiet_hours: Some(hours.clone()),
            ..policy
        };
        let mut s = Scenario::with_policy("c1", policy);
        s.say("hello");
        s.happen("late");
        assert_eq!(s.journal(1), ["Started"]);
        s.turn_code(vec![reply("r", "hi"), complete()]);
        assert_eq!(s.sent(), ["hi"]);
        assert_eq!(s.turn_slot(), None);
        s.wait(Span::from_secs(3600));
        assert_eq!(s.turn_events(), ["late"]);
    }
}

#[test]
fn an_ask_is_not_answered_by_an_event() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![ask("q")]);
    s.happen("late");
    assert_eq!(s.turn().ask.as_ref().map(|k| k.as_str()), Some("q"));
    s.say("answer");
    assert!(matches!(s.last_of(1), RunEvent::AskAnswered { .. }));
    s.turn_code(vec![reply("r", "ok"), complete()]);
    assert_eq!(s.turn_events(), ["late"]);
}

#[test]
fn steered_messages_after_the_last_reply_are_the_next_turns_as_well() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Steer));
    s.say("one");
    s.say("two");
    s.turn_code(vec![reply("r", "to one and two")]);
    s.say("three");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_texts(), ["three"]);
    s.turn_code(vec![reply("r", "to three"), complete()]);
    assert_eq!(s.turn_slot(), None);
}

#[test]
fn an_answer_to_an_ask_that_an_interrupted_turn_did_not_reply_to_comes_again() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Interrupt));
    s.say("cancel my order");
    s.turn_code(vec![reply("q", "which one?"), ask("order")]);
    s.say("number 7");
    s.say("no, number 8");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_texts(), ["number 7", "no, number 8"]);
}

#[test]
fn a_reply_does_not_answer_what_its_code_had_not_been_given() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Steer));
    s.say("one");
    let token = s.begin(1);
    let seen = s.root.runs[&1].last_event;
    s.say("two");
    let commands = vec![reply("r", "to one"), scenario::timer("t", 60)];
    s.must(|tx| decide::complete_task(tx, token, Completion::new(seen, commands)));
    s.restart();
    s.set_policy(|policy| policy.on_busy = OnBusy::Interrupt);
    s.say("three");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_texts(), ["two", "three"]);
}

#[test]
fn a_reminder_does_not_answer_the_answer_that_crosses_it() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Interrupt));
    s.say("cancel my order");
    s.turn_code(vec![ask("order"), scenario::timer("remind", 5)]);
    s.wait(Span::from_secs(5));
    let token = s.begin(1);
    let seen = s.root.runs[&1].last_event;
    s.say("number 7");
    let commands = vec![reply("r", "which one?"), scenario::timer("again", 5)];
    s.must(|tx| decide::complete_task(tx, token, Completion::new(seen, commands)));
    s.say("no, number 8");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_texts(), ["number 7", "no, number 8"]);
}

#[test]
fn an_ask_in_the_completion_that_closes_the_run_swallows_no_message() {
    let mut s = Scenario::new("c1");
    s.say("one");
    s.say("two");
    s.turn_code(vec![ask("q"), reply("r", "hi"), complete()]);
    assert_eq!(s.turn_texts(), ["two"]);
}

#[test]
fn a_canceled_ask_gives_back_its_answer_and_swallows_no_signal() {
    let mut s = Scenario::new("c1");
    s.say("one");
    s.turn_code(vec![ask("q")]);
    let signal = decide::SignalWorkflow {
        target: target("c1/turn-1"),
        name: "go".into(),
        input: payload("1"),
        request: 0.into(),
    };
    s.must(|tx| decide::signal_workflow(tx, signal));
    s.say("two");
    assert_eq!(s.journal(1)[2..], ["SignalReceived", "AskAnswered"]);
    let token = s.begin(1);
    let end = || vec![cancel("q"), complete()];
    let unread = s.step(|tx| decide::complete_task(tx, token, Completion::new(2, end())));
    assert_eq!(unread, Err(Rejection::UnreadEvents { after: 2 }));
    s.root = Root::decode(&s.root.encode(), &s.root.values()).expect("reads back");
    s.must(|tx| Ok(decide::resume(tx, decide::Tasks::AreLost)));
    let token = s.begin(1);
    let unread = s.step(|tx| decide::complete_task(tx, token, Completion::new(2, end())));
    assert_eq!(unread, Err(Rejection::UnreadEvents { after: 2 }));
    // With the signal read, only the answer is missing, and it comes again.
    s.must(|tx| decide::complete_task(tx, token, Completion::new(3, end())));
    assert_eq!(s.turn_texts(), ["two"]);
}

#[test]
fn the_messages_of_a_canceled_ask_steer_the_turn_that_goes_on() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Steer));
    s.say("one");
    s.turn_code(vec![ask("q"), scenario::timer("t", 5)]);
    s.wait(Span::from_secs(5));
    let token = s.begin(1);
    let seen = s.root.runs[&1].last_event;
    s.say("two");
    s.must(|tx| decide::complete_task(tx, token, Completion::new(seen, vec![cancel("q")])));
    let RunEvent::MessagesArrived { messages } = s.last_of(1) else {
        panic!("the message was given back and steers");
    };
    assert_eq!(texts(messages), ["two"]);
}

#[test]
fn the_policy_may_change_while_a_turn_runs() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Queue));
    s.say("one");
    s.say("two");
    s.happen("late");
    s.set_policy(|policy| {
        policy.on_busy = OnBusy::Steer;
        policy.on_event = OnBusy::Steer;
    });
    assert_eq!(
        s.journal(1),
        ["Started", "MessagesArrived", "EventsArrived"]
    );
    let RunEvent::EventsArrived { events } = s.last_of(1) else {
        panic!("just checked");
    };
    assert_eq!(types(events), ["late"]);
}
