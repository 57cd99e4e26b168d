//! Runs: activities, timers, children, signals, cancel, close.

mod scenario;

use everturn_engine::command::{CancelRun, CommandKind};
use everturn_engine::decide::{self, Completion};
use everturn_engine::effect::Effect;
use everturn_engine::event::{RunEvent, RunStatus};
use everturn_engine::limits;
use everturn_engine::policy::{ActivityOptions, RetryPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::{Failure, FailureKind, Outcome, Span};
use scenario::{
    Scenario, activity, activity_with, cancel, child, command, complete, payload, reply,
    start_request, target, timer,
};

fn beat(details: &str) -> decide::Beat {
    decide::Beat {
        details: Some(payload(details)),
        ..decide::Beat::default()
    }
}

fn boom() -> Failure {
    Failure::new(FailureKind::Application, "Boom", "it broke")
}

#[test]
fn a_pipeline_of_one_step_leaves_this_journal() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity("step")]).expect("valid");
    s.complete_activity(slot, "step");
    s.run_code(slot, vec![complete()]).expect("valid");
    assert_eq!(
        s.journal(slot),
        [
            "Started",
            "ActivityScheduled",
            "ActivityCompleted",
            "Closed"
        ]
    );
    assert_eq!(s.root.runs[&slot].status, RunStatus::Completed);
}

#[test]
fn a_second_start_of_an_open_id_is_refused_but_the_same_request_is_answered() {
    let mut s = Scenario::new("w1");
    let first = s.step(|tx| decide::start_workflow(tx, start_request(9)));
    let first = first.expect("starts");
    let again = s.step(|tx| decide::start_workflow(tx, start_request(9)));
    assert_eq!(again, Ok(first));
    let other = s.step(|tx| decide::start_workflow(tx, start_request(10)));
    assert_eq!(other, Err(Rejection::RunAlreadyStarted { run_id: first.0 }));
}

#[test]
fn a_start_that_is_repeated_after_its_run_has_ended_does_not_run_it_again() {
    let mut s = Scenario::new("w1");
    let first = s.step(|tx| decide::start_workflow(tx, start_request(9)));
    let slot = s.root.main.expect("has a main run");
    s.run_code(slot, vec![complete()]).expect("completes");
    let again = s.step(|tx| decide::start_workflow(tx, start_request(9)));
    assert_eq!(again, first, "its answer was lost");
    let other = s.step(|tx| decide::start_workflow(tx, start_request(10)));
    assert_ne!(other.expect("starts"), first.expect("starts"));
}

#[test]
fn a_failed_attempt_is_repeated_after_its_backoff() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity("step")]).expect("valid");
    let first = s.take_activity(slot, "step");
    s.step(|tx| decide::fail_activity(tx, first, boom(), None))
        .expect("current");
    assert_eq!(s.effects, []);
    s.wait(Span::from_secs(1));
    assert!(matches!(
        s.effects[..],
        [Effect::OfferActivity { attempt: 2, .. }]
    ));
    s.complete_activity(slot, "step");
    assert_eq!(
        *s.journal(slot).last().expect("has events"),
        "ActivityCompleted"
    );
}

#[test]
fn a_failure_is_final_when_attempts_are_exhausted_or_it_says_so() {
    let mut options = ActivityOptions::on("agents".into());
    options.retry = RetryPolicy {
        maximum_attempts: 1,
        ..RetryPolicy::default()
    };
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(
        slot,
        vec![activity_with("once", options), activity("fatal")],
    )
    .expect("valid");
    let once = s.take_activity(slot, "once");
    s.step(|tx| decide::fail_activity(tx, once, boom(), None))
        .expect("current");
    let fatal = s.take_activity(slot, "fatal");
    let failure = Failure {
        non_retryable: true,
        ..boom()
    };
    s.step(|tx| decide::fail_activity(tx, fatal, failure, None))
        .expect("current");
    assert!(s.root.runs[&slot].activities.is_empty());
}

