//! DecideApproval: a person decides.

use everturn_engine::decide::DecideApproval;
use everturn_engine::event::ApprovalOutcome;
use everturn_engine::limits;
use everturn_engine::policy::Budget;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::DecideApprovalRequest,
) -> Result<Response<pb::DecideApprovalResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    // Longer than other names: it holds a workflow id and a key.
    let approval_id = Path::field("approval_id");
    if request.approval_id.is_empty() {
        checker.violation(approval_id, "is required");
    }
    checker.text(approval_id, &request.approval_id, 4 * limits::ID_BYTES);
    checker.name(Path::field("decider"), &request.decider);
    checker.text(
        Path::field("comment"),
        &request.comment,
        limits::REASON_BYTES,
    );
    let outcome = match pb::ApprovalDecision::try_from(request.decision) {
        Ok(pb::ApprovalDecision::Approve) => ApprovalOutcome::Approved,
        Ok(pb::ApprovalDecision::ApproveWithChanges) => ApprovalOutcome::ApprovedWithChanges,
        Ok(pb::ApprovalDecision::Reject) => ApprovalOutcome::Rejected,
        Ok(pb::ApprovalDecision::Unspecified) | Err(_) => {
            checker.violation(Path::field("decision"), "is not a decision");
            ApprovalOutcome::Rejected
        }
    };
    let changed = Path::field("changed_arguments");
    let changes = outcome == ApprovalOutcome::ApprovedWithChanges;
    if changes != request.changed_arguments.is_some() {
        checker.violation(changed, "goes with APPROVE_WITH_CHANGES, and only with it");
    }
    let parts = [
        request.approval_id.as_bytes(),
        &request.decision.to_be_bytes(),
        &request.arguments_hash,
        &incoming::bytes(request.changed_arguments.as_ref()),
        request.decider.as_bytes(),
    ];
    let id = incoming::request(&mut checker, "DecideApproval", &request.request_id, &parts);
    let changed_budget = request.changed_arguments.as_ref().and_then(budget);
    let decision = DecideApproval {
        approval_id: request.approval_id.into(),
        outcome,
        arguments_hash: request.arguments_hash.to_vec(),
        changed_arguments: incoming::optional_payload(
            &mut checker,
            changed,
            request.changed_arguments,
        ),
        changed_budget,
        decider: request.decider.into(),
        comment: request.comment.into(),
        request: id,
    };
    checker.finish()?;
    let decided = handle.decide_approval(namespace, decision).await;
    decided.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::DecideApprovalResponse {}))
}

/// The arguments of a budget's approval, as people change them.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct BudgetArguments {
    #[serde(default)]
    tokens: u64,
    #[serde(default)]
    cost_micros: u64,
    #[serde(default)]
    currency: String,
}

fn budget(arguments: &pb::Payload) -> Option<Budget> {
    let read: BudgetArguments = serde_json::from_slice(&arguments.data).ok()?;
    Some(Budget {
        tokens: read.tokens,
        cost_micros: read.cost_micros,
        currency: read.currency.into(),
    })
}
