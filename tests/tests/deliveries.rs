//! The outbox, seen by a hand-made channel adapter: states, retries, receipts,
//! and what becomes of a message whose adapter is lost.

#![expect(
    clippy::result_large_err,
    reason = "an attempt ends with the API's own failures"
)]

use everturn_client::{Client, v1};
use everturn_tests::coordinator::{Conversations, Coordinator};
use everturn_tests::raw_worker::{RawWorker, hello, queue};
use everturn_tests::{SOON, calls, eventually};
use v1::DeliveryStatus as Status;
use v1::report_delivery_request::Target;

/// Shortens what a lost adapter is waited for.
const OPTIONS: [&str; 2] = ["--orphan-grace", "300ms"];

/// Opens a conversation that a person owns, with an address on "sms".
async fn open(coordinator: &Coordinator) {
    let client = coordinator.client();
    let request = v1::SubmitMessageRequest {
        channel: "sms".to_owned(),
        customer_address: "+49 1".to_owned(),
        ..calls::message("c", "t", "m-1", "hi")
    };
    client.submit_message(request).await.expect("accepted");
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
}

/// Sends a message to the customer; its position.
async fn send(coordinator: &Coordinator, text: &str) -> u64 {
    let request = v1::SendHumanMessageRequest {
        conversation_id: "c".to_owned(),
        author_name: "Ann".to_owned(),
        content: Some(everturn_client::text(text)),
        ..Default::default()
    };
    let answer = coordinator
        .conversations()
        .send_human_message(request)
        .await;
    answer.expect("sent").into_inner().message_sequence
}

async fn adapter(coordinator: &Coordinator, can_reconcile: bool) -> RawWorker {
    let mut subscription = queue("deliver.sms", v1::TaskKind::Activity);
    subscription.can_reconcile = can_reconcile;
    let mut greeting = hello("adapter", &[]);
    greeting.queues.push(subscription);
    let worker = RawWorker::connect(coordinator.workers(), greeting, (0, 8)).await;
    worker.expect("connected")
}

async fn delivery(client: &Client, sequence: u64) -> v1::DeliveryState {
    let transcript = calls::transcript(client, "c").await;
    let message = transcript.into_iter().find(|it| it.sequence == sequence);
    message.and_then(|it| it.delivery).expect("a delivery")
}

async fn becomes(client: &Client, sequence: u64, status: Status) -> v1::DeliveryState {
    eventually(
        SOON,
        &format!("message {sequence} becomes {status:?}"),
        async || {
            let delivery = delivery(client, sequence).await;
            (delivery.status() == status).then_some(delivery)
        },
    )
    .await
}

fn taken(provider_message_id: &str) -> Result<v1::Payload, v1::Failure> {
    let receipt = serde_json::json!({ "providerMessageId": provider_message_id });
    Ok(everturn_client::json(&receipt).expect("JSON"))
}

async fn receipt(service: &mut Conversations, target: Target, status: Status) -> Status {
    let request = v1::ReportDeliveryRequest {
        conversation_id: "c".to_owned(),
        target: Some(target),
        status: status.into(),
        ..Default::default()
    };
    let answer = service.report_delivery(request).await;
    answer.expect("taken").into_inner().status()
}

#[tokio::test]
async fn a_message_goes_through_its_states_with_one_idempotency_key() {
    let coordinator = Coordinator::start(&OPTIONS).await;
    let client = coordinator.client();
    open(&coordinator).await;
    let sequence = send(&coordinator, "your parcel is late").await;
    assert_eq!(delivery(&client, sequence).await.status(), Status::Pending);
    let mut adapter = adapter(&coordinator, false).await;
    let first = adapter.activity().await;
    let task = first.delivery.clone().expect("a delivery");
    assert_eq!(
        (first.activity_type.as_str(), first.attempt),
        ("deliver", 1)
    );
    assert_eq!((task.address.as_str(), task.reconcile), ("+49 1", false));
    let message = task.message.clone().expect("the message");
    assert_eq!(
        message.content.unwrap_or_default().text,
        "your parcel is late"
    );
    becomes(&client, sequence, Status::Sending).await;

    let failure = everturn_client::failure("Overloaded", "later please");
    assert_eq!(adapter.report(first.task_token, Err(failure)).await, None);
    let second = adapter.activity().await;
    let again = second.delivery.clone().expect("a delivery");
    assert_eq!(
        (second.attempt, again.idempotency_key),
        (2, task.idempotency_key)
    );
    assert_eq!(
        adapter
            .report(second.task_token.clone(), taken("p-1"))
            .await,
        None
    );
    let state = becomes(&client, sequence, Status::Accepted).await;
    assert_eq!(
        (state.provider_message_id.as_str(), state.attempt),
        ("p-1", 2)
    );
    let twice = adapter.report(second.task_token, taken("p-1")).await;
    assert_eq!(twice.as_deref(), Some("FENCED"), "an attempt ends once");
}

