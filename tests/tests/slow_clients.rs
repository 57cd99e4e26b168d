//! Clients that do not keep up or do not play along: the coordinator's memory
//! stays bounded and the others go on.

use std::time::Duration;

use bytes::Bytes;
use everturn_client::v1;
use everturn_tests::coordinator::Coordinator;
use everturn_tests::raw_worker::{RawWorker, hello};
use everturn_tests::{SOON, calls, eventually, load, seed};
use rand::RngExt as _;
use v1::watch_conversation_response::Update;

/// What the coordinator may take on top of what it had.
const GROWTH_MAX: u64 = 256 << 20;

/// Starts workflows of one activity each on the queue "default".
async fn start_many(coordinator: &Coordinator, count: u32, bytes: usize) {
    let client = coordinator.client();
    for number in 0..count {
        let request = v1::StartWorkflowRequest {
            input: Some(v1::Payload {
                data: vec![b'x'; bytes].into(),
                ..Default::default()
            }),
            ..calls::start(&format!("w-{number}"), "t")
        };
        client.start_workflow(request).await.expect("started");
    }
}

/// Completes workflow tasks until none of the first `count` workflows is open.
async fn complete_all(coordinator: &Coordinator, count: u32) {
    let kinds = [v1::TaskKind::Workflow];
    let worker = RawWorker::connect(coordinator.workers(), hello("good", &kinds), (8, 0)).await;
    let mut worker = worker.expect("connected");
    let mut completed = std::collections::HashSet::new();
    while completed.len() < count as usize {
        let task = worker.workflow().await;
        let complete = v1::command::Kind::CompleteRun(v1::CompleteRun::default());
        let said = worker
            .advance(&task, vec![calls::command("", complete)])
            .await;
        if said.is_none() {
            completed.insert(task.workflow_id);
        }
    }
}

/// Runs a part of the load to its end, to see that it does.
async fn others_go_on(coordinator: &Coordinator, name: &str, rounds: u64) {
    let client = coordinator.client();
    for round in 0..rounds {
        let workflow_id = format!("{name}-{round}");
        let request = v1::StartWorkflowRequest {
            task_queue: load::TASK_QUEUE.to_owned(),
            input: Some(everturn_client::json(&round).expect("JSON")),
            ..calls::start(&workflow_id, load::WORKFLOW_TYPE)
        };
        client.start_workflow(request).await.expect("started");
        let wait = v1::WaitResultRequest {
            workflow_id,
            ..Default::default()
        };
        let ended = client.wait_result(wait, SOON).await.expect("a result");
        assert_eq!(ended.status(), v1::RunStatus::Completed);
    }
}

fn good_worker(coordinator: &Coordinator) {
    let worker = load::worker(coordinator.client(), "good").expect("a worker");
    tokio::spawn(worker.run(std::future::pending()));
}

