//! The people and the software of the shop: they take over, approve, raise
//! budgets, end quiet hours, and report what happened.

use std::fmt::Display;
use std::time::{Duration, Instant};

use everturn_client::{text, v1};

use crate::policies;
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
        turn_policy: Some(customer.opening.clone()),
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

/// Approves what the refund of this conversation waits for: the workflow is
/// another one, its details name the conversation.
pub async fn approve(stage: &Stage, id: &str) -> Result<(), String> {
    let quoted = format!("\"{id}\"");
    let approval = pending(stage, "", |approval| {
        let details = approval.details.as_ref();
        details.is_some_and(|details| String::from_utf8_lossy(&details.data).contains(&quoted))
    })
    .await?;
    stage.announce(&format!("{PERSON} approves: {}", approval.title));
    decide(stage, approval, None).await
}

/// Raises the budget that a conversation has used up, to so many millionths
/// of a pound. The conversation itself asks for that, not a run of it.
pub async fn raise_budget(stage: &Stage, id: &str, to: u64) -> Result<(), String> {
    let approval = pending(stage, id, |approval| approval.workflow_id == id).await?;
    let pounds = to as f64 / 1e6;
    stage.announce(&format!(
        "{PERSON} raises the budget of {id} to £{pounds:.2}"
    ));
    let arguments = format!(r#"{{"costMicros":{to},"currency":"GBP"}}"#);
    let changed = v1::Payload {
        data: arguments.into_bytes().into(),
        ..Default::default()
    };
    decide(stage, approval, Some(changed)).await
}

/// All approvals that a conversation asked for itself, decided or not.
pub async fn approvals(
    stage: &Stage,
    id: &str,
) -> Result<Vec<v1::Approval>, everturn_client::Error> {
    let request = v1::ListApprovalsRequest {
        root_id: id.into(),
        ..Default::default()
    };
    Ok(stage.client().list_approvals(request).await?.approvals)
}

/// What agents want to write first waits because of quiet hours, for so long
/// and longer.
pub async fn watch_wait(stage: &Stage, id: &str, time: Duration) -> Result<(), String> {
    let begin = Instant::now();
    loop {
        match stage.client().conversation(id).await {
            Ok(it) if it.turn_count > 0 || it.waiting_event_count != 1 => {
                return Err("what was reported did not wait for the end of quiet hours".to_owned());
            }
            Ok(_) if begin.elapsed() >= time => return Ok(()),
            Ok(_) => wait(begin, &"quiet hours do not end").await?,
            Err(error) => wait(begin, &error).await?,
        }
    }
}

/// It is morning for a customer: their quiet hours are over.
pub async fn end_quiet_hours(stage: &Stage, customer: &Customer) -> Result<(), String> {
    stage.announce(&format!("{}: quiet hours are over", customer.name));
    let request = v1::UpdateConversationRequest {
        conversation_id: customer.conversation_id(),
        turn_policy: Some(policies::with_quiet_hours(policies::quiet_later())),
        ..Default::default()
    };
    again(|| stage.client().update_conversation(request.clone())).await
}

/// Waits for an approval, of a conversation or (empty) of any.
async fn pending(
    stage: &Stage,
    root: &str,
    condition: impl Fn(&v1::Approval) -> bool,
) -> Result<v1::Approval, String> {
    let request = v1::ListApprovalsRequest {
        root_id: root.into(),
        status: v1::ApprovalStatus::Pending.into(),
        ..Default::default()
    };
    let begin = Instant::now();
    loop {
        match stage.client().list_approvals(request.clone()).await {
            Ok(page) => match page.approvals.into_iter().find(&condition) {
                Some(approval) => return Ok(approval),
                None => wait(begin, &"nobody asked for an approval").await?,
            },
            Err(error) => wait(begin, &error).await?,
        }
    }
}

/// Approves, with other arguments if there are any.
async fn decide(
    stage: &Stage,
    approval: v1::Approval,
    changed: Option<v1::Payload>,
) -> Result<(), String> {
    let decision = if changed.is_some() {
        v1::ApprovalDecision::ApproveWithChanges
    } else {
        v1::ApprovalDecision::Approve
    };
    let request = v1::DecideApprovalRequest {
        request_id: format!("{}-decided", approval.approval_id),
        approval_id: approval.approval_id,
        decision: decision.into(),
        arguments_hash: approval.arguments_hash,
        changed_arguments: changed,
        decider: PERSON.into(),
        ..Default::default()
    };
    again(|| stage.client().decide_approval(request.clone())).await
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
