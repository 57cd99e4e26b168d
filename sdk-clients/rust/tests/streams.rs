//! The worker over real gRPC streams that break.

#![allow(
    clippy::result_large_err,
    reason = "failures are data that workers report"
)]

mod scripted;

use std::time::{Duration, Instant};

use everturn_client::worker::{ActivityContext, RunCode, Worker, WorkerOptions};
use everturn_client::{Client, v1};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(20);

/// Says two things with a pause between them, and what it used.
async fn talk(context: ActivityContext) -> Result<v1::Payload, v1::Failure> {
    context.stream("Hello, ").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    context.stream("Jo").await;
    context.report_usage(&v1::Usage {
        output_tokens: 2,
        ..Default::default()
    })?;
    Ok(v1::Payload::default())
}

/// Ends at once and leaves a task behind that goes on to talk.
async fn babble(context: ActivityContext) -> Result<v1::Payload, v1::Failure> {
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(50)).await;
        context.stream("late").await;
    });
    Ok(v1::Payload::default())
}

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
        can_reconcile: true,
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
        .activity_with_context("talk", talk)
        .activity_with_context("babble", babble)
        .activity("deliver", |task: v1::ActivityTask| async move {
            let delivery = task.delivery.unwrap_or_default();
            let receipt = serde_json::json!({ "providerMessageId": delivery.idempotency_key });
            Ok(everturn_client::json(&receipt).expect("JSON"))
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
    // The slots that were free, then the one that became so.
    let mut granted = 0;
    while granted < 512 {
        let request = second.request().await;
        assert!(request.activity_results.is_empty());
        granted += request.credits.unwrap_or_default().activity_count;
    }
    assert_eq!(granted, 512);
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

fn said(request: &v1::WorkRequest) -> Vec<(u64, String)> {
    let outputs = request.outputs.iter();
    outputs
        .map(|it| {
            let text = String::from_utf8_lossy(&it.data).into_owned();
            (it.sequence, text)
        })
        .collect()
}

#[tokio::test]
async fn output_leaves_at_once_and_again_after_a_reconnect() {
    let mut server = scripted::start().await;
    let (_stop, _worker) = start_worker(server.client.clone());
    let mut first = server.streams.recv().await.expect("a stream");
    let hello = first.welcome(Vec::new()).await;
    let reconciles: Vec<bool> = hello.queues.iter().map(|it| it.can_reconcile).collect();
    assert_eq!(reconciles, [true, false], "activities only");
    first
        .send(v1::WorkResponse {
            activity_tasks: vec![activity(1, "talk")],
            ..Default::default()
        })
        .await;
    let mut early = Vec::new();
    while early.is_empty() {
        let request = first.request().await;
        early = said(&request);
        assert!(request.activity_results.is_empty(), "it still talks");
    }
    assert_eq!(early, [(1, "Hello, ".to_owned())]);
    drop(first);

    let mut second = server.streams.recv().await.expect("another stream");
    second.welcome(Vec::new()).await;
    let (mut outputs, mut result) = (Vec::new(), None);
    while result.is_none() {
        let request = second.request().await;
        outputs.extend(said(&request));
        result = request.activity_results.into_iter().next();
    }
    assert_eq!(outputs, [(1, "Hello, ".to_owned()), (2, "Jo".to_owned())]);
    let usage = result.and_then(|it| it.usage).expect("what it used");
    assert_eq!(usage.output_tokens, 2);
}

#[tokio::test]
async fn what_is_said_after_the_end_of_an_attempt_is_dropped() {
    let mut server = scripted::start().await;
    let (_stop, _worker) = start_worker(server.client.clone());
    let mut stream = server.streams.recv().await.expect("a stream");
    stream.welcome(Vec::new()).await;
    let tasks = vec![activity(1, "babble"), activity(2, "slow")];
    stream
        .send(v1::WorkResponse {
            activity_tasks: tasks,
            ..Default::default()
        })
        .await;
    let mut ended = 0;
    while ended < 2 {
        let request = stream.request().await;
        ended += request.activity_results.len();
        assert_eq!(said(&request), []);
    }
}

#[tokio::test]
async fn a_delivery_hands_its_key_to_the_provider() {
    let mut server = scripted::start().await;
    let (_stop, _worker) = start_worker(server.client.clone());
    let mut stream = server.streams.recv().await.expect("a stream");
    stream.welcome(Vec::new()).await;
    let mut task = activity(1, "deliver");
    task.delivery = Some(v1::Delivery {
        idempotency_key: "c-1/4".to_owned(),
        ..Default::default()
    });
    stream
        .send(v1::WorkResponse {
            activity_tasks: vec![task],
            ..Default::default()
        })
        .await;
    let result = loop {
        if let Some(result) = stream.request().await.activity_results.pop() {
            break result;
        }
    };
    let Some(v1::activity_result::Outcome::Result(receipt)) = result.outcome else {
        panic!("delivered: {result:?}");
    };
    assert_eq!(&receipt.data[..], br#"{"providerMessageId":"c-1/4"}"#);
}

fn impatient(client: Client, connect_timeout: Duration) -> Worker {
    let options = WorkerOptions {
        connect_timeout,
        ..WorkerOptions::default()
    };
    Worker::builder(client, options)
        .workflow("order", |_| -> RunCode { Box::new(|_| Ok(Vec::new())) })
        .build()
        .expect("valid options")
}

#[tokio::test]
async fn credentials_that_are_refused_end_the_worker_after_a_while_and_not_at_once() {
    let mut server = scripted::start().await;
    let worker = impatient(server.client.clone(), Duration::from_millis(300));
    let worker = tokio::spawn(worker.run(std::future::pending()));
    let mut refused = 0;
    while !worker.is_finished() {
        let stream = tokio::time::timeout(Duration::from_millis(500), server.streams.recv());
        if let Ok(Some(stream)) = stream.await {
            refused += 1;
            let status = tonic::Status::unauthenticated("who are you?");
            // One that has gone meanwhile needs no answer.
            let _ = stream.responses.send(Err(status)).await;
        }
    }
    let error = worker.await.expect("no panic").expect_err("it gives up");
    assert_eq!(error.code(), everturn_client::Code::Unauthenticated);
    assert!(refused > 1, "it tries again for a while");
}

/// As with the address of the coordinator's health checks.
#[tokio::test]
async fn a_port_that_speaks_something_else_ends_the_worker_with_the_reason() {
    use tokio::io::AsyncWriteExt as _;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            tokio::spawn(async move {
                // A client that has hung up has seen enough.
                let _ = stream.write_all(answer).await;
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            });
        }
    });
    let client = Client::new(everturn_client::ConnectOptions {
        address,
        ..Default::default()
    });
    let worker = impatient(client.expect("valid options"), Duration::from_millis(300));
    let ended = tokio::time::timeout(PATIENCE, worker.run(std::future::pending())).await;
    let error = ended.expect("it gives up").expect_err("it gives up");
    assert_eq!(error.code(), everturn_client::Code::Unavailable, "{error}");
    assert!(error.to_string().contains("frame"), "the reason: {error}");
}