#[tokio::test]
async fn tasks_of_a_worker_that_never_acknowledges_go_to_others_at_no_cost() {
    let options = ["--ack-timeout", "300ms", "--ping-interval", "60s"];
    let coordinator = Coordinator::start(&options).await;
    let kinds = [v1::TaskKind::Workflow];
    let wedged = RawWorker::connect(coordinator.workers(), hello("wedged", &kinds), (8, 0)).await;
    let mut wedged = wedged.expect("connected");
    start_many(&coordinator, 8, 10).await;
    let mut given = 0;
    while given < 8 {
        let response = wedged.receive(false).await.expect("a stream");
        given += response.expect("a stream").workflow_tasks.len();
    }
    complete_all(&coordinator, 8).await;
    let end = async { while let Ok(Some(_)) = wedged.receive(false).await {} };
    let ended = tokio::time::timeout(SOON, end).await;
    ended.expect("the wedged stream is closed");

    // The same for activities: the attempt that was never acknowledged is
    // given to another worker, and is still the first.
    let client = coordinator.client();
    client
        .start_workflow(calls::start("order", "t"))
        .await
        .expect("started");
    let kinds = [v1::TaskKind::Workflow];
    let author = RawWorker::connect(coordinator.workers(), hello("author", &kinds), (1, 0)).await;
    let mut author = author.expect("connected");
    let kinds = [v1::TaskKind::Activity];
    let wedged = RawWorker::connect(coordinator.workers(), hello("wedged", &kinds), (0, 1)).await;
    let mut wedged = wedged.expect("connected");
    let task = author.workflow().await;
    let schedule = v1::command::Kind::ScheduleActivity(v1::ScheduleActivity {
        activity_type: "a".to_owned(),
        ..Default::default()
    });
    let said = author
        .advance(&task, vec![calls::command("a", schedule)])
        .await;
    assert_eq!(said, None);
    let response = wedged
        .receive(false)
        .await
        .expect("a stream")
        .expect("a task");
    assert_eq!(response.activity_tasks.len(), 1);
    let good = RawWorker::connect(coordinator.workers(), hello("good", &kinds), (0, 1)).await;
    let mut good = good.expect("connected");
    let again = good.activity().await;
    assert_eq!(again.attempt, 1, "it cost no attempt");
    let said = good
        .report(again.task_token, Ok(v1::Payload::default()))
        .await;
    assert_eq!(said, None);
    let events = calls::journal(&client, "order", "").await;
    let failed = events.iter().any(|event| {
        use v1::history_event::Kind;
        matches!(
            event.kind,
            Some(Kind::ActivityAttemptFailed(_) | Kind::ActivityFailed(_))
        )
    });
    assert!(!failed, "{events:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_read_nothing_cost_bounded_memory_and_nobody_else_anything() {
    let options = ["--ack-timeout", "300ms", "--flush-interval", "100ms"];
    let coordinator = Coordinator::start(&options).await;
    good_worker(&coordinator);
    others_go_on(&coordinator, "first", 3).await;
    let before = coordinator.resident_bytes();
    let mut deaf = Vec::new();
    let kinds = [v1::TaskKind::Workflow];
    for number in 0..6 {
        let identity = format!("deaf-{number}");
        let worker =
            RawWorker::connect(coordinator.workers(), hello(&identity, &kinds), (10_000, 0));
        deaf.push(worker.await.expect("connected"));
    }
    // 60 MiB of tasks, which those who never read are offered first.
    start_many(&coordinator, 60, 1 << 20).await;
    others_go_on(&coordinator, "other", 10).await;
    let grown = coordinator.resident_bytes().saturating_sub(before);
    println!("deaf workers: {} MiB more", grown >> 20);
    assert!(grown < GROWTH_MAX + (120 << 20), "{} MiB", grown >> 20);
    complete_all(&coordinator, 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_garbage_is_refused_and_keeps_nobody_from_work() {
    let mut random = seed::random("a_flood_of_garbage");
    let coordinator = Coordinator::start(&[]).await;
    good_worker(&coordinator);
    others_go_on(&coordinator, "first", 3).await;
    let before = coordinator.resident_bytes();
    let kinds = [v1::TaskKind::Activity, v1::TaskKind::Workflow];
    let garbage: Vec<Bytes> = (0..64)
        .map(|_| {
            (0..random.random_range(0..100))
                .map(|_| random.random())
                .collect::<Vec<u8>>()
        })
        .map(Bytes::from)
        .collect();
    let worker = RawWorker::connect(coordinator.workers(), hello("flood", &kinds), (0, 0)).await;
    let worker = worker.expect("connected");
    let requests = worker.requests.clone();
    let flood = tokio::spawn(async move {
        let mut sent = 0_u64;
        loop {
            let result = |token: &Bytes| v1::ActivityResult {
                result_id: 1,
                task_token: token.clone(),
                ..Default::default()
            };
            let beat = |token: &Bytes| v1::ActivityHeartbeat {
                blocked_stack: String::new(),
                task_token: token.clone(),
                details: None,
            };
            let request = v1::WorkRequest {
                activity_results: garbage.iter().map(result).collect(),
                heartbeats: garbage.iter().map(beat).collect(),
                acked_delivery_ids: (0..1_000).collect(),
                ping: 1,
                ..Default::default()
            };
            // It never reads; at some point it cannot write any more.
            match tokio::time::timeout(Duration::from_secs(5), requests.send(request)).await {
                Ok(Ok(())) => sent += 1,
                _ => return sent,
            }
        }
    });
    others_go_on(&coordinator, "other", 20).await;
    let grown = coordinator.resident_bytes().saturating_sub(before);
    println!("flood: {} MiB more", grown >> 20);
    assert!(grown < GROWTH_MAX, "{} MiB", grown >> 20);
    flood.abort();
    drop(worker);
    others_go_on(&coordinator, "last", 1).await;
}

/// Reads a watch up to this message; whether it was told that it lagged.
async fn reads_everything(
    watched: &mut tonic::Streaming<v1::WatchConversationResponse>,
    total: u64,
) -> bool {
    let (mut next, mut lagged) = (1, false);
    while next <= total {
        let update = tokio::time::timeout(SOON, watched.message()).await;
        let update = update.expect("it goes on").expect("it goes on");
        match update.and_then(|it| it.update).expect("it goes on") {
            Update::Message(message) => {
                assert_eq!(message.sequence, next, "every message once, in order");
                next += 1;
            }
            Update::Lagged(it) => lagged |= it.skipped_count > 0,
            _ => {}
        }
    }
    lagged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_reads_nothing_is_bounded_told_and_caught_up() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let text = "x".repeat(64 << 10);
    let submit = async |number: u64| {
        let request = calls::message("c", "t", &format!("m-{number}"), &text);
        client.submit_message(request).await.expect("accepted");
    };
    submit(1).await;
    let before = coordinator.resident_bytes();
    let mut slow = Vec::new();
    for _ in 0..50 {
        let request = v1::WatchConversationRequest {
            conversation_id: "c".to_owned(),
            ..Default::default()
        };
        let watched = coordinator
            .conversations()
            .watch_conversation(request)
            .await;
        slow.push(watched.expect("a place").into_inner());
    }
    // Some 50 MiB for each of them, if they all were kept. The mailbox takes
    // 8 MiB: closing it is not what this is about, so a person takes over.
    let hand_off = v1::HandOffConversationRequest {
        conversation_id: "c".to_owned(),
        assignee: Some(v1::Assignee {
            kind: Some(v1::assignee::Kind::Team("desk".to_owned())),
        }),
        ..Default::default()
    };
    let mut service = coordinator.conversations();
    service
        .hand_off_conversation(hand_off)
        .await
        .expect("handed off");
    for _ in 0..800 {
        let request = v1::SendHumanMessageRequest {
            conversation_id: "c".to_owned(),
            author_name: "Ann".to_owned(),
            content: Some(everturn_client::text(&text)),
            ..Default::default()
        };
        service.send_human_message(request).await.expect("sent");
    }
    let grown = coordinator.resident_bytes().saturating_sub(before);
    println!("deaf watchers: {} MiB more", grown >> 20);
    assert!(grown < 1_200 << 20, "{} MiB", grown >> 20);

    let total = client
        .conversation("c")
        .await
        .expect("it exists")
        .message_count;
    let lagged = reads_everything(&mut slow[0], total).await;
    assert!(lagged, "it is told that it was too slow");
    let skipped = eventually(SOON, "it is counted", async || {
        let name = "everturn_watch_updates_skipped_total";
        let count = coordinator.metric(name).await;
        (count > 0.0).then_some(count)
    });
    skipped.await;
}
