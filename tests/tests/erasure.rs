//! Erasure: what was said in a conversation is gone from the bytes of the
//! database files; a tombstone with counts stays.

use std::path::Path;

use everturn_client::v1;
use everturn_tests::calls::command;
use everturn_tests::coordinator::Coordinator;
use everturn_tests::raw_worker::{RawWorker, hello, queue};
use everturn_tests::refusal::refused;
use everturn_tests::{SOON, calls, eventually};
use tonic::Code;
use v1::command::Kind;

/// What must be gone, wherever it was put.
const NEEDLE: &str = "needle-5a31b7c0";
/// What must stay: it belongs to another conversation.
const KEPT: &str = "kept-91d0e4";

fn needle(place: &str) -> String {
    format!("{NEEDLE} in {place}")
}

fn payload(place: &str) -> Option<v1::Payload> {
    Some(everturn_client::json(&needle(place)).expect("JSON"))
}

fn content(place: &str) -> Option<v1::MessageContent> {
    Some(v1::MessageContent {
        text: needle(place),
        data: payload(place),
        attributes: [("subject".to_owned(), needle(place))].into(),
        ..Default::default()
    })
}

/// How often a text is found in the files of a database.
fn count(folder: &Path, text: &str) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("everturn.db")
    });
    files
        .map(|path| {
            let bytes = std::fs::read(&path).expect("it can be read");
            let windows = bytes.windows(text.len());
            windows.filter(|it| *it == text.as_bytes()).count()
        })
        .sum()
}

/// Commands with the needle in everything that a turn can say.
fn commands() -> Vec<v1::Command> {
    vec![
        command(
            "a",
            Kind::ScheduleActivity(v1::ScheduleActivity {
                activity_type: "a".to_owned(),
                input: payload("input"),
                ..Default::default()
            }),
        ),
        command(
            "s",
            Kind::SetState(v1::SetState {
                name: "s".to_owned(),
                value: payload("state"),
            }),
        ),
        command(
            "l",
            Kind::RecordLocal(v1::RecordLocal {
                seen_event_id: 1,
                outcome: payload("local").map(v1::record_local::Outcome::Result),
            }),
        ),
        command(
            "p",
            Kind::RequestApproval(v1::RequestApproval {
                title: needle("title"),
                details: payload("details"),
                arguments: payload("arguments"),
                expires_after: None,
            }),
        ),
        command(
            "r",
            Kind::SendMessage(v1::SendMessage {
                content: content("reply"),
                ..Default::default()
            }),
        ),
        command(
            "c",
            Kind::StartChild(v1::StartChild {
                workflow_type: "child".to_owned(),
                input: payload("child"),
                ..Default::default()
            }),
        ),
    ]
}

/// Puts the needle everywhere a conversation can hold it.
async fn fill(coordinator: &Coordinator, id: &str) {
    let client = coordinator.client();
    let mut service = coordinator.conversations();
    let request = v1::SubmitMessageRequest {
        author_name: needle("author"),
        content: content("message"),
        customer_address: needle("address"),
        labels: [("label".to_owned(), needle("label"))].into(),
        ..calls::message(id, "t", "m-1", "")
    };
    client.submit_message(request).await.expect("accepted");
    let event = v1::SubmitEventRequest {
        conversation_id: id.to_owned(),
        event_type: "e".to_owned(),
        event_id: needle("event id"),
        payload: payload("event"),
        ..Default::default()
    };
    service.submit_event(event).await.expect("accepted");

    let mut greeting = hello("raw", &[v1::TaskKind::Workflow, v1::TaskKind::Activity]);
    greeting
        .queues
        .push(queue("deliver.chat", v1::TaskKind::Activity));
    let worker = RawWorker::connect(coordinator.workers(), greeting, (4, 4)).await;
    let mut worker = worker.expect("connected");
    let task = worker.workflow().await;
    assert_eq!(worker.advance(&task, commands()).await, None);
    for _ in 0..2 {
        let activity = worker.activity().await;
        let output = v1::ActivityOutput {
            task_token: activity.task_token.clone(),
            sequence: 1,
            data: needle("output").into(),
        };
        if activity.delivery.is_none() {
            let outputs = vec![output];
            worker
                .send(v1::WorkRequest {
                    outputs,
                    ..Default::default()
                })
                .await;
            let mut failure = everturn_client::failure("E", needle("failure"));
            failure.retry_after = Some(calls::millis(1));
            failure.details = payload("failure details");
            assert_eq!(worker.report(activity.task_token, Err(failure)).await, None);
        } else {
            let receipt = serde_json::json!({ "providerMessageId": needle("provider") });
            let receipt = everturn_client::json(&receipt).expect("JSON");
            assert_eq!(worker.report(activity.task_token, Ok(receipt)).await, None);
        }
    }
    let again = worker.activity().await;
    let result = payload("result").expect("a payload");
    assert_eq!(worker.report(again.task_token, Ok(result)).await, None);
}

