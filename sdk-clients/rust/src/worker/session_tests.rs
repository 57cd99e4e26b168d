//! What a session sends, keeps and forgets.

use super::*;

fn ended(session: &mut Session, token: &'static str) -> u64 {
    session.activity_ended(Bytes::from(token), Ok(v1::Payload::default()));
    session.next_result_id - 1
}

fn completion(token: &'static str, closes: bool) -> v1::WorkflowTaskResult {
    let kind = if closes {
        v1::command::Kind::CompleteRun(v1::CompleteRun::default())
    } else {
        v1::command::Kind::StartTimer(v1::StartTimer::default())
    };
    v1::WorkflowTaskResult {
        task_token: Bytes::from(token),
        commands: vec![v1::Command {
            key: String::new(),
            kind: Some(kind),
        }],
        run_cached: true,
        ..Default::default()
    }
}

fn grant(workflow_count: u32, activity_count: u32) -> v1::CreditGrant {
    v1::CreditGrant {
        workflow_count,
        activity_count,
    }
}

#[test]
fn a_batch_holds_everything_that_waits_and_gives_slots_back() {
    let mut session = Session::new();
    session.begin_stream(grant(4, 8));
    assert_eq!(session.take_request().credits, Some(grant(4, 8)));
    assert!(!session.has_output());
    session.acknowledge(7);
    session.acknowledge(8);
    let first = ended(&mut session, "a");
    session.workflow_ended(completion("w", false), "run".to_owned(), true);
    session.answer_ping(3);
    let request = session.take_request();
    assert_eq!(request.acked_delivery_ids, [7, 8]);
    assert_eq!(request.activity_results[0].result_id, first);
    assert_eq!(request.workflow_task_results[0].task_token, "w");
    assert_eq!(request.credits, Some(grant(1, 1)));
    assert_eq!(request.pong, 3);
    assert!(!session.has_output());
}

#[test]
fn unanswered_activity_results_are_sent_again_and_grant_nothing() {
    let mut session = Session::new();
    session.begin_stream(grant(1, 4));
    session.take_request();
    let answered = ended(&mut session, "a");
    let lost = ended(&mut session, "b");
    session.workflow_ended(completion("w", true), "run".to_owned(), true);
    session.take_request();
    assert_eq!(session.accepted(answered), None);
    session.begin_stream(grant(1, 4));
    let tokens: Vec<_> = session.unanswered_tokens().cloned().collect();
    assert_eq!(tokens, ["b"]);
    let request = session.take_request();
    assert_eq!(request.activity_results.len(), 1);
    assert_eq!(request.activity_results[0].result_id, lost);
    assert!(request.workflow_task_results.is_empty());
    assert_eq!(request.credits, Some(grant(1, 4)));
}

#[test]
fn a_fenced_result_is_dropped_and_a_moved_one_is_sent_again() {
    let mut session = Session::new();
    session.begin_stream(grant(0, 4));
    let fenced = ended(&mut session, "a");
    let moved = ended(&mut session, "b");
    session.take_request();
    let reject = |result_id, reason: &str| v1::ResultRejection {
        result_id,
        reason: reason.to_owned(),
        ..Default::default()
    };
    session.rejected(reject(fenced, "FENCED"));
    session.rejected(reject(moved, "PARTITION_MOVED"));
    let request = session.take_request();
    assert_eq!(request.activity_results.len(), 1);
    assert_eq!(request.activity_results[0].result_id, moved);
    assert_eq!(request.credits, None);
    session.accepted(moved);
    assert!(session.is_settled());
}

