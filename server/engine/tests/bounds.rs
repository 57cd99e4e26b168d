//! The journal and the state of a run have bounds, whatever fills them; a run
//! that is at a bound is told so and can end.

mod scenario;

use everturn_engine::command::{Command, CommandKind, SetState};
use everturn_engine::decide;
use everturn_engine::event::{RunEvent, RunStatus};
use everturn_engine::limits;
use everturn_engine::policy::{ActivityOptions, RetryPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::{Failure, FailureKind, Span};
use scenario::{Scenario, activity, activity_with, command, complete, payload, target, timer};

fn signal(s: &mut Scenario) -> Result<(), Rejection> {
    let signal = decide::SignalWorkflow {
        target: target("w1"),
        name: "go".into(),
        input: payload("1"),
        request: 0.into(),
    };
    s.step(|tx| decide::signal_workflow(tx, signal))
}

fn last_event(s: &Scenario) -> u64 {
    s.root.runs[&1].last_event
}

/// Signals until the journal has so many events.
fn fill(s: &mut Scenario, events: u64) {
    while last_event(s) < events {
        signal(s).expect("has room");
    }
}

fn is_full<T>(outcome: &Result<T, Rejection>) -> bool {
    let Err(Rejection::LimitExceeded { subject, .. }) = outcome else {
        return false;
    };
    *subject == "events in the journal of a run"
}

/// An activity that is repeated at once and for ever.
fn stubborn(key: &str) -> Command {
    let mut options = ActivityOptions::on("agents".into());
    options.retry = RetryPolicy {
        initial_interval: Span::from_millis(1),
        backoff_coefficient: 1.0,
        ..RetryPolicy::default()
    };
    activity_with(key, options)
}

fn fail(s: &mut Scenario, key: &str) {
    let token = s.take_activity(1, key);
    let failure = Failure::new(FailureKind::Application, "Boom", "again");
    s.must(|tx| decide::fail_activity(tx, token, failure, None));
    s.wait(Span::from_millis(1));
}

#[test]
fn an_activity_that_always_fails_is_given_up_before_it_fills_the_journal() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![stubborn("a"), stubborn("b")])
        .expect("valid");
    fill(&mut s, limits::JOURNAL_RETRIES - 100);
    while s.root.runs[&slot].activities.len() == 2 {
        assert!(last_event(&s) <= limits::JOURNAL_RETRIES, "for ever");
        fail(&mut s, "a");
    }
    assert_eq!(last_event(&s), limits::JOURNAL_RETRIES + 1);
    let RunEvent::ActivityFailed {
        failure, attempt, ..
    } = s.last_of(slot)
    else {
        panic!("{:?}", s.last_of(slot));
    };
    assert_eq!(*attempt, 101);
    assert_eq!(failure.type_name.as_str(), "LIMIT_EXCEEDED");
    let cause = failure.cause.as_ref().expect("the last attempt's");
    assert_eq!(cause.type_name.as_str(), "Boom");
    fail(&mut s, "b");
    assert_eq!(last_event(&s), limits::JOURNAL_RETRIES + 2);
    // The code can do something about it.
    s.run_code(slot, vec![activity("apologise")])
        .expect("has room");
    s.complete_activity(slot, "apologise");
    s.run_code(slot, vec![complete()]).expect("valid");
}

#[test]
fn a_timeout_is_not_repeated_for_ever_either() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![stubborn("a")]).expect("valid");
    fill(&mut s, limits::JOURNAL_RETRIES);
    s.take_activity(slot, "a");
    s.wait(ActivityOptions::START_TO_CLOSE);
    let RunEvent::ActivityFailed { failure, .. } = s.last_of(slot) else {
        panic!("{:?}", s.last_of(slot));
    };
    assert_eq!(failure.type_name.as_str(), "LIMIT_EXCEEDED");
    assert!(s.folded().runs[&slot].activities.is_empty());
}

