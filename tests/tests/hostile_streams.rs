//! Streams that break the rules: workers that do not speak the protocol, and
//! more watchers than there may be.

use everturn_client::v1;
use everturn_tests::coordinator::{Conversations, Coordinator};
use everturn_tests::raw_worker::{RawWorker, hello, open, queue};
use everturn_tests::refusal::{fields_refused, limit_refused, refused, status_is};
use everturn_tests::{SOON, calls, eventually};
use futures::StreamExt as _;
use tonic::{Code, Status, Streaming};
use v1::watch_conversation_response::Update;

const ACTIVITY: v1::TaskKind = v1::TaskKind::Activity;

/// How a worker that says this is refused.
async fn refusal_of(coordinator: &Coordinator, first: v1::WorkRequest) -> Result<(), Status> {
    let (_requests, mut responses) = open(coordinator.workers(), vec![first]).await?;
    responses.message().await.map(drop)
}

fn greeting(hello: v1::Hello) -> v1::WorkRequest {
    v1::WorkRequest {
        hello: Some(hello),
        ..Default::default()
    }
}

/// How a worker's stream ends that goes on with this after a good Hello.
async fn end_after(coordinator: &Coordinator, next: v1::WorkRequest) -> Status {
    let hello = hello("raw", &[ACTIVITY]);
    let worker = RawWorker::connect(coordinator.workers(), hello, (0, 1)).await;
    let mut worker = worker.expect("connected");
    worker.send(next).await;
    loop {
        if let Err(status) = worker.receive(true).await {
            return status;
        }
    }
}

#[tokio::test]
async fn what_comes_with_hello_is_answered_like_what_comes_after_it() {
    let coordinator = Coordinator::start(&[]).await;
    let first = v1::WorkRequest {
        ping: 7,
        activity_results: vec![v1::ActivityResult {
            result_id: 9,
            task_token: b"of nobody".as_slice().into(),
            ..Default::default()
        }],
        ..greeting(hello("raw", &[ACTIVITY]))
    };
    let opened = open(coordinator.workers(), vec![first]).await;
    let (_requests, mut responses) = opened.expect("connected");
    let (mut pong, mut rejected) = (0, Vec::new());
    while pong == 0 || rejected.is_empty() {
        let next = tokio::time::timeout(SOON, responses.message()).await;
        let response = next.expect("it answers").expect("the stream goes on");
        let response = response.expect("the stream goes on");
        pong = pong.max(response.pong);
        rejected.extend(response.rejections.iter().map(|it| it.result_id));
    }
    assert_eq!((pong, rejected), (7, vec![9]));
}

#[tokio::test]
async fn a_worker_that_breaks_the_protocol_is_told_how() {
    let coordinator = Coordinator::start(&[]).await;
    let violation = "PROTOCOL_VIOLATION";
    let ping = v1::WorkRequest {
        ping: 1,
        ..Default::default()
    };
    let first = refusal_of(&coordinator, ping).await;
    refused(first, Code::InvalidArgument, violation);
    let silent = coordinator.workers().work(futures::stream::empty()).await;
    refused(silent, Code::InvalidArgument, violation);
    let empty = v1::Hello::default();
    fields_refused(
        refusal_of(&coordinator, greeting(empty)).await,
        &["identity", "queues"],
    );
    let mut wrong = hello("raw", &[ACTIVITY, v1::TaskKind::Unspecified]);
    wrong.queues[0].task_queue = "x".repeat(257);
    wrong.build_id = "x".repeat(257);
    wrong.namespace = "a/b".to_owned();
    let fields = [
        "build_id",
        "namespace",
        "queues[0].task_queue",
        "queues[1].kind",
    ];
    fields_refused(refusal_of(&coordinator, greeting(wrong)).await, &fields);
    let mut many = hello("raw", &[]);
    many.queues = (0..257)
        .map(|it| queue(&format!("q-{it}"), ACTIVITY))
        .collect();
    fields_refused(refusal_of(&coordinator, greeting(many)).await, &["queues"]);
    let mut many = hello("raw", &[ACTIVITY]);
    many.running_task_tokens = vec![b"token".as_slice().into(); 10_001];
    fields_refused(
        refusal_of(&coordinator, greeting(many)).await,
        &["running_task_tokens"],
    );

    let second = greeting(hello("raw", &[ACTIVITY]));
    let end = end_after(&coordinator, second).await;
    status_is(&end, Code::InvalidArgument, violation);
    let greedy = v1::WorkRequest {
        credits: Some(v1::CreditGrant {
            workflow_count: 0,
            activity_count: 10_000,
        }),
        ..Default::default()
    };
    let end = end_after(&coordinator, greedy).await;
    limit_refused(Err::<(), _>(end));
    let large = v1::ActivityOutput {
        data: vec![0; 5 << 20].into(),
        ..Default::default()
    };
    let large = v1::WorkRequest {
        outputs: vec![large],
        ..Default::default()
    };
    limit_refused(Err::<(), _>(end_after(&coordinator, large).await));

    let other = RawWorker::connect(coordinator.workers(), hello("good", &[ACTIVITY]), (0, 1)).await;
    other.expect("others can still connect");
}