#[test]
fn a_refused_result_becomes_a_failure_at_last_without_its_usage() {
    let mut session = Session::new();
    session.begin_stream(grant(0, 4));
    let ended = Ended {
        outcome: Ok(v1::Payload::default()),
        usage: Some(v1::Usage::default()),
    };
    session.activity_ended(Bytes::from("a"), ended);
    let refuse = |session: &mut Session, result_id| {
        session.take_request();
        session.rejected(v1::ResultRejection {
            result_id,
            reason: "LIMIT_EXCEEDED".to_owned(),
            message: "too big".to_owned(),
            ..Default::default()
        });
        session.activities.front().map(|it| it.result.clone())
    };
    let replaced = refuse(&mut session, 1).expect("a failure");
    let Some(v1::activity_result::Outcome::Failure(failure)) = replaced.outcome else {
        panic!("not a failure");
    };
    assert_eq!(failure.r#type, "LIMIT_EXCEEDED");
    assert!(failure.non_retryable && failure.message.ends_with("too big"));
    assert_eq!(
        (replaced.task_token.as_ref(), replaced.result_id),
        (&b"a"[..], 2)
    );
    assert!(replaced.usage.is_some());
    let again = refuse(&mut session, 2).expect("once more");
    assert_eq!(again.usage, None);
    assert_eq!(refuse(&mut session, 3), None);
    assert!(session.is_settled());
}

#[test]
fn an_attempt_that_is_over_is_forgotten() {
    let mut session = Session::new();
    ended(&mut session, "a");
    session.begin_stream(grant(0, 4));
    session.forget_activity(b"a");
    assert!(session.is_settled());
    assert!(session.take_request().activity_results.is_empty());
}

#[test]
fn only_a_close_that_was_refused_for_unread_events_is_made_again() {
    let mut session = Session::new();
    session.workflow_ended(completion("w", true), "run".to_owned(), true);
    let id = session.next_result_id - 1;
    let rejection = v1::ResultRejection {
        result_id: id,
        reason: "UNREAD_EVENTS".to_owned(),
        unread_events: vec![v1::HistoryEvent {
            id: 9,
            ..Default::default()
        }],
        ..Default::default()
    };
    let Rejected::Unread { result, events, .. } = session.rejected(rejection.clone()) else {
        panic!("the close has to be made again");
    };
    assert_eq!((result.task_token.as_ref(), events[0].id), (&b"w"[..], 9));
    session.workflow_ended(completion("x", false), "run".to_owned(), true);
    let other = v1::ResultRejection {
        result_id: session.next_result_id - 1,
        ..rejection
    };
    assert!(matches!(session.rejected(other), Rejected::ForgetRun(run) if run == "run"));
}

#[test]
fn an_accepted_close_names_the_run_to_drop() {
    let mut session = Session::new();
    session.workflow_ended(completion("w", true), "run".to_owned(), true);
    let id = session.next_result_id - 1;
    assert_eq!(session.accepted(id).as_deref(), Some("run"));
    assert_eq!(session.accepted(id), None);
}

#[test]
fn a_batch_stops_before_it_outgrows_a_message() {
    let mut session = Session::new();
    for _ in 0..5 {
        let payload = v1::Payload {
            data: Bytes::from(vec![0; BATCH_BYTES_MAX / 2 - 100]),
            ..Default::default()
        };
        session.activity_ended(Bytes::from_static(b"t"), Ok(payload));
    }
    let sizes: Vec<usize> = std::iter::from_fn(|| {
        session
            .has_output()
            .then(|| session.take_request().activity_results.len())
    })
    .collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[test]
fn a_draining_worker_says_so_once_and_grants_nothing() {
    let mut session = Session::new();
    session.begin_stream(grant(2, 2));
    session.drain();
    assert!(session.has_output());
    let request = session.take_request();
    assert!(request.draining);
    assert_eq!(request.credits, None);
    assert!(!session.has_output());
    ended(&mut session, "a");
    let request = session.take_request();
    assert_eq!(request.credits, None);
    assert_eq!(request.activity_results.len(), 1);
}

#[test]
fn output_leaves_before_the_result_of_its_attempt() {
    let mut session = Session::new();
    session.begin_stream(grant(0, 2));
    session.take_request();
    let token = Bytes::from("a");
    for _ in 0..20 {
        session.output(&token, Bytes::from(vec![b'x'; BATCH_BYTES_MAX / 16]));
    }
    ended(&mut session, "a");
    let first = session.take_request();
    assert!(first.activity_results.is_empty() || !session.outputs.any_waiting());
    let mut outputs = first.outputs;
    let mut results = first.activity_results;
    while session.has_output() {
        let next = session.take_request();
        assert!(results.is_empty(), "nothing follows the end");
        outputs.extend(next.outputs);
        results.extend(next.activity_results);
    }
    assert_eq!(results.len(), 1);
    let last = outputs.last().expect("output");
    assert_eq!(last.sequence, 20);
}