#[tokio::test]
async fn what_was_erased_is_not_in_the_bytes_of_the_files() {
    let mut coordinator = Coordinator::start(&["--flush-interval", "50ms"]).await;
    let client = coordinator.client();
    // In a queue of its own: whoever fills "c" must not be given its task.
    let request = v1::SubmitMessageRequest {
        task_queue: "elsewhere".to_owned(),
        ..calls::message("other", "t2", "m-1", KEPT)
    };
    client.submit_message(request).await.expect("accepted");
    fill(&coordinator, "c").await;
    let before = client.conversation("c").await.expect("it exists");
    eventually(SOON, "the needle is in the files", async || {
        (count(coordinator.folder(), NEEDLE) > 10).then_some(())
    })
    .await;

    let mut service = coordinator.conversations();
    let erase = v1::EraseConversationRequest {
        conversation_id: "c".to_owned(),
        reason: needle("reason"),
        ..Default::default()
    };
    let erased = service.erase_conversation(erase.clone()).await;
    let counts = erased.expect("erased").into_inner();
    assert_eq!(counts.message_count, before.message_count);
    assert!(counts.run_count >= 1, "{counts:?}");
    let again = service.erase_conversation(erase).await;
    assert_eq!(again.expect("erased already").into_inner(), counts);
    coordinator.terminate().await;
    coordinator.compact().await;
    assert_eq!(count(coordinator.folder(), NEEDLE), 0, "the needle is gone");
    assert!(
        count(coordinator.folder(), KEPT) > 0,
        "others are still there"
    );

    coordinator.restart().await;
    let client = coordinator.client();
    let tombstone = client.conversation("c").await.expect("a tombstone");
    assert_eq!(tombstone.status(), v1::ConversationStatus::Erased);
    assert_eq!(tombstone.message_count, before.message_count);
    assert_eq!(tombstone.erased_run_count, counts.run_count);
    assert!(tombstone.state.is_empty() && tombstone.labels.is_empty());
    assert_eq!(calls::transcript(&client, "c").await, []);
    let mut service = coordinator.conversations();
    let message = calls::message("c", "t", "m-9", "hi");
    let answer = service.submit_message(message).await;
    refused(answer, Code::FailedPrecondition, "CONVERSATION_ERASED");
    let history = v1::GetHistoryRequest {
        workflow_id: "c/turn-1".to_owned(),
        ..Default::default()
    };
    let answer = coordinator.workflows().get_history(history).await;
    refused(answer, Code::NotFound, "RUN_NOT_FOUND");
    let approvals = v1::ListApprovalsRequest {
        root_id: "c".to_owned(),
        ..Default::default()
    };
    let listed = service.list_approvals(approvals).await.expect("listed");
    assert_eq!(listed.into_inner().approvals, []);
}

#[tokio::test]
async fn what_was_erased_before_a_crash_stays_erased() {
    let mut coordinator = Coordinator::start(&["--flush-interval", "60s"]).await;
    fill(&coordinator, "c").await;
    let erase = v1::EraseConversationRequest {
        conversation_id: "c".to_owned(),
        ..Default::default()
    };
    let mut service = coordinator.conversations();
    service.erase_conversation(erase).await.expect("erased");
    coordinator.kill().await;
    coordinator.restart().await;
    let client = coordinator.client();
    let tombstone = client.conversation("c").await.expect("a tombstone");
    assert_eq!(tombstone.status(), v1::ConversationStatus::Erased);
    coordinator.terminate().await;
    coordinator.compact().await;
    assert_eq!(count(coordinator.folder(), NEEDLE), 0, "the needle is gone");
}

#[tokio::test]
async fn a_closed_conversation_is_erased_by_itself_after_its_retention() {
    let mut coordinator = Coordinator::start(&["--flush-interval", "50ms"]).await;
    let client = coordinator.client();
    let settings = v1::ConversationType {
        conversation_type: "t".to_owned(),
        turn_policy: None,
        retention: Some(calls::millis(1_000)),
    };
    let mut service = coordinator.conversations();
    let set = v1::SetConversationTypeRequest {
        settings: Some(settings),
        ..Default::default()
    };
    service.set_conversation_type(set).await.expect("set");
    for (id, conversation_type) in [("c", "t"), ("other", "t2"), ("open", "t")] {
        let text = needle("message");
        let request = calls::message(id, conversation_type, "m-1", &text);
        client.submit_message(request).await.expect("accepted");
        if id != "open" {
            let close = v1::CloseConversationRequest {
                conversation_id: id.to_owned(),
                // Nobody is to answer it.
                unless_after: 1,
                ..Default::default()
            };
            client.close_conversation(close).await.expect("closed");
        }
    }
    // Retention goes on while nobody is there.
    coordinator.terminate().await;
    coordinator.restart().await;
    let status = async |id: &str| client.conversation(id).await.map(|it| it.status());
    eventually(SOON, "it is erased", async || {
        let erased = v1::ConversationStatus::Erased;
        (status("c").await.ok()? == erased).then_some(())
    })
    .await;
    let closed = v1::ConversationStatus::Closed;
    assert_eq!(status("other").await.expect("it exists"), closed);
    let open = v1::ConversationStatus::Open;
    assert_eq!(status("open").await.expect("it exists"), open);
}
