//! Approvals.

use everturn_engine::state::approval::Approval;
use everturn_engine::value::Time;
use everturn_engine::waiting;
use everturn_proto::v1 as pb;

use crate::outgoing::{approval_outcome, payload, timestamp, wait};

/// Something that a person is asked to approve.
pub(crate) fn approval(value: &Approval, now: Time) -> pb::Approval {
    let request = &value.request;
    let ended = value.ended.as_ref();
    let decided = ended.map(|ended| &ended.decided);
    let status = match ended {
        None => pb::ApprovalStatus::Pending,
        Some(_) => pb::ApprovalStatus::Ended,
    };
    let outcome = decided.map_or(pb::ApprovalOutcome::Unspecified, |decided| {
        approval_outcome(decided.outcome)
    });
    pb::Approval {
        approval_id: value.id.to_string(),
        workflow_id: value.workflow_id.to_string(),
        root_id: value.workflow_id.root_id().to_string(),
        status: status.into(),
        title: request.title.to_string(),
        details: request.details.as_ref().map(payload),
        arguments: Some(payload(&request.arguments)),
        arguments_hash: value.arguments_hash().to_vec().into(),
        request_time: Some(timestamp(value.requested)),
        expire_time: request.expire_at.map(timestamp),
        outcome: outcome.into(),
        decider: decided.map_or_else(String::new, |d| d.decider.to_string()),
        comment: decided.map_or_else(String::new, |d| d.comment.to_string()),
        end_time: ended.map(|ended| timestamp(ended.at)),
        wait: waiting::approval(value).map(|it| wait(&it, now)),
    }
}
