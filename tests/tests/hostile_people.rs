//! Bad calls about people: approvals, handovers, closed conversations. Each is
//! refused for what it is and changes nothing.

use everturn_client::{Client, v1};
use everturn_tests::coordinator::{Conversations, Coordinator};
use everturn_tests::raw_worker::{RawWorker, hello};
use everturn_tests::refusal::{fields_refused, refused};
use everturn_tests::{SOON, calls, eventually};
use sha2::{Digest as _, Sha256};
use tonic::Code;

const ARGUMENTS: &[u8] = br#"{"refund":70}"#;

/// Opens a conversation whose turn asks for these approvals: key and how long
/// they may take.
async fn ask(coordinator: &Coordinator, approvals: &[(&str, Option<u32>)]) -> RawWorker {
    let client = coordinator.client();
    let request = calls::message("c", "t", "m-1", "refund please");
    client.submit_message(request).await.expect("accepted");
    let hello = hello("raw", &[v1::TaskKind::Workflow]);
    let worker = RawWorker::connect(coordinator.workers(), hello, (4, 0)).await;
    let mut worker = worker.expect("connected");
    let task = worker.workflow().await;
    let commands = approvals.iter().map(|(key, expires)| {
        let request = v1::RequestApproval {
            title: "a refund".to_owned(),
            arguments: Some(v1::Payload {
                data: ARGUMENTS.into(),
                ..Default::default()
            }),
            expires_after: expires.map(calls::millis),
            ..Default::default()
        };
        calls::command(key, v1::command::Kind::RequestApproval(request))
    });
    assert_eq!(worker.advance(&task, commands.collect()).await, None);
    worker
}