#[test]
fn a_run_that_is_paused_and_resumed_over_and_over_reaches_a_limit_and_goes_on() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![timer("t", 60)]).expect("valid");
    let room = limits::JOURNAL_EVENTS - limits::JOURNAL_RESERVE;
    fill(&mut s, room - 3);
    let pause = |s: &mut Scenario| {
        let run = target("w1");
        s.step(|tx| decide::pause_workflow(tx, &run, "".into()))
    };
    for _ in 0..2 {
        pause(&mut s).expect("has room");
        pause(&mut s).expect("is paused already");
        s.must(|tx| decide::resume_workflow(tx, &target("w1")));
    }
    assert!(is_full(&pause(&mut s)));
    assert!(is_full(&signal(&mut s)));
    s.wait(Span::from_secs(60));
    assert!(matches!(s.last_of(slot), RunEvent::TimerFired { .. }));
    s.run_code(slot, vec![complete()]).expect("may end");
}

#[test]
fn a_run_with_a_full_journal_hears_what_it_waits_for_and_ends_by_itself() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity("a"), activity("b")])
        .expect("valid");
    fill(&mut s, limits::JOURNAL_EVENTS - limits::JOURNAL_RESERVE);
    s.run_code(slot, vec![activity("c")]).expect("is told");
    let RunEvent::CommandFailed { failure, .. } = s.last_of(slot) else {
        panic!("{:?}", s.last_of(slot));
    };
    assert_eq!(failure.type_name.as_str(), "LIMIT_EXCEEDED");
    s.run_code(slot, Vec::new()).expect("it waits on");
    s.complete_activity(slot, "a");
    s.run_code(slot, Vec::new()).expect("it waits on");
    s.complete_activity(slot, "b");
    s.run_code(slot, vec![complete()]).expect("it ends");
    assert!(matches!(s.last_of(slot), RunEvent::Closed { .. }));
}

#[test]
fn a_run_that_goes_on_asking_although_its_journal_is_full_fails() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity("a")]).expect("valid");
    fill(&mut s, limits::JOURNAL_EVENTS - limits::JOURNAL_RESERVE);
    let mut asked = 0;
    while s.root.runs[&slot].status.is_open() {
        asked += 1;
        assert!(asked <= limits::JOURNAL_RESERVE, "for ever");
        let more = activity(&format!("more {asked}"));
        s.run_code(slot, vec![more]).expect("is told");
    }
    let RunEvent::Closed { status, .. } = s.last_of(slot) else {
        panic!("{:?}", s.last_of(slot));
    };
    assert_eq!(*status, RunStatus::Failed);
}

#[test]
fn the_bound_of_the_state_holds_for_what_one_completion_writes_together() {
    let write = |key: &str, name: &str, bytes: usize| {
        let value = (bytes > 0).then(|| payload(&"x".repeat(bytes)));
        let name = name.into();
        command(key, CommandKind::SetState(SetState { name, value }))
    };
    let half = limits::STATE_BYTES / 2;
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let commands = vec![write("1", "a", half - 1), write("2", "b", half - 1)];
    s.run_code(slot, commands).expect("fits");
    s.must(|tx| decide::cancel_workflow(tx, &target("w1"), "".into()));
    // An entry that is written or removed twice makes room once.
    for (index, first) in [1, 0].into_iter().enumerate() {
        let (one, two) = (format!("{index}/3"), format!("{index}/4"));
        let commands = vec![write(&one, "a", first), write(&two, "a", half + 1)];
        s.run_code(slot, commands).expect("is told");
        assert!(matches!(s.last_of(slot), RunEvent::CommandFailed { .. }));
    }
    let commands = vec![
        write("3", "a", 0),
        write("4", "a", half),
        write("5", "a", half - 1),
    ];
    s.run_code(slot, commands).expect("fits");
    assert_eq!(s.root.runs[&slot].state.size_bytes, limits::STATE_BYTES);
}
