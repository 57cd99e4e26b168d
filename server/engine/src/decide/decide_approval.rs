//! DecideApproval, and what else ends an approval; the budget, which asks for
//! one of its own.

use crate::event::{ApprovalOutcome, Decided, Event, RunEvent, Slot};
use crate::policy::Budget;
use crate::rejection::Rejection;
use crate::state::approval::Approval;
use crate::state::request::Request;
use crate::text::{StepKey, Text, WorkflowId};
use crate::transition::Transaction;
use crate::value::{Blob, Payload};

/// Attempts that are offered when one has ended that had reserved a part of
/// the budget: each end offers more, and most of them would have to wait.
const OFFERED_AT_ONCE: usize = 16;

/// A decision, validated.
#[derive(Clone, Debug)]
pub struct DecideApproval {
    /// Which approval.
    pub approval_id: Text,
    /// `Approved`, `ApprovedWithChanges` or `Rejected`.
    pub outcome: ApprovalOutcome,
    /// SHA-256 of the arguments that the person has seen.
    pub arguments_hash: Vec<u8>,
    /// With `ApprovedWithChanges`: the other arguments.
    pub changed_arguments: Option<Payload>,
    /// With `ApprovedWithChanges` of a budget: the other arguments, read.
    pub changed_budget: Option<Budget>,
    /// Who decides.
    pub decider: Text,
    /// What they say about it.
    pub comment: Text,
    /// The id of the request.
    pub request: Request,
}

/// Decides an approval, once.
///
/// # Errors
/// `ApprovalNotFound`, `ApprovalDecided`, `ApprovalExpired`,
/// `ApprovalChanged`, `RequestIdReused`.
pub fn decide_approval(tx: &mut Transaction<'_>, request: DecideApproval) -> Result<(), Rejection> {
    if tx.root.knows_request(request.request)? {
        return Ok(());
    }
    let approval = tx
        .root
        .approvals
        .get(&request.approval_id)
        .ok_or(Rejection::ApprovalNotFound)?;
    if let Some(ended) = &approval.ended {
        return Err(match ended.decided.outcome {
            ApprovalOutcome::Expired => Rejection::ApprovalExpired,
            _ => Rejection::ApprovalDecided,
        });
    }
    let expires = approval.request.expire_at;
    if expires.is_some_and(|at| at <= tx.context.now) {
        return Err(Rejection::ApprovalExpired);
    }
    if approval.arguments_hash()[..] != request.arguments_hash[..] {
        return Err(Rejection::ApprovalChanged);
    }
    let asked = approval.request.arguments.clone();
    let (slot, key) = (approval.slot, approval.key.clone());
    let arguments = match request.outcome {
        ApprovalOutcome::Approved => Some(asked),
        ApprovalOutcome::ApprovedWithChanges => request.changed_arguments,
        _ => None,
    };
    let decided = Box::new(Decided {
        outcome: request.outcome,
        decider: request.decider,
        comment: request.comment,
        arguments,
    });
    tx.remember(request.request);
    if slot == 0 {
        decide_budget(tx, request.approval_id, decided, request.changed_budget);
    } else {
        tx.emit_run(slot, RunEvent::ApprovalDecided { key, decided });
    }
    Ok(())
}

/// Nobody decided in time.
pub(crate) fn expire_approval(tx: &mut Transaction<'_>, slot: Slot, event: u64) {
    end_unanswered(tx, ApprovalOutcome::Expired, |approval| {
        approval.slot == slot && approval.event == event
    });
}

/// The code of a run takes a request back.
pub(crate) fn withdraw_approval(tx: &mut Transaction<'_>, slot: Slot, key: &StepKey) {
    end_unanswered(tx, ApprovalOutcome::Withdrawn, |approval| {
        approval.slot == slot && approval.key == *key
    });
}