#[test]
fn results_of_another_attempt_are_fenced() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity("step")]).expect("valid");
    let first = s.take_activity(slot, "step");
    s.wait(ActivityOptions::START_TO_CLOSE);
    s.wait(Span::from_secs(1));
    let second = s.take_activity(slot, "step");
    let late = s.step(|tx| decide::complete_activity(tx, first, payload("1"), None));
    assert_eq!(late, Err(Rejection::Fenced));
    s.step(|tx| decide::complete_activity(tx, second, payload("2"), None))
        .expect("current");
    let again = s.step(|tx| decide::complete_activity(tx, second, payload("2"), None));
    assert_eq!(again, Err(Rejection::Fenced));
}

#[test]
fn an_attempt_whose_start_was_lost_in_a_crash_may_still_report() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity("step")]).expect("valid");
    let durable = s.log.len();
    let token = s.take_activity(slot, "step");
    s.log.truncate(durable);
    s.root = s.folded();
    s.step(|tx| decide::complete_activity(tx, token, payload("1"), None))
        .expect("nobody else has it");
}

#[test]
fn silence_beyond_the_heartbeat_timeout_ends_an_attempt_and_heartbeats_prevent_it() {
    let mut options = ActivityOptions::on("agents".into());
    options.heartbeat = Some(Span::from_secs(5));
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity_with("step", options)])
        .expect("valid");
    let token = s.take_activity(slot, "step");
    s.wait(Span::from_secs(4));
    let beat = s.step(|tx| decide::heartbeat_activity(tx, token, beat("7")));
    assert_eq!(beat, Ok(false));
    s.wait(Span::from_secs(4));
    assert_eq!(s.journal(slot).len(), 2);
    s.wait(Span::from_secs(1));
    assert_eq!(
        *s.journal(slot).last().expect("has events"),
        "ActivityAttemptFailed"
    );
}

#[test]
fn a_canceled_activity_ends_at_once_if_no_worker_has_it_and_on_confirmation_otherwise() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(
        slot,
        vec![activity("queued"), activity("started"), timer("t", 3600)],
    )
    .expect("valid");
    let token = s.take_activity(slot, "started");
    let code = |s: &mut Scenario, commands| {
        s.step(|tx| {
            decide::signal_workflow(
                tx,
                decide::SignalWorkflow {
                    target: target("w1"),
                    name: "go".into(),
                    input: payload("1"),
                    request: 0.into(),
                },
            )
        })
        .expect("open");
        s.run_code(slot, commands)
    };
    code(
        &mut s,
        vec![cancel("queued"), cancel("started"), cancel("t")],
    )
    .expect("valid");
    assert!(
        s.effects
            .iter()
            .any(|e| matches!(e, Effect::CancelActivity { fenced: false, .. }))
    );
    assert_eq!(s.root.runs[&slot].activities.len(), 1);
    assert!(s.root.runs[&slot].timers.is_empty());
    let failure = Failure::new(FailureKind::Canceled, "Canceled", "stopped");
    s.step(|tx| decide::fail_activity(tx, token, failure, None))
        .expect("current");
    assert!(s.root.runs[&slot].activities.is_empty());
}

#[test]
fn a_timer_fires_once_and_wakes_the_code() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![timer("t", 60)]).expect("valid");
    assert!(s.root.is_waiting());
    s.wait(Span::from_secs(59));
    assert_eq!(s.journal(slot).len(), 2);
    s.wait(Span::from_secs(1));
    assert_eq!(s.journal(slot), ["Started", "TimerStarted", "TimerFired"]);
    s.wait(Span::from_secs(3600));
    assert_eq!(s.journal(slot).len(), 3);
}

