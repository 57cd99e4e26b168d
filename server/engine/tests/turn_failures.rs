//! Turns that fail: what they were given is not lost, and somebody learns of it.

mod scenario;

use everturn_engine::decide;
use everturn_engine::event::{RunStatus, TurnCause};
use everturn_engine::policy::{AfterFailure, OnBusy, OnTurnFailure, TurnPolicy};
use everturn_engine::state::turn::EndedTurn;
use everturn_engine::value::{Span, Time};
use everturn_engine::waiting::{self, Wait, WaitReason};
use scenario::{Scenario, ask, complete, fail, no_reply, reply, target, team, texts};

fn on_failure(attempts: u32, then: AfterFailure) -> TurnPolicy {
    TurnPolicy {
        on_turn_failure: OnTurnFailure {
            attempts,
            backoff: Span::from_secs(10),
            then,
        },
        ..TurnPolicy::default()
    }
}

fn last(s: &Scenario) -> &EndedTurn {
    s.conversation().last_turn.as_ref().expect("a turn ended")
}

fn wait(s: &Scenario) -> Wait {
    waiting::conversation(&s.root).expect("it waits")
}

#[test]
fn a_turn_that_fails_is_on_view_and_its_messages_are_the_next_turns() {
    let mut s = Scenario::new("c1");
    let asked = s.context.now;
    s.say("one");
    s.turn_code(vec![fail()]);
    assert_eq!(s.turn_slot(), None, "nothing starts by itself");
    let ended = last(&s);
    assert_eq!((ended.number, ended.status), (1, RunStatus::Failed));
    let failure = ended.failure.as_ref().expect("it failed");
    assert_eq!(failure.type_name.as_str(), "ModelError");
    assert_eq!(texts(&s.conversation().unanswered), ["one"]);
    assert_eq!(s.conversation().unanswered_since, Some(asked));
    let wait = wait(&s);
    assert_eq!((wait.reason, wait.since), (WaitReason::Unanswered, asked));
    let said = "turn 1 failed: ModelError: the model said no";
    assert_eq!(wait.detail.as_str(), said);

    s.wait(Span::from_secs(60));
    s.say("two");
    assert_eq!(s.turn_texts(), ["one", "two"]);
    assert_eq!(texts(&s.turn().context.recent), [""; 0], "said once");
    s.turn_code(vec![reply("reply", "here you are"), complete()]);
    let conversation = s.conversation();
    assert_eq!(conversation.unanswered_since, None);
    assert!(conversation.unanswered.is_empty());
    assert_eq!(waiting::conversation(&s.root), None);
    assert!(last(&s).replied);
}

#[test]
fn a_further_attempt_has_the_same_messages_after_a_growing_pause() {
    let mut s = Scenario::with_policy("c1", on_failure(3, AfterFailure::Wait));
    s.say("one");
    s.turn_code(vec![fail()]);
    let wait_1 = wait(&s);
    assert_eq!(wait_1.reason, WaitReason::BackingOff);
    assert_eq!(wait_1.until, Some(s.context.now + Span::from_secs(10)));
    s.wait(Span::from_secs(9));
    assert_eq!(s.turn_slot(), None);
    s.restart();
    s.wait(Span::from_secs(1));
    assert_eq!(
        (s.turn_texts(), s.turn().context.attempt),
        (vec!["one".to_owned()], 2)
    );
    s.turn_code(vec![fail()]);
    s.wait(Span::from_secs(19));
    assert_eq!(s.turn_slot(), None, "the pause has doubled");
    s.wait(Span::from_secs(1));
    assert_eq!(s.turn().context.attempt, 3);
    s.turn_code(vec![fail()]);
    s.wait(Span::from_secs(100));
    assert_eq!(s.turn_slot(), None, "three attempts were allowed");
    assert_eq!(wait(&s).reason, WaitReason::Unanswered);
}

#[test]
fn who_writes_in_the_pause_gets_one_turn_with_everything() {
    let mut s = Scenario::with_policy("c1", on_failure(3, AfterFailure::Wait));
    s.say("one");
    s.turn_code(vec![fail()]);
    s.say("two");
    assert_eq!(s.turn_texts(), ["one", "two"]);
    assert_eq!(s.turn().context.attempt, 1, "it was not given that before");
    s.turn_code(vec![reply("reply", "both"), complete()]);
    s.wait(Span::from_secs(60));
    assert_eq!(s.turn_slot(), None);
    assert_eq!(s.sent(), ["both"]);
}

