//! Nothing hangs in silence: workers of other makes ask for what cannot be done,
//! or go down with a task, and everything says why it waits.

use everturn_client::v1;
use everturn_tests::coordinator::Coordinator;
use everturn_tests::raw_worker::{RawWorker, hello};
use everturn_tests::{SOON, calls, eventually};
use v1::command::Kind;

const WORKFLOW: [v1::TaskKind; 1] = [v1::TaskKind::Workflow];

async fn wait_of(coordinator: &Coordinator, workflow_id: &str) -> v1::Wait {
    let request = v1::DescribeWorkflowRequest {
        workflow_id: workflow_id.to_owned(),
        ..Default::default()
    };
    let described = coordinator.workflows().describe_workflow(request).await;
    let described = described.expect("it exists").into_inner();
    described.run.and_then(|run| run.wait).unwrap_or_default()
}

async fn worker(coordinator: &Coordinator, identity: &str) -> RawWorker {
    let worker = RawWorker::connect(coordinator.workers(), hello(identity, &WORKFLOW), (8, 0));
    worker.await.expect("connected")
}

#[tokio::test]
async fn a_task_that_takes_down_three_sessions_is_set_apart_and_others_go_on() {
    let coordinator = Coordinator::start(&["--orphan-grace", "100ms"]).await;
    let client = coordinator.client();
    let culprit = calls::start("culprit", "t");
    client.start_workflow(culprit).await.expect("started");
    for number in 0..3 {
        let mut dies = worker(&coordinator, &format!("dies-{number}")).await;
        let task = dies.workflow().await;
        assert_eq!(task.workflow_id, "culprit");
        drop(dies);
    }
    let wait = eventually(SOON, "it is set apart", || async {
        let wait = wait_of(&coordinator, "culprit").await;
        (wait.reason() == v1::WaitReason::TaskSetApart).then_some(wait)
    })
    .await;
    assert!(wait.text.contains("3 workers"), "{wait:?}");
    assert!(wait.until_time.is_some(), "{wait:?}");
    client
        .start_workflow(calls::start("innocent", "t"))
        .await
        .expect("started");
    let mut lives = worker(&coordinator, "lives").await;
    let task = lives.workflow().await;
    assert_eq!(task.workflow_id, "innocent", "no other run waits for it");
}

#[tokio::test]
async fn a_command_that_cannot_be_carried_out_fails_alone() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let start = calls::start("w", "t");
    client.start_workflow(start).await.expect("started");
    let mut worker = worker(&coordinator, "raw").await;
    let task = worker.workflow().await;
    let schedule = |key: String| {
        let schedule = v1::ScheduleActivity {
            activity_type: "a".to_owned(),
            ..Default::default()
        };
        calls::command(&key, Kind::ScheduleActivity(schedule))
    };
    let reply = v1::SendMessage::default();
    let timer = Kind::StartTimer(v1::StartTimer {
        delay: Some(calls::millis(5)),
    });
    let commands = vec![
        schedule("good".to_owned()),
        schedule("k".repeat(300)),
        calls::command("good", timer),
        calls::command("reply", Kind::SendMessage(reply)),
    ];
    assert_eq!(worker.advance(&task, commands).await, None, "it is taken");
    let events = calls::journal(&client, "w", "").await;
    let failed: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            Some(v1::history_event::Kind::CommandFailed(failed)) => {
                failed.failure.as_ref().map(|it| it.r#type.as_str())
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        failed,
        ["LIMIT_EXCEEDED", "COMMAND_INVALID", "FIELD_INVALID"]
    );
    let scheduled = events.iter().filter(|event| {
        matches!(
            event.kind,
            Some(v1::history_event::Kind::ActivityScheduled(_))
        )
    });
    assert_eq!(scheduled.count(), 1, "the good one is carried out");
}

#[tokio::test]
async fn queues_nobody_serves_and_types_nobody_has_are_found_before_they_are_needed() {
    let coordinator = Coordinator::start(&[]).await;
    let used = |task_queue: &str, type_name: &str| v1::UsedType {
        task_queue: task_queue.to_owned(),
        kind: v1::TaskKind::Activity.into(),
        type_name: type_name.to_owned(),
    };
    let hello = v1::Hello {
        workflow_types: vec!["t".to_owned()],
        used_types: vec![used("agents", "answer"), used("agents", "refundd")],
        ..hello("code", &WORKFLOW)
    };
    let _code = RawWorker::connect(coordinator.workers(), hello, (1, 0)).await;
    let client = coordinator.client();
    let queue = || async {
        let listed = client
            .task_queues(v1::ListTaskQueuesRequest::default())
            .await;
        let queues = listed.expect("listed").task_queues;
        queues.into_iter().find(|it| it.task_queue == "agents")
    };
    let found = eventually(SOON, "the queue is known", queue).await;
    assert_eq!(found.worker_count, 0);
    assert!(found.unserved_since_time.is_some(), "{found:?}");

    let hello = v1::Hello {
        activity_types: vec!["answer".to_owned()],
        queues: vec![everturn_tests::raw_worker::queue(
            "agents",
            v1::TaskKind::Activity,
        )],
        ..everturn_tests::raw_worker::hello("py", &[])
    };
    let _agents = RawWorker::connect(coordinator.workers(), hello, (0, 1)).await;
    let missing = eventually(SOON, "it is served", || async {
        let found = queue().await?;
        (found.worker_count == 1).then_some(found.missing_types)
    })
    .await;
    assert_eq!(missing, ["refundd"]);
}