#[test]
fn a_child_reports_to_its_parent_and_dies_with_it() {
    let mut s = Scenario::new("w1");
    let parent = s.start();
    s.run_code(parent, vec![child("refund"), child("notify")])
        .expect("valid");
    let [refund, notify] = [2, 3];
    assert_eq!(s.root.runs[&refund].workflow_id.as_str(), "w1/refund");
    s.run_code(refund, vec![complete()]).expect("valid");
    assert_eq!(
        *s.journal(parent).last().expect("has events"),
        "ChildClosed"
    );
    s.run_code(parent, vec![complete()]).expect("valid");
    assert_eq!(s.root.runs[&notify].status, RunStatus::Terminated);
}

#[test]
fn a_run_cannot_close_while_an_accepted_signal_is_unread() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let token = s.begin(slot);
    s.step(|tx| {
        decide::signal_workflow(
            tx,
            decide::SignalWorkflow {
                target: target("w1"),
                name: "late".into(),
                input: payload("1"),
                request: 5.into(),
            },
        )
    })
    .expect("open");
    let refused =
        s.step(|tx| decide::complete_task(tx, token, Completion::new(1, vec![complete()])));
    assert_eq!(refused, Err(Rejection::UnreadEvents { after: 1 }));
    s.step(|tx| decide::complete_task(tx, token, Completion::new(2, vec![complete()])))
        .expect("all read");
    assert!(!s.root.runs[&slot].status.is_open());
}

#[test]
fn a_signal_with_the_same_request_is_delivered_once() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    for _ in 0..2 {
        s.step(|tx| {
            decide::signal_workflow(
                tx,
                decide::SignalWorkflow {
                    target: target("w1"),
                    name: "paid".into(),
                    input: payload("1"),
                    request: 77.into(),
                },
            )
        })
        .expect("open");
    }
    assert_eq!(s.journal(slot), ["Started", "SignalReceived"]);
}

#[test]
fn a_command_that_cannot_be_carried_out_fails_alone_and_its_code_is_told() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let token = s.begin(slot);
    let mixed = vec![activity("fine"), reply("reply", "not a turn")];
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, mixed)));
    let failed = |s: &Scenario| match s.last_of(slot) {
        RunEvent::CommandFailed { key, failure, .. } => {
            (key.to_string(), failure.type_name.to_string())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        failed(&s),
        ("reply".to_owned(), "COMMAND_INVALID".to_owned())
    );
    assert_eq!(s.root.runs[&slot].activities.len(), 1);
    let reused = vec![activity("same"), timer("same", 1)];
    s.run_code(slot, reused).expect("is taken");
    assert_eq!(
        failed(&s),
        ("same".to_owned(), "COMMAND_INVALID".to_owned())
    );
    let before = s.root.runs[&slot].last_event;
    let again = vec![
        reply("reply", "not a turn"),
        activity("same"),
        timer("same", 1),
    ];
    s.run_code(slot, again).expect("all is recorded");
    assert_eq!(s.root.runs[&slot].last_event, before);
    assert_eq!(s.folded().runs[&slot].activities.len(), 2);
}

#[test]
fn a_key_that_is_none_fails_its_command_once() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let long = "k".repeat(300);
    let keys = || vec![activity(""), activity(&long), activity("fine")];
    s.run_code(slot, keys()).expect("is taken");
    assert_eq!(s.root.runs[&slot].activities.len(), 1);
    let before = s.root.runs[&slot].last_event;
    s.run_code(slot, keys()).expect("all is recorded");
    assert_eq!(s.root.runs[&slot].last_event, before);
}

#[test]
fn a_run_does_not_close_before_its_code_knows_that_a_command_failed() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let commands = || vec![reply("reply", "not a turn"), complete()];
    s.run_code(slot, commands()).expect("is taken");
    assert!(s.root.runs[&slot].status.is_open());
    s.run_code(slot, commands()).expect("it knows, and insists");
    assert_eq!(s.root.runs[&slot].status, RunStatus::Completed);
}

