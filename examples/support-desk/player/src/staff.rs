//! The people and the software of the shop: they take over, approve, and
//! report what happened.

use std::fmt::Display;
use std::time::{Duration, Instant};

use everturn_client::{text, v1};

use crate::script::Customer;
use crate::stage::Stage;

/// Who takes over and approves.
const PERSON: &str = "Kim";
const TIMEOUT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Waits until a turn is at work.
pub async fn await_turn(stage: &Stage, id: &str) -> Result<(), String> {
    until(stage, id, "no turn began", |conversation| {
        let turn = conversation.turn.as_ref();
        turn.is_some_and(|turn| turn.status() == v1::TurnStatus::Running)
    })
    .await
}

/// Reports an event, until it is acknowledged.
pub async fn report(
    stage: &Stage,
    customer: &Customer,
    kind: &str,
    payload: &str,
) -> Result<(), String> {
    let channel = customer.channel;
    let request = v1::SubmitEventRequest {
        conversation_id: customer.conversation_id(),
        conversation_type: "support".into(),
        event_type: kind.into(),
        event_id: format!("{kind}-{}", customer.name.to_lowercase()),
        payload: Some(v1::Payload {
            data: payload.as_bytes().to_vec().into(),
            ..Default::default()
        }),
        addresses: [(channel.to_owned(), customer.address(channel))].into(),
        reply_channel: channel.into(),
        ..Default::default()
    };
    stage.announce(&format!("{}: event {kind} {payload}", customer.name));
    again(|| stage.client().submit_event(request.clone())).await
}

/// Writes as a person once the conversation is handed over.
pub async fn write(stage: &Stage, id: &str, words: &str) -> Result<(), String> {
    until(stage, id, "nothing was handed over", |conversation| {
        conversation.handover.is_some()
    })
    .await?;
    let request = v1::SendHumanMessageRequest {
        conversation_id: id.into(),
        author_name: PERSON.into(),
        content: Some(text(words)),
        request_id: format!("{id}-hello"),
        ..Default::default()
    };
    again(|| stage.client().send_human_message(request.clone())).await
}

/// Hands the conversation back to the agents.
pub async fn hand_back(stage: &Stage, id: &str) -> Result<(), String> {
    let request = v1::HandBackConversationRequest {
        conversation_id: id.into(),
        author_name: PERSON.into(),
        ..Default::default()
    };
    let begin = Instant::now();
    loop {
        match stage.client().hand_back(request.clone()).await {
            Ok(_) => return Ok(()),
            // An answer that was lost on its way.
            Err(error) if error.reason() == Some("NOT_HANDED_OFF") => return Ok(()),
            Err(error) => wait(begin, &error).await?,
        }
    }
}

/// Approves what the refund of this conversation waits for.
pub async fn approve(stage: &Stage, id: &str) -> Result<(), String> {
    let begin = Instant::now();
    let approval = loop {
        match find(stage, id).await {
            Ok(Some(approval)) => break approval,
            Ok(None) => wait(begin, &"nobody asked for an approval").await?,
            Err(error) => wait(begin, &error).await?,
        }
    };
    stage.announce(&format!("{PERSON} approves: {}", approval.title));
    let request = v1::DecideApprovalRequest {
        approval_id: approval.approval_id,
        decision: v1::ApprovalDecision::Approve.into(),
        arguments_hash: approval.arguments_hash,
        decider: PERSON.into(),
        request_id: format!("{id}-approve"),
        ..Default::default()
    };
    again(|| stage.client().decide_approval(request.clone())).await
}

/// The approval whose details name the conversation.
async fn find(stage: &Stage, id: &str) -> Result<Option<v1::Approval>, everturn_client::Error> {
    let request = v1::ListApprovalsRequest {
        status: v1::ApprovalStatus::Pending.into(),
        ..Default::default()
    };
    let page = stage.client().list_approvals(request).await?;
    let quoted = format!("\"{id}\"");
    Ok(page.approvals.into_iter().find(|approval| {
        let details = approval.details.as_ref();
        details.is_some_and(|details| String::from_utf8_lossy(&details.data).contains(&quoted))
    }))
}

async fn until(
    stage: &Stage,
    id: &str,
    otherwise: &str,
    condition: impl Fn(&v1::Conversation) -> bool,
) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        match stage.client().conversation(id).await {
            Ok(conversation) if condition(&conversation) => return Ok(()),
            Ok(_) => wait(begin, &otherwise).await?,
            Err(error) => wait(begin, &error).await?,
        }
    }
}

/// Repeats a call until it succeeds: the coordinator may be down.
async fn again<T, F>(call: impl Fn() -> F) -> Result<(), String>
where
    F: Future<Output = Result<T, everturn_client::Error>>,
{
    let begin = Instant::now();
    loop {
        match call().await {
            Ok(_) => return Ok(()),
            Err(error) => wait(begin, &error).await?,
        }
    }
}

async fn wait(begin: Instant, problem: &impl Display) -> Result<(), String> {
    if begin.elapsed() > TIMEOUT {
        return Err(problem.to_string());
    }
    tokio::time::sleep(LOOK_EVERY).await;
    Ok(())
}