fn end_unanswered(
    tx: &mut Transaction<'_>,
    outcome: ApprovalOutcome,
    is_meant: impl Fn(&Approval) -> bool,
) {
    let mut open = tx.root.approvals.values().filter(|a| a.ended.is_none());
    let Some(approval) = open.find(|approval| is_meant(approval)) else {
        return;
    };
    let (slot, key) = (approval.slot, approval.key.clone());
    let decided = unanswered(outcome);
    tx.emit_run(slot, RunEvent::ApprovalDecided { key, decided });
}

/// Asks for a higher budget once what was used reaches it. One that was
/// rejected is not asked for again.
pub(crate) fn check_budget(tx: &mut Transaction<'_>) {
    let conversation = tx.root.conversation.as_ref();
    let Some(conversation) = conversation.filter(|it| it.policy.budget.is_some()) else {
        return;
    };
    if !conversation.budget_reached {
        ask_for_budget(tx);
    }
    // What an attempt had reserved is free again.
    tx.offer_some_held(OFFERED_AT_ONCE);
}

/// The budget was set to another one: what was asked for the old one is
/// withdrawn.
pub(crate) fn budget_changed(tx: &mut Transaction<'_>) {
    withdraw_budget(tx);
    ask_for_budget(tx);
}

/// Nobody needs to decide on the budget any more.
pub(crate) fn withdraw_budget(tx: &mut Transaction<'_>) {
    let mut open = tx.root.approvals.values().filter(|a| a.ended.is_none());
    if let Some(approval) = open.find(|approval| approval.slot == 0) {
        tx.emit(Event::BudgetDecided {
            approval_id: approval.id.clone(),
            decided: unanswered(ApprovalOutcome::Withdrawn),
            budget: None,
        });
    }
}

/// Asks for a higher budget if what was used reaches it.
pub(crate) fn ask_for_budget(tx: &mut Transaction<'_>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let Some(budget) = &conversation.policy.budget else {
        return;
    };
    if !conversation.is_open() || !budget.is_reached(&conversation.usage) {
        return;
    }
    let step = conversation.budget_step.as_ref().unwrap_or(budget);
    let arguments = budget_arguments(&budget.raised_by(step));
    let id = &tx.root.key.id;
    let number = conversation.budget_asks + 1;
    tx.emit(Event::BudgetReached {
        approval_id: format!("{id}/budget-{number}").into(),
        arguments,
    });
}

fn decide_budget(
    tx: &mut Transaction<'_>,
    approval_id: Text,
    decided: Box<Decided>,
    changed: Option<Budget>,
) {
    let conversation = tx.root.conversation.as_ref();
    let current = conversation.and_then(|c| c.policy.budget.clone());
    let step = conversation.and_then(|c| c.budget_step.clone());
    let budget = match decided.outcome {
        ApprovalOutcome::Approved => {
            current.map(|budget| budget.raised_by(step.as_ref().unwrap_or(&budget)))
        }
        ApprovalOutcome::ApprovedWithChanges => changed,
        _ => None,
    };
    let rejected = decided.outcome == ApprovalOutcome::Rejected;
    tx.emit(Event::BudgetDecided {
        approval_id,
        decided,
        budget,
    });
    tx.offer_held_activities();
    if !rejected {
        // What was used may reach the new bound as well, or the changes were
        // no budget: then it asks again.
        ask_for_budget(tx);
    }
}

/// The end of an approval that nobody has decided.
fn unanswered(outcome: ApprovalOutcome) -> Box<Decided> {
    Box::new(Decided {
        outcome,
        decider: Text::default(),
        comment: Text::default(),
        arguments: None,
    })
}

/// What a budget asks for, as people and programs read it.
fn budget_arguments(budget: &Budget) -> Payload {
    let text = format!(
        "{{\"tokens\":{},\"costMicros\":{},\"currency\":\"{}\"}}",
        budget.tokens, budget.cost_micros, budget.currency
    );
    Payload {
        data: Blob(text.into_bytes().into()),
        content_type: Text::default(),
    }
}

/// The root that an approval belongs to: everything before the first "/".
#[must_use]
pub fn approval_root(approval_id: &Text) -> WorkflowId {
    approval_id.shared().into()
}