#[test]
fn a_completion_may_come_in_parts() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let token = s.begin(slot);
    for key in ["a", "b"] {
        let part = Completion {
            partial: true,
            ..Completion::new(1, vec![activity(key)])
        };
        s.must(|tx| decide::complete_task(tx, token, part));
        assert_eq!(s.root.runs[&slot].seen, 0, "what it was given may be lost");
    }
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, vec![timer("t", 1)])));
    assert_eq!(s.folded().runs[&slot].activities.len(), 2);
}

#[test]
fn a_workflow_task_that_is_not_completed_in_time_is_offered_again_and_fenced() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let stale = s.begin(slot);
    s.wait(Span::from_secs(10));
    assert!(matches!(s.effects[..], [Effect::OfferWorkflowTask { .. }]));
    let fresh = s.begin(slot);
    let late = s.step(|tx| decide::complete_task(tx, stale, Completion::new(1, vec![complete()])));
    assert_eq!(late, Err(Rejection::Fenced));
    s.step(|tx| decide::complete_task(tx, fresh, Completion::new(1, vec![complete()])))
        .expect("current");
}

#[test]
fn terminate_and_execution_timeout_close_a_run_and_fence_its_workers() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity("step")]).expect("valid");
    let token = s.take_activity(slot, "step");
    s.step(|tx| decide::terminate_workflow(tx, &target("w1"), &"enough".into()))
        .expect("open");
    assert!(
        s.effects
            .iter()
            .any(|e| matches!(e, Effect::CancelActivity { fenced: true, .. }))
    );
    let late = s.step(|tx| decide::complete_activity(tx, token, payload("1"), None));
    assert_eq!(late, Err(Rejection::Fenced));
    let Some(Outcome::Failed(failure)) = &s.root.runs[&slot].outcome else {
        panic!("a terminated run has a failure");
    };
    assert_eq!(failure.kind, FailureKind::Terminated);

    let mut s = Scenario::new("w2");
    let request = decide::StartWorkflow {
        execution_timeout: Some(Span::from_secs(30)),
        ..start_request(0)
    };
    s.step(|tx| decide::start_workflow(tx, request))
        .expect("starts");
    s.wait(Span::from_secs(30));
    assert_eq!(s.root.runs[&1].status, RunStatus::TimedOut);
}

#[test]
fn cancel_is_told_to_the_code_once() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    for _ in 0..2 {
        s.step(|tx| decide::cancel_workflow(tx, &target("w1"), "stop".into()))
            .expect("open");
    }
    assert_eq!(s.journal(slot), ["Started", "CancelRequested"]);
    let failure = None;
    s.run_code(
        slot,
        vec![command("", CommandKind::CancelRun(CancelRun { failure }))],
    )
    .expect("valid");
    assert_eq!(s.root.runs[&slot].status, RunStatus::Canceled);
}

#[test]
fn a_restart_offers_everything_that_was_under_way() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![activity("queued"), activity("started")])
        .expect("valid");
    let token = s.take_activity(slot, "started");
    s.root = s.folded();
    let held = s
        .step(|tx| Ok(decide::resume(tx, decide::Tasks::AreLost)))
        .expect("cannot be rejected");
    assert_eq!(held, [token]);
    assert!(matches!(s.effects[..], [Effect::OfferActivity { .. }]));
}

#[test]
fn signals_that_a_sender_repeats_after_a_crash_are_known_however_many_there_are() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    // As many as a run may have under way, all of them to this one.
    for _ in 0..2 {
        for request in 1..=limits::PENDING_SIGNALS as u64 {
            let signal = decide::SignalWorkflow {
                target: target("w1"),
                name: "go".into(),
                input: payload("1"),
                request: request.into(),
            };
            s.must(|tx| decide::signal_workflow(tx, signal));
        }
    }
    assert_eq!(s.journal(slot).len(), 1 + limits::PENDING_SIGNALS);
}
