//! SendSignal: send a signal to another workflow.

use crate::command::body::{At, Body, bound};
use crate::event::{RunEvent, Slot};
use crate::limits;
use crate::rejection::Refusal;
use crate::text::{StepKey, Text, WorkflowId};
use crate::transition::Transaction;
use crate::value::Payload;

/// Send a signal to another workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct SendSignal {
    /// Workflow id of the receiver.
    pub workflow_id: WorkflowId,
    /// Name of the signal.
    pub name: Text,
    /// Its input.
    pub input: Payload,
}

impl Body for SendSignal {
    const CODE: u8 = 8;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        let pending = at.run.signals.len();
        let subject = "signals under way of a run";
        bound(pending, limits::PENDING_SIGNALS, subject)
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let event = RunEvent::SignalScheduled {
            key,
            workflow_id: self.workflow_id,
            name: self.name,
            input: self.input,
        };
        tx.emit_run(slot, event);
    }
}