#[test]
fn the_last_failure_hands_over_with_the_reason() {
    let then = AfterFailure::HandOff(team("desk"));
    let mut s = Scenario::with_policy("c1", on_failure(2, then));
    s.say("one");
    s.turn_code(vec![fail()]);
    assert!(s.conversation().handover.is_none(), "one more attempt");
    s.wait(Span::from_secs(10));
    s.turn_code(vec![fail()]);
    let handover = s.conversation().handover.as_ref().expect("handed over");
    assert_eq!(handover.assignee, team("desk"));
    let said = "turn 2 failed: ModelError: the model said no";
    assert_eq!(handover.reason.as_str(), said);
    assert!(s.conversation().unanswered_since.is_some());
    s.write("Bea", "I am here", 0).expect("is hers");
    assert_eq!(s.conversation().unanswered_since, None);
    s.hand_back();
    assert_eq!(s.turn_slot(), None, "she has answered");
    s.say("thank you");
    assert_eq!(s.turn_texts(), ["thank you"]);
}

#[test]
fn the_last_failure_may_be_an_event_that_code_answers_once() {
    let then = AfterFailure::Event("turn-failed".into());
    let mut s = Scenario::with_policy("c1", on_failure(1, then));
    s.say("one");
    s.turn_code(vec![fail()]);
    assert_eq!(s.turn_events(), ["turn-failed"]);
    assert_eq!(s.turn_texts(), ["one"]);
    assert_eq!(s.turn().cause, TurnCause::Event);
    assert!(!s.turn().proactive, "the customer waits for it");
    let payload = &s.turn().context.events[0].payload;
    let json: serde_json::Value = serde_json::from_slice(&payload.data.0).expect("JSON");
    assert_eq!(json["turn"], 1);
    assert_eq!(json["failure"]["type"], "ModelError");
    // Its own failure is no such event again.
    s.turn_code(vec![fail()]);
    assert_eq!(s.turn_slot(), None);
    assert_eq!(s.conversation().event_count, 1);
    assert_eq!(texts(&s.conversation().unanswered), ["one"]);
}

#[test]
fn a_turn_that_was_terminated_leaves_its_messages_and_is_not_repeated() {
    let mut s = Scenario::with_policy("c1", on_failure(5, AfterFailure::Wait));
    s.say("one");
    s.must(|tx| decide::terminate_workflow(tx, &target("c1/turn-1"), &"stop".into()));
    assert_eq!(last(&s).status, RunStatus::Terminated);
    assert_eq!(wait(&s).detail.as_str(), "turn 1 was terminated: stop");
    s.wait(Span::from_secs(600));
    assert_eq!(s.turn_slot(), None);
    assert_eq!(texts(&s.conversation().unanswered), ["one"]);
}

#[test]
fn what_was_answered_before_the_failure_is_not_answered_again() {
    let mut s = Scenario::with_policy("c1", on_failure(2, AfterFailure::Wait));
    s.say("one");
    s.turn_code(vec![reply("reply", "first"), fail()]);
    assert_eq!(s.conversation().unanswered_since, None);
    s.wait(Span::from_secs(60));
    assert_eq!(s.turn_slot(), None);
    assert_eq!(waiting::conversation(&s.root), None);
}

#[test]
fn an_answer_to_an_ask_that_the_turn_failed_at_is_kept() {
    let mut s = Scenario::new("c1");
    s.say("a shirt");
    s.turn_code(vec![reply("q", "which size?"), ask("size")]);
    s.say("XL");
    s.turn_code(vec![fail()]);
    s.say("hello?");
    assert_eq!(s.turn_texts(), ["XL", "hello?"]);
}

#[test]
fn what_was_steered_into_a_turn_that_fails_waits_with_the_rest() {
    let mut policy = on_failure(1, AfterFailure::Wait);
    policy.on_busy = OnBusy::Steer;
    let mut s = Scenario::with_policy("c1", policy);
    s.say("one");
    s.say("two");
    s.turn_code(vec![fail()]);
    assert_eq!(s.turn_slot(), None);
    assert_eq!(texts(&s.conversation().unanswered), ["one", "two"]);
}

