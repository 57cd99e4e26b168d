//! The worker and the watch over real gRPC streams that break.

mod scripted;

use std::time::{Duration, Instant};

use everturn_client::worker::{RunCode, Worker, WorkerOptions};
use everturn_client::{Client, Code, v1};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(20);

fn start_worker(
    client: Client,
) -> (
    oneshot::Sender<()>,
    JoinHandle<Result<(), everturn_client::Error>>,
) {
    let (stop, stopped) = oneshot::channel();
    let options = WorkerOptions {
        activity_slots: 512,
        workflow_slots: 4,
        ..WorkerOptions::default()
    };
    let worker = Worker::builder(client, options)
        .activity("echo", |task: v1::ActivityTask| async move {
            Ok(task.input.unwrap_or_default())
        })
        .activity("slow", |_: v1::ActivityTask| async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(v1::Payload::default())
        })
        .workflow("order", |_| -> RunCode { Box::new(|_| Ok(Vec::new())) })
        .build()
        .expect("valid options");
    let task = tokio::spawn(worker.run(async {
        let _ = stopped.await;
    }));
    (stop, task)
}

fn activity(delivery_id: u64, activity_type: &str) -> v1::ActivityTask {
    v1::ActivityTask {
        delivery_id,
        task_token: bytes::Bytes::from(delivery_id.to_be_bytes().to_vec()),
        activity_type: activity_type.to_owned(),
        ..Default::default()
    }
}

fn token(delivery_id: u64) -> Vec<u8> {
    delivery_id.to_be_bytes().to_vec()
}

#[tokio::test]
async fn results_survive_a_broken_stream_and_workflow_work_does_not() {
    let mut server = scripted::start().await;
    let (stop, worker) = start_worker(server.client.clone());

    let mut first = server.streams.recv().await.expect("a stream");
    let hello = first.welcome(Vec::new()).await;
    assert_eq!(hello.queues.len(), 2);
    let order = v1::WorkflowTask {
        delivery_id: 7,
        workflow_type: "order".to_owned(),
        ..Default::default()
    };
    first
        .send(v1::WorkResponse {
            activity_tasks: vec![activity(1, "echo"), activity(2, "slow")],
            workflow_tasks: vec![order],
            ..Default::default()
        })
        .await;
    let (mut results, mut acks, mut granted) = (0, Vec::new(), v1::CreditGrant::default());
    while results < 2 {
        let request = first.request().await;
        results += request.activity_results.len() + request.workflow_task_results.len();
        acks.extend(request.acked_delivery_ids);
        let credits = request.credits.unwrap_or_default();
        granted.activity_count += credits.activity_count;
        granted.workflow_count += credits.workflow_count;
    }
    acks.sort_unstable();
    assert_eq!(acks, [1, 2, 7]);
    assert_eq!((granted.workflow_count, granted.activity_count), (5, 513));
    drop(first);

    let mut second = server.streams.recv().await.expect("another stream");
    let hello = second.welcome(Vec::new()).await;
    let mut named: Vec<_> = hello
        .running_task_tokens
        .iter()
        .map(|it| it.to_vec())
        .collect();
    named.sort_unstable();
    assert_eq!(named, [token(1), token(2)]);
    let request = second.request().await;
    assert_eq!(request.activity_results[0].task_token, token(1));
    assert!(request.workflow_task_results.is_empty());
    // One slot is still taken by the slow activity.
    assert_eq!(request.credits.expect("a grant").activity_count, 511);
    let slow = second.request().await;
    assert_eq!(slow.activity_results[0].task_token, token(2));

    stop.send(()).expect("a running worker");
    while !second.request().await.draining {}
    assert!(!worker.is_finished(), "two results are unanswered");
    let ids = [&request, &slow].map(|it| it.activity_results[0].result_id);
    second
        .send(v1::WorkResponse {
            accepted_result_ids: ids.to_vec(),
            ..Default::default()
        })
        .await;
    let closed = second.requests.message().await.expect("a clean end");
    assert!(closed.is_none());
    drop(second);
    worker.await.expect("no panic").expect("drained");
}

