//! Episodes: what an interrupted turn and its successors share.

mod scenario;

use everturn_engine::decide;
use everturn_engine::policy::{OnBusy, OnTurnFailure, TurnPolicy};
use everturn_engine::state::episode::DoneStep;
use everturn_engine::value::{Outcome, Span};
use scenario::{Scenario, activity, child, complete, fail, person, reply, taker};

fn interrupting() -> TurnPolicy {
    TurnPolicy {
        on_busy: OnBusy::Interrupt,
        ..TurnPolicy::default()
    }
}

/// The idempotency key that the next attempt of an activity is given.
fn key_of(s: &mut Scenario, slot: u32, key: &str) -> String {
    let run = &s.root.runs[&slot];
    let found = run.activities.iter().find(|(_, a)| a.key.as_str() == key);
    let (id, attempt) = found.map(|(id, a)| (*id, a.attempt)).expect("is pending");
    let start = s.must(|tx| decide::begin_activity(tx, slot, id, attempt, taker(&"w".into())));
    start.idempotency_key.to_string()
}

fn told(steps: &[DoneStep]) -> Vec<String> {
    let line = |step: &DoneStep| {
        let outcome = match &step.outcome {
            Some(Outcome::Completed(_)) => "done",
            Some(Outcome::Failed(_)) => "failed",
            None => "unknown",
        };
        format!("turn {} {}: {outcome}", step.turn, step.key)
    };
    steps.iter().map(line).collect()
}

#[test]
fn the_successor_of_an_interrupted_turn_has_its_keys_and_is_told_what_was_done() {
    let mut s = Scenario::with_policy("c1", interrupting());
    s.say("refund order 7");
    assert_eq!(s.turn().episode, 1);
    let steps = vec![
        activity("look"),
        activity("refund"),
        activity("mail"),
        child("kid"),
    ];
    s.turn_code(steps);
    s.complete_activity(1, "look");
    assert_eq!(key_of(&mut s, 1, "refund"), "", "its own is the default");
    s.say("and hurry");
    s.wait(Span::from_secs(11));
    let turn = s.turn();
    assert_eq!((turn.number, turn.episode), (2, 1));
    let interrupted = turn.context.interrupted.as_ref().expect("is told");
    assert_eq!(
        told(&interrupted.steps),
        [
            "turn 1 look: done",
            "turn 1 refund: unknown",
            "turn 1 kid: unknown"
        ],
        "the mail had not begun"
    );
    let slot = s.turn_slot().expect("a turn runs");
    s.turn_code(vec![activity("refund"), child("kid")]);
    assert_eq!(key_of(&mut s, slot, "refund"), "c1/turn-1/refund");
    s.run_code(slot + 1, vec![activity("below")])
        .expect("valid");
    assert_eq!(key_of(&mut s, slot + 1, "below"), "c1/turn-1/kid/below");
}

#[test]
fn a_turn_that_is_tried_again_has_the_keys_of_the_first_attempt() {
    let policy = TurnPolicy {
        on_turn_failure: OnTurnFailure {
            attempts: 2,
            ..OnTurnFailure::default()
        },
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("refund order 7");
    s.turn_code(vec![fail()]);
    s.wait(Span::from_secs(5));
    let slot = s.turn_slot().expect("a turn runs");
    s.turn_code(vec![activity("refund")]);
    assert_eq!(key_of(&mut s, slot, "refund"), "c1/turn-1/refund");
    assert!(s.turn().context.interrupted.is_none(), "nobody interrupted");
}

#[test]
fn an_episode_ends_with_the_turn_that_completes() {
    let mut s = Scenario::with_policy("c1", interrupting());
    s.say("one");
    s.say("two");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn().episode, 1);
    s.turn_code(vec![reply("r", "hi"), complete()]);
    s.say("three");
    let turn = s.turn();
    assert_eq!((turn.number, turn.episode, turn.interrupts), (3, 3, 0));
    assert!(turn.context.interrupted.is_none());
}

#[test]
fn a_customer_who_does_not_stop_writing_gets_a_reply() {
    let mut s = Scenario::with_policy("c1", interrupting());
    s.say("0");
    for message in 1..10 {
        s.say(&message.to_string());
        if s.turn().interrupted.is_some() {
            s.turn_code(vec![complete()]);
        }
    }
    let turn = s.turn();
    assert_eq!((turn.number, turn.interrupts), (4, 3), "three interrupts");
    assert!(turn.interrupted.is_none());
    s.turn_code(vec![reply("r", "all of it"), complete()]);
    assert_eq!(s.sent(), ["all of it"]);
    let turn = s.turn();
    assert_eq!((turn.number, turn.episode), (5, 5), "what came meanwhile");
}

#[test]
fn an_episode_is_interrupted_no_longer_than_its_policy_allows() {
    let policy = TurnPolicy {
        max_interrupts: 100,
        max_delay: Some(Span::from_secs(5)),
        ..interrupting()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("one");
    s.wait(Span::from_secs(3));
    s.say("two");
    s.turn_code(vec![complete()]);
    s.wait(Span::from_secs(2));
    s.say("three");
    assert!(s.turn().interrupted.is_none());
}

#[test]
fn a_turn_after_a_hand_over_takes_up_what_the_one_before_it_had_begun() {
    let mut s = Scenario::new("c1");
    s.say("refund order 7");
    s.turn_code(vec![activity("refund")]);
    s.take_activity(1, "refund");
    s.hand_off(person("Bea"));
    s.wait(Span::from_secs(11));
    s.hand_back();
    let interrupted = s.turn().context.interrupted.as_ref();
    let steps = told(&interrupted.expect("is told").steps);
    assert_eq!(steps, ["turn 1 refund: unknown"]);
}

#[test]
fn what_a_person_kept_in_is_done_again_after_the_hand_back() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![
        scenario::take_over("h", person("Bea")),
        reply("r", "an answer"),
    ]);
    s.hand_back();
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_texts(), ["hello"], "nobody has answered");
    s.turn_code(vec![reply("r", "an answer"), complete()]);
    assert_eq!(s.sent(), ["an answer"]);
    assert!(s.turn_slot().is_none());
}