#[tokio::test]
async fn a_token_that_is_not_known_is_one_to_abort() {
    let coordinator = Coordinator::start(&[]).await;
    let mut hello = hello("raw", &[ACTIVITY]);
    hello.running_task_tokens = vec![b"x".as_slice().into(), b"".as_slice().into()];
    let worker = RawWorker::connect(coordinator.workers(), hello, (0, 1)).await;
    assert_eq!(
        worker.expect("connected").welcome.aborted_task_indexes,
        [0, 1]
    );
}

type Watched = Streaming<v1::WatchConversationResponse>;

async fn watch(mut service: Conversations, id: &str) -> Result<Watched, Status> {
    let request = v1::WatchConversationRequest {
        conversation_id: id.to_owned(),
        ..Default::default()
    };
    let answer = service.watch_conversation(request).await;
    answer.map(tonic::Response::into_inner)
}

/// Waits until a watcher has seen this message.
async fn sees(watched: &mut Watched, sequence: u64) {
    let seen = async {
        loop {
            let next = watched.message().await.expect("the watch goes on");
            match next.and_then(|it| it.update).expect("the watch goes on") {
                Update::Message(message) if message.sequence == sequence => return,
                _ => {}
            }
        }
    };
    let seen = tokio::time::timeout(SOON, seen).await;
    seen.expect("the watcher is told");
}

#[tokio::test]
async fn a_watcher_too_many_is_refused_and_a_place_that_becomes_free_is_taken() {
    let coordinator = Coordinator::start(&["--max-watchers", "3"]).await;
    let client = coordinator.client();
    let submit = async |number: u64| {
        let request = calls::message("c", "t", &format!("m-{number}"), "hi");
        client.submit_message(request).await.expect("accepted");
    };
    submit(1).await;
    let service = coordinator.conversations();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(watch(service.clone(), "c").await.expect("a place"));
    }
    for _ in 0..10 {
        let subject = limit_refused(watch(service.clone(), "c").await);
        assert_eq!(subject, "open watchers");
    }
    submit(2).await;
    for watched in &mut open {
        sees(watched, 2).await;
    }
    open.pop();
    let mut next = eventually(SOON, "the place becomes free", async || {
        watch(service.clone(), "c").await.ok()
    })
    .await;
    sees(&mut next, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_watchers_meet_a_bound_and_those_within_it_go_on() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let submit = async |number: u64| {
        let request = calls::message("c", "t", &format!("m-{number}"), "hi");
        client.submit_message(request).await.expect("accepted");
    };
    submit(1).await;
    let services: Vec<Conversations> = (0..4).map(|_| coordinator.conversations()).collect();
    let attempts = futures::stream::iter(0..10_000)
        .map(|number| watch(services[number % services.len()].clone(), "c"))
        .buffer_unordered(200);
    let (mut open, mut refused_count) = (Vec::new(), 0);
    let mut attempts = std::pin::pin!(attempts);
    while let Some(attempt) = attempts.next().await {
        match attempt {
            Ok(watched) => open.push(watched),
            Err(status) => {
                assert_eq!(limit_refused(Err::<(), _>(status)), "open watchers");
                refused_count += 1;
            }
        }
    }
    assert_eq!((open.len(), refused_count), (5_000, 5_000));
    submit(2).await;
    for watched in &mut open {
        sees(watched, 2).await;
    }
    let megabytes = coordinator.resident_bytes() >> 20;
    println!("watchers: {megabytes} MiB with {} open", open.len());
    assert!(megabytes < 1_024, "{megabytes} MiB");
}

#[tokio::test]
async fn watchers_that_come_and_go_leave_nothing_behind() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let request = calls::message("c", "t", "m-1", "hi");
    client.submit_message(request).await.expect("accepted");
    let service = coordinator.conversations();
    // The transport ends a connection on which streams are dropped faster than
    // it can take note of (CVE-2023-44487); the next call opens another one.
    let come_and_go = async |count: u32| {
        futures::stream::iter(0..count)
            .for_each_concurrent(16, |_| async {
                let refused = watch(service.clone(), "c").await.err();
                // A refusal by the coordinator has no source; one by the transport has.
                let is_local = |status: &tonic::Status| std::error::Error::source(status).is_some();
                assert!(refused.as_ref().is_none_or(is_local), "{refused:?}");
            })
            .await;
    };
    come_and_go(2_000).await;
    let before = coordinator.resident_bytes();
    come_and_go(20_000).await;
    let grown = coordinator.resident_bytes().saturating_sub(before) >> 20;
    println!("watchers: {grown} MiB more after 20,000 came and went");
    assert!(grown < 64, "{grown} MiB");
}