#[tokio::test]
async fn an_attempt_that_is_over_is_aborted_and_never_reported() {
    let mut server = scripted::start().await;
    let (_stop, _worker) = start_worker(server.client.clone());
    let mut first = server.streams.recv().await.expect("a stream");
    first.welcome(Vec::new()).await;
    first
        .send(v1::WorkResponse {
            activity_tasks: vec![activity(1, "slow")],
            ..Default::default()
        })
        .await;
    while first.request().await.acked_delivery_ids.is_empty() {}
    drop(first);
    let mut second = server.streams.recv().await.expect("another stream");
    second.welcome(vec![0]).await;
    assert_eq!(
        second
            .request()
            .await
            .credits
            .expect("a grant")
            .activity_count,
        511
    );
    let freed = second.request().await;
    assert_eq!(freed.credits.expect("the slot").activity_count, 1);
    assert!(freed.activity_results.is_empty());
    let more = tokio::time::timeout(Duration::from_millis(500), second.request()).await;
    assert!(more.is_err(), "nothing is left to say");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_task_of_a_flood_is_answered_once_within_the_credits() {
    const TASKS: u64 = 50_000;
    let mut server = scripted::start().await;
    let (_stop, _worker) = start_worker(server.client.clone());
    let mut stream = server.streams.recv().await.expect("a stream");
    stream.welcome(Vec::new()).await;
    let begin = Instant::now();
    let (mut credits, mut sent, mut requests) = (0, 0, 0);
    let mut answered = std::collections::HashSet::new();
    while (answered.len() as u64) < TASKS {
        let request = tokio::time::timeout(PATIENCE, stream.request())
            .await
            .expect("the worker goes on");
        requests += 1;
        credits += u64::from(request.credits.unwrap_or_default().activity_count);
        let results = request.activity_results.iter();
        let accepted_result_ids: Vec<u64> = results.map(|it| it.result_id).collect();
        for result in request.activity_results {
            assert!(answered.insert(result.task_token), "answered twice");
        }
        assert!(credits + sent <= answered.len() as u64 + 512 + sent);
        let batch = credits.min(TASKS - sent);
        let activity_tasks = (sent..sent + batch).map(|id| activity(id + 1, "echo"));
        (credits, sent) = (credits - batch, sent + batch);
        stream
            .send(v1::WorkResponse {
                activity_tasks: activity_tasks.collect(),
                accepted_result_ids,
                ..Default::default()
            })
            .await;
    }
    let rate = TASKS as f64 / begin.elapsed().as_secs_f64();
    println!("{rate:.0} tasks/s in {requests} requests");
    assert!(requests < TASKS / 4, "results leave in batches");
}

fn message(sequence: u64) -> v1::WatchConversationResponse {
    let message = v1::Message {
        sequence,
        ..Default::default()
    };
    v1::WatchConversationResponse {
        update: Some(v1::watch_conversation_response::Update::Message(message)),
    }
}

#[tokio::test]
async fn a_watch_goes_on_behind_the_last_message_it_has_seen() {
    use v1::watch_conversation_response::Update;
    let mut server = scripted::start().await;
    let mut watch = server.client.watch("c-1", 0);
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(update) = watch.next().await.expect("no error") {
            if let Update::Message(message) = update {
                seen.push(message.sequence);
            }
        }
        seen
    });
    let first = server.watches.recv().await.expect("a watch");
    assert_eq!(first.request.after_sequence, 0);
    for sequence in [1, 2] {
        first
            .updates
            .send(Ok(message(sequence)))
            .await
            .expect("open");
    }
    let broken = Err(tonic::Status::unavailable("restarting"));
    first.updates.send(broken).await.expect("open");
    let second = server.watches.recv().await.expect("the watch again");
    assert_eq!(second.request.after_sequence, 2);
    for sequence in [2, 3] {
        second
            .updates
            .send(Ok(message(sequence)))
            .await
            .expect("open");
    }
    let closed = v1::WatchConversationResponse {
        update: Some(Update::Closed(v1::ConversationClosed::default())),
    };
    second.updates.send(Ok(closed)).await.expect("open");
    assert_eq!(reader.await.expect("no panic"), [1, 2, 3]);
}

#[tokio::test]
async fn a_watch_of_an_unknown_conversation_fails_at_once() {
    let server = scripted::start().await;
    let error = server.client.watch("nobody", 0).next().await;
    assert_eq!(error.expect_err("refused").code(), Code::NotFound);
}
