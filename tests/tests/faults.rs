//! Faults that say so: a full disk, calls that are reset in masses.

use std::time::{Duration, Instant};

use everturn_client::v1;
use everturn_tests::coordinator::Coordinator;
use everturn_tests::refusal::status_is;
use everturn_tests::small_disk::SmallDisk;
use everturn_tests::{SOON, calls, eventually};
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// A call that is not answered by then hangs.
const AT_ONCE: Duration = Duration::from_secs(1);

fn message(number: u32) -> v1::SubmitMessageRequest {
    calls::message(
        "known",
        "nobody",
        &format!("m-{number}"),
        &"x".repeat(64 * 1024),
    )
}

async fn health(coordinator: &Coordinator) -> ServingStatus {
    let mut client = HealthClient::new(coordinator.channel());
    let request = HealthCheckRequest {
        service: String::new(),
    };
    let checked = client.check(request).await.expect("health answers");
    checked.into_inner().status()
}

async fn reads_go_on_and_writes_are_refused(coordinator: &Coordinator, acknowledged: u32) {
    let mut conversations = coordinator.conversations();
    for number in 0..50 {
        let asked = Instant::now();
        let read = conversations
            .get_conversation(v1::GetConversationRequest {
                conversation_id: "known".to_owned(),
                ..Default::default()
            })
            .await
            .expect("reads are answered");
        let messages = read
            .into_inner()
            .conversation
            .expect("it is known")
            .message_count;
        assert_eq!(messages, u64::from(acknowledged), "what was acknowledged");
        let refused = conversations.submit_message(message(1_000 + number)).await;
        status_is(
            &refused.expect_err("it is full"),
            Code::Unavailable,
            "STORE_FULL",
        );
        assert!(asked.elapsed() < AT_ONCE, "calls hang");
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_answers_reads_and_is_left_by_itself() {
    let Some(disk) = SmallDisk::mount(24) else {
        return;
    };
    let coordinator = Coordinator::start_on(disk.path("everturn.db"), &[]).await;
    let mut conversations = coordinator.conversations();
    conversations
        .submit_message(calls::message("known", "nobody", "first", "hello"))
        .await
        .expect("there is room");
    disk.fill();

    let begin = Instant::now();
    let mut acknowledged = 1;
    let status = loop {
        let asked = Instant::now();
        let answer = conversations.submit_message(message(acknowledged)).await;
        assert!(asked.elapsed() < AT_ONCE * 5, "a write hangs");
        match answer {
            Ok(_) => acknowledged += 1,
            Err(status) => break status,
        }
        assert!(begin.elapsed() < SOON, "the disk never fills");
    };
    status_is(&status, Code::Unavailable, "STORE_FULL");
    let noticed = Instant::now();
    eventually(AT_ONCE, "not ready", || async {
        (coordinator.ready_code().await == Some(503)).then_some(())
    })
    .await;
    assert_eq!(health(&coordinator).await, ServingStatus::NotServing);
    assert!(noticed.elapsed() < AT_ONCE, "readiness is late");

    reads_go_on_and_writes_are_refused(&coordinator, acknowledged).await;

    disk.free();
    eventually(SOON, "ready again", || async {
        (coordinator.ready_code().await == Some(200)).then_some(())
    })
    .await;
    assert_eq!(health(&coordinator).await, ServingStatus::Serving);
    conversations
        .submit_message(message(2_000))
        .await
        .expect("there is room");
    let log = coordinator.log();
    let said = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(
        said("disk of the store is full"),
        1,
        "one line per change:\n{log}"
    );
    assert_eq!(said("has room again"), 1, "one line per change:\n{log}");
    assert!(
        said("ERROR") + said("WARN") < 4,
        "nothing floods the log:\n{log}"
    );
}

/// What grpcio and grpc-js do when the deadlines of many calls pass at once.
#[tokio::test]
async fn calls_that_are_reset_in_masses_do_not_end_the_streams_beside_them() {
    let coordinator = Coordinator::start(&[]).await;
    let mut conversations = coordinator.conversations();
    conversations
        .submit_message(calls::message("c", "nobody", "m", "hello"))
        .await
        .expect("submitted");
    let watch = v1::WatchConversationRequest {
        conversation_id: "c".to_owned(),
        ..Default::default()
    };
    let mut watched = conversations
        .watch_conversation(watch)
        .await
        .expect("watched")
        .into_inner();
    watched.message().await.expect("the stream goes on");
    coordinator.signal("STOP").await;
    let stalled: Vec<_> = (0..500)
        .map(|_| {
            let mut conversations = conversations.clone();
            tokio::spawn(async move {
                let mut request = Request::new(v1::GetConversationRequest {
                    conversation_id: "c".to_owned(),
                    ..Default::default()
                });
                request.set_timeout(Duration::from_millis(500));
                conversations.get_conversation(request).await
            })
        })
        .collect();
    for call in stalled {
        assert!(call.await.expect("no panic").is_err(), "nobody answered");
    }
    coordinator.signal("CONT").await;
    conversations
        .submit_message(calls::message("c", "nobody", "m-2", "still there?"))
        .await
        .expect("the connection is as good as before");
    let next = tokio::time::timeout(SOON, watched.message()).await;
    next.expect("the stream goes on")
        .expect("the stream goes on");
}
