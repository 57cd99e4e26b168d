//! RequestApproval: ask a person.

use crate::command::body::{At, Body, bound};
use crate::event::{ApprovalRequest, RunEvent, Slot};
use crate::limits;
use crate::rejection::Refusal;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;
use crate::value::{Payload, Span};

/// Ask a person for approval.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestApproval {
    /// What is asked, in one line.
    pub title: Text,
    /// What they need to decide.
    pub details: Option<Payload>,
    /// The arguments of what will be done.
    pub arguments: Payload,
    /// How long it may take to decide.
    pub expires_after: Option<Span>,
}

impl Body for RequestApproval {
    const CODE: u8 = 10;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        // A key may hold the "/" that separates the ids of children.
        let id = at.run.workflow_id.child(at.key.as_str()).shared().into();
        let known = at.root.approvals.get(&id);
        if known.is_some_and(|known| known.slot != at.run.slot && known.ended.is_none()) {
            let reason = "makes the id of an approval that another run waits for";
            return Err(Refusal::invalid("key", reason));
        }
        let waiting = at.root.approvals.values();
        let waiting = waiting.filter(|a| a.slot == at.run.slot && a.ended.is_none());
        let subject = "pending approvals of a run";
        bound(waiting.count(), limits::PENDING_APPROVALS, subject)
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let Some(run) = tx.root.runs.get(&slot) else {
            return;
        };
        let event = RunEvent::ApprovalRequested {
            approval_id: run.workflow_id.child(key.as_str()).shared().into(),
            key,
            request: Box::new(ApprovalRequest {
                title: self.title,
                details: self.details,
                arguments: self.arguments,
                expire_at: self.expires_after.map(|span| tx.context.now + span),
            }),
        };
        tx.emit_run(slot, event);
    }
}
