//! Tasks whose parts are each as large as they may be.

use everturn_client::v1;
use everturn_tests::calls;
use everturn_tests::coordinator::Coordinator;
use everturn_tests::raw_worker::{RawWorker, hello};

/// Bytes of the largest payload.
const LARGE: usize = 2 * 1024 * 1024;

fn payload(bytes: usize) -> v1::Payload {
    v1::Payload {
        data: vec![b'x'; bytes].into(),
        content_type: "text/plain".to_owned(),
    }
}

/// Starts a workflow and schedules an activity with such an input.
async fn scheduled(coordinator: &Coordinator, bytes: usize) -> RawWorker {
    let client = coordinator.client();
    let started = client.start_workflow(calls::start("w", "t"));
    started.await.expect("started");
    let kinds = [v1::TaskKind::Workflow, v1::TaskKind::Activity];
    let worker = RawWorker::connect(coordinator.workers(), hello("raw", &kinds), (1, 0)).await;
    let mut worker = worker.expect("connected");
    let task = worker.workflow().await;
    let schedule = v1::ScheduleActivity {
        activity_type: "a".to_owned(),
        input: Some(payload(bytes)),
        ..Default::default()
    };
    let kind = v1::command::Kind::ScheduleActivity(schedule);
    let commands = vec![calls::command("a", kind)];
    assert_eq!(worker.advance(&task, commands).await, None);
    worker
}

#[tokio::test]
async fn a_large_input_with_large_details_reaches_the_next_attempt() {
    let coordinator = Coordinator::start(&[]).await;
    let mut worker = scheduled(&coordinator, LARGE).await;
    worker
        .send(v1::WorkRequest {
            credits: Some(v1::CreditGrant {
                workflow_count: 0,
                activity_count: 1,
            }),
            ..Default::default()
        })
        .await;
    let first = worker.activity().await;
    let beat = v1::ActivityHeartbeat {
        blocked_stack: String::new(),
        task_token: first.task_token.clone(),
        details: Some(payload(LARGE)),
    };
    worker
        .send(v1::WorkRequest {
            heartbeats: vec![beat],
            ..Default::default()
        })
        .await;
    let failure = v1::Failure::default();
    let said = worker.report(first.task_token, Err(failure)).await;
    assert_eq!(said, None);
    let second = worker.activity().await;
    assert_eq!(second.attempt, 2);
    assert_eq!(second.input, Some(payload(LARGE)));
}
