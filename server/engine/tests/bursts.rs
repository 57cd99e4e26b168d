//! Bounds of what waits and of what goes together.

mod scenario;

use std::collections::BTreeMap;

use everturn_engine::decide::{self, SubmitEvent};
use everturn_engine::limits;
use everturn_engine::policy::{OnBusy, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::Span;
use scenario::{Scenario, complete, payload, reply};

fn quiet(ms: i64) -> TurnPolicy {
    TurnPolicy {
        quiet: Span::from_millis(ms),
        max_wait: Span::from_millis(10 * ms),
        ..TurnPolicy::default()
    }
}

fn kilobytes(count: usize) -> String {
    "x".repeat(count * 1024)
}

#[test]
fn a_burst_over_the_bound_of_bytes_is_cut_and_the_rest_is_the_next_turns() {
    let mut s = Scenario::with_policy("c1", quiet(500));
    for _ in 0..3 {
        s.say(&kilobytes(400));
    }
    s.wait(Span::from_millis(500));
    let lengths = |s: &Scenario| {
        let messages = s.turn().context.messages.iter();
        messages.map(|m| m.sequence).collect::<Vec<_>>()
    };
    assert_eq!(lengths(&s), [1, 2]);
    s.turn_code(vec![reply("r", "ok"), complete()]);
    assert_eq!(lengths(&s), [3]);
}

#[test]
fn a_message_over_the_bound_of_a_burst_goes_alone() {
    let mut s = Scenario::with_policy("c1", quiet(500));
    s.say(&"x".repeat(limits::BURST_BYTES + 1));
    s.say("small");
    s.wait(Span::from_millis(500));
    assert_eq!(s.turn().context.messages.len(), 1);
}

#[test]
fn everything_that_waits_is_steered_however_much_it_is() {
    let policy = TurnPolicy {
        on_busy: OnBusy::Steer,
        ..quiet(500)
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    s.wait(Span::from_millis(500));
    for _ in 0..6 {
        s.say(&kilobytes(600));
    }
    s.wait(Span::from_millis(500));
    assert!(s.conversation().mailbox.is_empty());
    assert_eq!(s.journal(1).len(), 1 + 6, "no two of them go together");
}

#[test]
fn waiting_events_are_bounded_in_number_and_bytes() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    for _ in 0..limits::MAILBOX_EVENTS {
        s.happen("tick");
    }
    let refused = s.submit_event("", "tick");
    assert!(matches!(refused, Err(Rejection::LimitExceeded { .. })));
    let mut s = Scenario::new("c2");
    s.say("hello");
    let event = |s: &Scenario| SubmitEvent {
        opening: s.opening(),
        event_type: "big".into(),
        event_id: "".into(),
        payload: payload(&"x".repeat(limits::PAYLOAD_BYTES)),
        addresses: BTreeMap::new(),
        reply_channel: "".into(),
    };
    for _ in 0..limits::MAILBOX_BYTES / limits::PAYLOAD_BYTES {
        let event = event(&s);
        s.must(|tx| decide::submit_event(tx, event));
    }
    let event = event(&s);
    let refused = s.step(|tx| decide::submit_event(tx, event));
    assert!(matches!(refused, Err(Rejection::LimitExceeded { .. })));
}

#[test]
fn steered_messages_that_nobody_answers_count_as_waiting() {
    let policy = TurnPolicy {
        on_busy: OnBusy::Steer,
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    for _ in 0..limits::MAILBOX_MESSAGES {
        s.say("more");
    }
    let refused = s.submit("", "too much");
    assert!(matches!(refused, Err(Rejection::LimitExceeded { .. })));
    s.turn_code(vec![reply("r", "enough")]);
    s.say("fine again");
}
