//! Pause and resume: nothing starts, everything that arrives is kept, and a
//! resume goes on with exactly what stood still.

mod scenario;

use everturn_engine::decide::{self, Completion};
use everturn_engine::event::Event;
use everturn_engine::policy::{ActivityOptions, OnBusy, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::{Failure, FailureKind, Span};
use scenario::{Scenario, activity, activity_with, child, complete, payload, reply, target, timer};

fn begin_activity(s: &mut Scenario, slot: u32, id: u64, attempt: u32) -> Result<(), Rejection> {
    let worker = "w".into();
    s.step(|tx| decide::begin_activity(tx, slot, id, attempt, scenario::taker(&worker)))
        .map(|_| ())
}

fn pause_run(s: &mut Scenario, id: &str) {
    s.must(|tx| decide::pause_workflow(tx, &target(id), "stop".into()));
}

fn resume_run(s: &mut Scenario, id: &str) {
    s.must(|tx| decide::resume_workflow(tx, &target(id)));
}

fn signal(s: &mut Scenario, id: &str) {
    let signal = decide::SignalWorkflow {
        target: target(id),
        name: "go".into(),
        input: payload("1"),
        request: 0.into(),
    };
    s.must(|tx| decide::signal_workflow(tx, signal));
}

#[test]
fn pausing_and_resuming_are_recorded_once() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let before = s.log.len();
    s.pause();
    s.pause();
    s.resume();
    s.resume();
    let events: Vec<_> = s.log[before..].iter().map(|(_, event)| event).collect();
    assert!(matches!(
        events[..],
        [Event::ConversationPaused { .. }, Event::ConversationResumed]
    ));
}

#[test]
fn what_does_not_exist_or_is_closed_is_not_paused() {
    let mut s = Scenario::new("c1");
    let pause = |s: &mut Scenario| s.step(|tx| decide::pause_conversation(tx, "".into()));
    assert_eq!(pause(&mut s), Err(Rejection::ConversationNotFound));
    s.say("hello");
    s.turn_code(vec![complete()]);
    s.close();
    assert_eq!(pause(&mut s), Err(Rejection::ConversationClosed));
    let resume = s.step(decide::resume_conversation);
    assert_eq!(resume, Err(Rejection::ConversationClosed));
    let run = s.step(|tx| decide::pause_workflow(tx, &target("c1/turn-1"), "".into()));
    assert_eq!(run, Err(Rejection::RunClosed));
}

#[test]
fn a_paused_conversation_keeps_what_arrives_and_starts_nothing() {
    let mut s = Scenario::new("c1");
    s.say("one");
    s.turn_code(vec![complete()]);
    s.pause();
    s.say("two");
    s.happen("late");
    s.wait(Span::from_secs(3600));
    assert_eq!(s.turn_slot(), None);
    assert!(s.root.is_waiting(), "it may leave memory");
    s.restart();
    assert_eq!(s.offers(), [""; 0]);
    s.resume();
    assert_eq!(s.turn_texts(), ["two"]);
    assert_eq!(s.turn_events(), ["late"]);
}

#[test]
fn a_message_that_comes_in_a_pause_interrupts_nothing() {
    let policy = TurnPolicy {
        on_busy: OnBusy::Interrupt,
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("one");
    s.pause();
    s.say("two");
    assert_eq!(s.journal(1), ["Started"]);
}

#[test]
fn a_task_that_was_offered_before_the_pause_does_not_start_and_is_offered_again() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.pause();
    let refused = s.step(|tx| decide::begin_task(tx, 1, &"w".into()).map(|_| ()));
    assert_eq!(refused, Err(Rejection::Stale));
    s.resume();
    assert_eq!(s.offers(), ["task of 1"]);
    s.begin(1);
}

#[test]
fn what_still_waits_in_its_queue_at_the_resume_is_not_offered_twice() {
    let mut s = Scenario::new("c1");
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    s.turn_code(vec![activity("a"), reply("r", "hi")]);
    s.say("wake");
    s.pause();
    s.resume();
    assert_eq!(s.offers(), [""; 0], "nobody has tried to start it");
    begin_activity(&mut s, 1, 2, 1).expect("the first offer is good");
    begin_activity(&mut s, 0, 2, 1).expect("the first offer is good");
}

#[test]
fn an_activity_does_not_start_in_a_pause_and_is_offered_by_the_resume() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![activity("refused"), activity("waiting")]);
    s.pause();
    assert_eq!(begin_activity(&mut s, 1, 2, 1), Err(Rejection::Stale));
    s.resume();
    assert_eq!(s.offers(), ["activity 1/2 attempt 1"]);
    s.complete_activity(1, "refused");
    s.complete_activity(1, "waiting");
}

#[test]
fn results_are_accepted_in_a_pause_and_what_they_schedule_waits() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![activity("a"), timer("t", 60)]);
    let running = s.take_activity(1, "a");
    s.pause();
    s.must(|tx| decide::complete_activity(tx, running, payload("1"), None));
    s.wait(Span::from_secs(60));
    assert_eq!(
        s.journal(1)[3..],
        ["ActivityCompleted", "TimerFired"],
        "what arrives is kept"
    );
    let refused = s.step(|tx| decide::begin_task(tx, 1, &"w".into()).map(|_| ()));
    assert_eq!(refused, Err(Rejection::Stale));
    s.resume();
    assert_eq!(s.offers(), ["task of 1"]);
}