#[test]
fn events_of_a_failed_turn_come_with_its_next_attempt() {
    let mut s = Scenario::with_policy("c1", on_failure(2, AfterFailure::Wait));
    s.submit_event("e1", "late").expect("accepted");
    s.turn_code(vec![fail()]);
    s.wait(Span::from_secs(10));
    assert_eq!(s.turn_events(), ["late"]);
    assert_eq!(s.turn().cause, TurnCause::Event);
    s.turn_code(vec![fail()]);
    s.say("one");
    assert_eq!(s.turn_events(), [""; 0], "it was given up");
}

#[test]
fn a_turn_without_a_reply_has_handled_its_messages_and_is_on_view() {
    let mut s = Scenario::new("c1");
    let asked = s.context.now;
    s.say("one");
    s.turn_code(vec![complete()]);
    assert!(s.conversation().unanswered.is_empty());
    assert_eq!(s.conversation().unanswered_since, Some(asked));
    assert_eq!(wait(&s).reason, WaitReason::Unanswered);
    s.say("two");
    assert_eq!(s.turn_texts(), ["two"]);
    assert_eq!(s.conversation().unanswered_since, Some(asked));
}

#[test]
fn code_may_say_that_no_reply_is_needed() {
    let mut s = Scenario::new("c1");
    s.say("thank you");
    s.turn_code(vec![no_reply("no-reply"), complete()]);
    assert_eq!(s.conversation().unanswered_since, None);
    assert_eq!(waiting::conversation(&s.root), None);
    let reason = last(&s).no_reply.as_ref().map(ToString::to_string);
    assert_eq!(reason.as_deref(), Some("it says thank you"));
}

#[test]
fn what_comes_after_the_reply_is_unanswered_from_its_own_time() {
    let mut s = Scenario::new("c1");
    s.say("one");
    let later = Span::from_secs(5);
    s.wait(later);
    s.say("two");
    let second: Time = s.context.now;
    s.turn_code(vec![reply("reply", "to one"), complete()]);
    assert_eq!(s.conversation().unanswered_since, Some(second));
    assert_eq!(s.turn_texts(), ["two"]);
}

#[test]
fn what_a_person_hands_back_without_an_answer_is_the_agents_again() {
    let then = AfterFailure::HandOff(team("desk"));
    let mut s = Scenario::with_policy("c1", on_failure(1, then));
    s.say("one");
    s.turn_code(vec![fail()]);
    s.hand_back();
    assert_eq!(s.turn_texts(), ["one"]);
    s.turn_code(vec![reply("reply", "here you are"), complete()]);
    assert_eq!(s.conversation().unanswered_since, None);
}

#[test]
fn a_turn_that_fails_in_a_pause_is_handed_over_all_the_same() {
    let then = AfterFailure::HandOff(team("desk"));
    let mut s = Scenario::with_policy("c1", on_failure(1, then));
    s.say("one");
    let task = s.begin(s.turn_slot().expect("a turn runs"));
    s.pause();
    let seen = s.root.runs[&task.slot].last_event;
    let failed = decide::Completion::new(seen, vec![fail()]);
    s.must(|tx| decide::complete_task(tx, task, failed));
    s.resume();
    assert!(s.conversation().handover.is_some());
}

#[test]
fn an_event_that_comes_later_starts_a_turn_for_the_customers_sake() {
    let mut s = Scenario::new("c1");
    s.say("one");
    s.turn_code(vec![fail()]);
    s.submit_event("e1", "late").expect("accepted");
    assert_eq!(s.turn().cause, TurnCause::Message);
    assert_eq!(
        (s.turn_texts(), s.turn_events()),
        (vec!["one".to_owned()], vec!["late".to_owned()])
    );
}

#[test]
fn a_retry_waits_until_the_pause_is_over() {
    let mut s = Scenario::with_policy("c1", on_failure(2, AfterFailure::Wait));
    s.say("one");
    s.turn_code(vec![fail()]);
    s.pause();
    s.wait(Span::from_secs(60));
    assert_eq!(s.turn_slot(), None);
    s.resume();
    assert_eq!(s.turn().context.attempt, 2);
}
