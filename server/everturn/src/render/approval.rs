//! Approvals.

use std::io;

use everturn_client::v1;
use serde_json::{Value, json};

use super::Output;
use super::value::{clock, hex, payload, time, variant};

/// How an approval ended, or that it is pending.
fn stands(it: &v1::Approval) -> String {
    match it.outcome() {
        v1::ApprovalOutcome::Unspecified => variant(it.status().as_str_name(), "APPROVAL_STATUS"),
        outcome => outcome_name(outcome),
    }
}

/// The outcome of an approval, null while there is none.
fn outcome_json(outcome: v1::ApprovalOutcome) -> Value {
    match outcome {
        v1::ApprovalOutcome::Unspecified => Value::Null,
        outcome => Value::from(outcome_name(outcome)),
    }
}

/// The outcome of an approval.
pub(super) fn outcome_name(outcome: v1::ApprovalOutcome) -> String {
    variant(outcome.as_str_name(), "APPROVAL_OUTCOME")
}

fn approval_json(it: &v1::Approval) -> Value {
    json!({
        "approval_id": it.approval_id,
        "workflow_id": it.workflow_id,
        "root_id": it.root_id,
        "status": variant(it.status().as_str_name(), "APPROVAL_STATUS"),
        "title": it.title,
        "details": payload(it.details.as_ref()),
        "arguments": payload(it.arguments.as_ref()),
        "arguments_hash": hex(&it.arguments_hash),
        "request_time": time(it.request_time.as_ref()),
        "expire_time": time(it.expire_time.as_ref()),
        "outcome": outcome_json(it.outcome()),
        "decider": it.decider,
        "comment": it.comment,
        "end_time": time(it.end_time.as_ref()),
    })
}

fn approval_text(it: &v1::Approval) -> String {
    let mut lines = vec![
        format!("approval   {}", it.approval_id),
        format!("asks for   {}", it.title),
        format!("status     {}", stands(it)),
    ];
    if it.details.is_some() {
        lines.push(format!("details    {}", payload(it.details.as_ref())));
    }
    lines.extend([
        format!("arguments  {}", payload(it.arguments.as_ref())),
        format!("hash       {}", hex(&it.arguments_hash)),
        format!("asked by   {}", it.workflow_id),
        format!("asked      {}", clock(it.request_time.as_ref())),
    ]);
    if it.expire_time.is_some() {
        lines.push(format!("expires    {}", clock(it.expire_time.as_ref())));
    }
    if it.end_time.is_some() {
        lines.push(format!("ended      {}", clock(it.end_time.as_ref())));
    }
    if !it.decider.is_empty() {
        lines.push(format!("decided by {}", it.decider));
    }
    if !it.comment.is_empty() {
        lines.push(format!("comment    {}", it.comment));
    }
    lines.join("\n")
}

/// Prints an approval as one line of a list.
pub(crate) fn approval_line(output: Output, it: &v1::Approval) -> io::Result<()> {
    output.record(
        || approval_json(it),
        || {
            format!(
                "{:<40} {:<9} {}  {}",
                it.approval_id,
                stands(it),
                clock(it.request_time.as_ref()),
                it.title,
            )
        },
    )
}

/// Prints an approval.
pub(crate) fn approval(output: Output, it: &v1::Approval) -> io::Result<()> {
    output.record(
        || json!({ "approval": approval_json(it) }),
        || approval_text(it),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_shows_what_is_approved_and_its_hash() {
        let approval = v1::Approval {
            approval_id: "c-1/turn-2/refund".to_owned(),
            workflow_id: "c-1/turn-2".to_owned(),
            status: v1::ApprovalStatus::Pending.into(),
            title: "Refund 900 EUR".to_owned(),
            arguments: Some(everturn_client::json(&json!({ "amount": 900 })).expect("JSON")),
            arguments_hash: vec![0xab, 0x01].into(),
            ..Default::default()
        };
        assert_eq!(
            approval_text(&approval),
            "approval   c-1/turn-2/refund\nasks for   Refund 900 EUR\nstatus     pending\n\
             arguments  {\"amount\":900}\nhash       ab01\nasked by   c-1/turn-2\nasked      -"
        );
        assert_eq!(approval_json(&approval)["outcome"], Value::Null);
    }
}