#[test]
fn a_completion_in_a_pause_is_taken_and_offers_nothing() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let token = s.begin(1);
    s.pause();
    let commands = vec![activity("a"), child("kid")];
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, commands)));
    assert_eq!(s.offers(), [""; 0]);
    assert_eq!(
        s.journal(1),
        ["Started", "ActivityScheduled", "ChildStarted"]
    );
    s.resume();
    assert_eq!(s.offers(), ["task of 2", "activity 1/2 attempt 1"]);
}

#[test]
fn a_backoff_that_passes_in_a_pause_is_offered_by_the_resume() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![activity("a")]);
    let token = s.take_activity(1, "a");
    s.pause();
    let failure = Failure::new(FailureKind::Application, "Boom", "");
    s.must(|tx| decide::fail_activity(tx, token, failure, None));
    s.wait(Span::from_secs(10));
    assert_eq!(s.offers(), [""; 0]);
    s.resume();
    assert_eq!(s.offers(), ["activity 1/2 attempt 2"]);
}

#[test]
fn the_wait_for_a_worker_begins_anew_after_a_pause() {
    let mut options = ActivityOptions::on("agents".into());
    options.schedule_to_start = Some(Span::from_secs(30));
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![activity_with("a", options)]);
    s.wait(Span::from_secs(20));
    s.pause();
    s.wait(Span::from_secs(600));
    assert_eq!(s.journal(1).len(), 2, "nobody could take it");
    s.resume();
    s.root = s.folded();
    s.must(|tx| Ok(decide::resume(tx, decide::Tasks::AreLost)));
    s.wait(Span::from_secs(29));
    assert_eq!(s.journal(1).len(), 2);
    s.wait(Span::from_secs(1));
    assert_eq!(s.journal(1)[2..], ["ActivityFailed"]);
}

#[test]
fn timeouts_of_attempts_go_on_in_a_pause() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![activity("a")]);
    s.take_activity(1, "a");
    s.pause();
    s.wait(ActivityOptions::START_TO_CLOSE);
    assert_eq!(s.journal(1)[2..], ["ActivityAttemptFailed"]);
}

#[test]
fn deliveries_stand_still_as_well() {
    let mut s = Scenario::new("c1");
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    s.turn_code(vec![reply("a", "one"), reply("b", "two"), complete()]);
    let worker = "adapter".into();
    let start = s.must(|tx| decide::begin_activity(tx, 0, 2, 1, scenario::taker(&worker)));
    s.pause();
    assert_eq!(begin_activity(&mut s, 0, 3, 1), Err(Rejection::Stale));
    s.must(|tx| {
        decide::refuse_delivery(tx, 3, 1);
        Ok(())
    });
    let token = decide::ActivityToken {
        slot: 0,
        activity: 2,
        attempt: 1,
        epoch: start.epoch,
    };
    s.must(|tx| decide::accept_delivery(tx, token, "p1".into()));
    assert!(s.root.is_waiting());
    s.resume();
    assert_eq!(s.offers(), ["message 3 attempt 1 on deliver.email"]);
}

#[test]
fn a_paused_run_stands_still_with_the_runs_below_it_and_no_others() {
    let mut s = Scenario::new("w1");
    let top = s.start();
    s.run_code(top, vec![child("left"), child("right")])
        .expect("valid");
    s.run_code(2, vec![child("deep"), activity("l")])
        .expect("valid");
    s.run_code(3, vec![activity("r")]).expect("valid");
    pause_run(&mut s, "w1/left");
    pause_run(&mut s, "w1/left");
    let refused = s.step(|tx| decide::begin_task(tx, 4, &"w".into()).map(|_| ()));
    assert_eq!(refused, Err(Rejection::Stale), "w1/left/deep");
    assert_eq!(begin_activity(&mut s, 2, 3, 1), Err(Rejection::Stale));
    signal(&mut s, "w1/left");
    assert_eq!(s.offers(), [""; 0]);
    signal(&mut s, "w1/right");
    assert_eq!(s.offers(), ["task of 3"]);
    signal(&mut s, "w1");
    assert_eq!(s.offers(), ["task of 1"]);
    resume_run(&mut s, "w1/left");
    assert_eq!(
        s.offers(),
        ["task of 2", "task of 4", "activity 2/3 attempt 1"]
    );
    resume_run(&mut s, "w1/left");
    assert_eq!(s.offers(), [""; 0]);
    let journal = s.journal(2);
    let marks = journal.iter().filter(|name| name.ends_with("ed"));
    assert_eq!(
        marks.copied().collect::<Vec<_>>(),
        [
            "Started",
            "ChildStarted",
            "ActivityScheduled",
            "Paused",
            "SignalReceived",
            "Resumed"
        ]
    );
}

#[test]
fn a_run_that_is_paused_by_itself_stays_so_when_its_conversation_is_resumed() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    pause_run(&mut s, "c1/turn-1");
    s.pause();
    let _ = s.step(|tx| decide::begin_task(tx, 1, &"w".into()).map(|_| ()));
    s.resume();
    assert_eq!(s.offers(), [""; 0]);
    resume_run(&mut s, "c1/turn-1");
    assert_eq!(s.offers(), ["task of 1"]);
}

#[test]
fn closing_a_paused_conversation_lifts_the_pause() {
    let mut s = Scenario::new("c1");
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    let token = s.begin(1);
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, vec![reply("r", "hi")])));
    s.pause();
    assert_eq!(begin_activity(&mut s, 0, 2, 1), Err(Rejection::Stale));
    s.close();
    assert_eq!(
        s.offers(),
        ["task of 1", "message 2 attempt 1 on deliver.email"],
        "the turn cleans up, and what was said is delivered"
    );
    assert!(s.folded().conversation.is_some_and(|c| c.pause.is_none()));
}