#[tokio::test]
async fn receipts_move_a_delivery_forward_in_whatever_order_they_come() {
    let coordinator = Coordinator::start(&OPTIONS).await;
    let client = coordinator.client();
    let mut service = coordinator.conversations();
    open(&coordinator).await;
    let mut adapter = adapter(&coordinator, false).await;
    let sequence = send(&coordinator, "one").await;
    let task = adapter.activity().await;
    assert_eq!(adapter.report(task.task_token, taken("p-1")).await, None);
    let by_id = || Target::ProviderMessageId("p-1".to_owned());
    let by_position = || Target::MessageSequence(sequence);
    assert_eq!(
        receipt(&mut service, by_id(), Status::Read).await,
        Status::Read
    );
    let late = receipt(&mut service, by_id(), Status::Delivered).await;
    assert_eq!(late, Status::Read, "a late receipt does not go back");
    let late = receipt(&mut service, by_position(), Status::Accepted).await;
    assert_eq!(late, Status::Read);
    assert_eq!(delivery(&client, sequence).await.status(), Status::Read);

    let sequence = send(&coordinator, "two").await;
    let task = adapter.activity().await;
    let mut failure = everturn_client::failure("NoSuchNumber", "nobody there");
    failure.non_retryable = true;
    assert_eq!(adapter.report(task.task_token, Err(failure)).await, None);
    let state = becomes(&client, sequence, Status::Failed).await;
    assert!(state.detail.contains("nobody there"), "{state:?}");
}

#[tokio::test]
async fn a_message_whose_adapter_was_lost_is_unknown_and_never_sent_again() {
    let mut coordinator = Coordinator::start(&OPTIONS).await;
    let client = coordinator.client();
    open(&coordinator).await;
    let mut lost = adapter(&coordinator, false).await;
    let sequence = send(&coordinator, "one").await;
    let task = lost.activity().await;
    becomes(&client, sequence, Status::Sending).await;
    drop(lost);
    let mut next = adapter(&coordinator, true).await;
    let state = becomes(&client, sequence, Status::Unknown).await;
    assert!(!state.detail.is_empty());
    let late = next.report(task.task_token, taken("p-1")).await;
    assert_eq!(late.as_deref(), Some("FENCED"), "its attempt is over");

    // Another message passes it, also after a crash; it does not come again.
    coordinator.kill().await;
    coordinator.restart().await;
    let mut next = adapter(&coordinator, true).await;
    let other = send(&coordinator, "two").await;
    let task = next.activity().await;
    let message = task.delivery.and_then(|it| it.message).expect("a message");
    assert_eq!(message.sequence, other, "the unknown one is not sent again");
    let said = next.report(task.task_token, taken("p-2")).await;
    assert_eq!(said, None);
    becomes(&client, other, Status::Accepted).await;
    assert_eq!(delivery(&client, sequence).await.status(), Status::Unknown);

    // The provider knows better.
    let mut service = coordinator.conversations();
    let target = Target::MessageSequence(sequence);
    let status = receipt(&mut service, target, Status::Delivered).await;
    assert_eq!(status, Status::Delivered);
}

#[tokio::test]
async fn an_adapter_that_can_find_out_gets_a_lost_message_back() {
    let coordinator = Coordinator::start(&OPTIONS).await;
    let client = coordinator.client();
    open(&coordinator).await;
    let mut lost = adapter(&coordinator, true).await;
    let sequence = send(&coordinator, "one").await;
    let first = lost.activity().await;
    let key = first.delivery.expect("a delivery").idempotency_key;
    becomes(&client, sequence, Status::Sending).await;
    drop(lost);
    let mut next = adapter(&coordinator, true).await;
    let second = next.activity().await;
    let task = second.delivery.expect("a delivery");
    assert!(task.reconcile, "it is to ask the provider first");
    assert_eq!(task.idempotency_key, key);
    assert_eq!(next.report(second.task_token, taken("p-1")).await, None);
    becomes(&client, sequence, Status::Accepted).await;
}

#[tokio::test]
async fn a_message_that_was_being_sent_in_a_crash_is_kept_for_its_adapter() {
    let mut coordinator = Coordinator::start(&["--orphan-grace", "60s"]).await;
    let client = coordinator.client();
    open(&coordinator).await;
    let mut before = adapter(&coordinator, false).await;
    let sequence = send(&coordinator, "one").await;
    let task = before.activity().await;
    coordinator.kill().await;
    coordinator.restart().await;
    let mut greeting = hello("adapter", &[]);
    greeting
        .queues
        .push(queue("deliver.sms", v1::TaskKind::Activity));
    greeting.running_task_tokens = vec![task.task_token.clone()];
    let worker = RawWorker::connect(coordinator.workers(), greeting, (0, 1)).await;
    let mut worker = worker.expect("connected");
    assert_eq!(worker.welcome.aborted_task_indexes, [0_u32; 0]);
    assert_eq!(worker.report(task.task_token, taken("p-1")).await, None);
    let state = becomes(&client, sequence, Status::Accepted).await;
    assert_eq!(state.attempt, 1);
}