fn decision(key: &str, request_id: &str) -> v1::DecideApprovalRequest {
    v1::DecideApprovalRequest {
        approval_id: format!("c/turn-1/{key}"),
        decision: v1::ApprovalDecision::Approve.into(),
        arguments_hash: Sha256::digest(ARGUMENTS).to_vec().into(),
        decider: "Ann".to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

async fn journal(client: &Client) -> Vec<v1::HistoryEvent> {
    calls::journal(client, "c/turn-1", "").await
}

/// Decisions that are refused, whatever becomes of the approval "refund".
async fn bad_decisions(service: &mut Conversations) {
    let precondition = Code::FailedPrecondition;
    let changed = v1::DecideApprovalRequest {
        arguments_hash: Sha256::digest(b"{}").to_vec().into(),
        ..decision("refund", "")
    };
    refused(
        service.decide_approval(changed).await,
        precondition,
        "APPROVAL_CHANGED",
    );
    let unknown = decision("nothing", "");
    refused(
        service.decide_approval(unknown).await,
        Code::NotFound,
        "APPROVAL_NOT_FOUND",
    );
    let unknown = v1::DecideApprovalRequest {
        approval_id: "nobody/turn-1/refund".to_owned(),
        ..decision("refund", "")
    };
    refused(
        service.decide_approval(unknown).await,
        Code::NotFound,
        "APPROVAL_NOT_FOUND",
    );
    let empty = v1::DecideApprovalRequest {
        changed_arguments: Some(v1::Payload::default()),
        ..Default::default()
    };
    let fields = ["approval_id", "changed_arguments", "decider", "decision"];
    fields_refused(service.decide_approval(empty).await, &fields);
    let without = v1::DecideApprovalRequest {
        decision: v1::ApprovalDecision::ApproveWithChanges.into(),
        ..decision("refund", "")
    };
    fields_refused(
        service.decide_approval(without).await,
        &["changed_arguments"],
    );
}

#[tokio::test]
async fn an_approval_is_decided_once_in_time_and_for_what_was_asked() {
    let coordinator = Coordinator::start(&[]).await;
    let _worker = ask(&coordinator, &[("late", Some(1)), ("refund", None)]).await;
    let client = coordinator.client();
    let mut service = coordinator.conversations();
    let precondition = Code::FailedPrecondition;

    let before = journal(&client).await;
    bad_decisions(&mut service).await;
    let decided = |events: &[v1::HistoryEvent]| {
        let kinds = events.iter().filter_map(|event| event.kind.as_ref());
        let ended = kinds.filter(|it| matches!(it, v1::history_event::Kind::ApprovalDecided(_)));
        ended.count()
    };
    // One may have expired meanwhile; nobody has decided.
    assert!(decided(&before) <= 1 && decided(&journal(&client).await) <= 1);

    eventually(SOON, "it expires", async || {
        (decided(&journal(&client).await) == 1).then_some(())
    })
    .await;
    let late = decision("late", "");
    refused(
        service.decide_approval(late).await,
        precondition,
        "APPROVAL_EXPIRED",
    );

    let once = decision("refund", "r-1");
    service
        .decide_approval(once.clone())
        .await
        .expect("decided");
    service
        .decide_approval(once)
        .await
        .expect("repeated, the same");
    let after = journal(&client).await;
    for request_id in ["", "r-2"] {
        let again = decision("refund", request_id);
        refused(
            service.decide_approval(again).await,
            precondition,
            "APPROVAL_DECIDED",
        );
    }
    assert_eq!(journal(&client).await, after);
    assert_eq!(decided(&after), 2);
}

fn hand_off(person: &str) -> v1::HandOffConversationRequest {
    v1::HandOffConversationRequest {
        conversation_id: "c".to_owned(),
        assignee: Some(v1::Assignee {
            kind: Some(v1::assignee::Kind::Person(person.to_owned())),
        }),
        ..Default::default()
    }
}

fn human(author: &str, request_id: &str) -> v1::SendHumanMessageRequest {
    v1::SendHumanMessageRequest {
        conversation_id: "c".to_owned(),
        author_name: author.to_owned(),
        content: Some(everturn_client::text("hello")),
        request_id: request_id.to_owned(),
        ..Default::default()
    }
}

fn back() -> v1::HandBackConversationRequest {
    v1::HandBackConversationRequest {
        conversation_id: "c".to_owned(),
        author_name: "Ann".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn only_the_owner_writes_and_only_what_is_handed_off_comes_back() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let message = v1::SubmitMessageRequest {
        turn_policy: Some(v1::TurnPolicy {
            on_human_message: v1::OnHumanMessage::Refuse.into(),
            ..Default::default()
        }),
        ..calls::message("c", "t", "m-1", "hi")
    };
    client.submit_message(message).await.expect("accepted");
    let mut service = coordinator.conversations();
    let precondition = Code::FailedPrecondition;
    refused(
        service.send_human_message(human("Ann", "")).await,
        precondition,
        "NOT_HANDED_OFF",
    );
    refused(
        service.hand_back_conversation(back()).await,
        precondition,
        "NOT_HANDED_OFF",
    );
    let nobody = v1::HandOffConversationRequest {
        assignee: None,
        ..hand_off("")
    };
    fields_refused(service.hand_off_conversation(nobody).await, &["assignee"]);
    fields_refused(
        service.hand_off_conversation(hand_off("")).await,
        &["assignee.person"],
    );
    assert_eq!(calls::transcript(&client, "c").await.len(), 1);

    service
        .hand_off_conversation(hand_off("Ann"))
        .await
        .expect("handed off");
    let before = calls::transcript(&client, "c").await;
    refused(
        service.send_human_message(human("Bob", "")).await,
        precondition,
        "WRONG_ASSIGNEE",
    );
    let empty = v1::SendHumanMessageRequest {
        content: None,
        ..human("", "")
    };
    fields_refused(
        service.send_human_message(empty).await,
        &["author_name", "content"],
    );
    assert_eq!(calls::transcript(&client, "c").await, before);
    for _ in 0..2 {
        let sent = service.send_human_message(human("Ann", "r-1")).await;
        let sequence = sent.expect("sent").into_inner().message_sequence;
        assert_eq!(
            sequence,
            before.len() as u64 + 1,
            "a repeated request is the same"
        );
    }
    service
        .hand_back_conversation(back())
        .await
        .expect("handed back");
    refused(
        service.hand_back_conversation(back()).await,
        precondition,
        "NOT_HANDED_OFF",
    );
}

async fn close(service: &mut Conversations) {
    let close = v1::CloseConversationRequest {
        conversation_id: "c".to_owned(),
        // Nobody is to answer it.
        unless_after: u64::MAX,
        ..Default::default()
    };
    service
        .close_conversation(close.clone())
        .await
        .expect("closed");
    service
        .close_conversation(close)
        .await
        .expect("closed already");
}

#[tokio::test]
async fn a_closed_conversation_is_left_as_it_is() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let message = v1::SubmitMessageRequest {
        turn_policy: Some(v1::TurnPolicy {
            on_closed: v1::OnClosed::Refuse.into(),
            ..Default::default()
        }),
        ..calls::message("c", "t", "m-1", "hi")
    };
    client
        .submit_message(message.clone())
        .await
        .expect("accepted");
    let mut service = coordinator.conversations();
    close(&mut service).await;
    let before = client.conversation("c").await.expect("it exists");
    let precondition = Code::FailedPrecondition;
    let closed = "CONVERSATION_CLOSED";
    let other = calls::message("c", "t", "m-2", "hi");
    refused(service.submit_message(other).await, precondition, closed);
    refused(
        service.hand_off_conversation(hand_off("Ann")).await,
        precondition,
        closed,
    );
    refused(
        service.send_human_message(human("Ann", "")).await,
        precondition,
        closed,
    );
    let pause = v1::PauseConversationRequest {
        conversation_id: "c".to_owned(),
        ..Default::default()
    };
    refused(
        service.pause_conversation(pause).await,
        precondition,
        closed,
    );
    let update = v1::UpdateConversationRequest {
        conversation_id: "c".to_owned(),
        labels: [("a".to_owned(), "b".to_owned())].into(),
        ..Default::default()
    };
    refused(
        service.update_conversation(update).await,
        precondition,
        closed,
    );
    let event = v1::SubmitEventRequest {
        conversation_id: "c".to_owned(),
        event_type: "e".to_owned(),
        ..Default::default()
    };
    refused(service.submit_event(event).await, precondition, closed);
    assert_eq!(client.conversation("c").await.expect("it exists"), before);
    let first = service.submit_message(message).await;
    let first = first
        .expect("a duplicate gets the first answer")
        .into_inner();
    assert_eq!(first.message_sequence, 1);
}
