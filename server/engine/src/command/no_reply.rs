//! NoReply: the messages of a turn need no answer.

use crate::command::body::{At, Body};
use crate::command::fences::fence;
use crate::event::{RunEvent, Slot};
use crate::rejection::Refusal;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;

/// Say that what the turn was given so far needs no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct NoReply {
    /// Why.
    pub reason: Text,
}

impl Body for NoReply {
    const CODE: u8 = 13;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        at.conversation().map(|_| ())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let event = RunEvent::NoReplyRecorded {
            key,
            reason: self.reason,
            suppressed: fence(tx, slot).is_some(),
        };
        tx.emit_run(slot, event);
    }
}
