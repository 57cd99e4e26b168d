//! HandOff: give the conversation to a person or team.

use crate::command::body::{At, Body};
use crate::command::fences::is_current;
use crate::decide::hand_off::hand_off_from_turn;
use crate::decide::ownership::HandOff;
use crate::event::Slot;
use crate::rejection::Refusal;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;
use crate::value::{Assignee, Payload};

/// Hand the conversation to a person or team.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOffConversation {
    /// Who takes over.
    pub assignee: Assignee,
    /// Why.
    pub reason: Text,
    /// What they need to know.
    pub context: Option<Payload>,
}

impl Body for HandOffConversation {
    const CODE: u8 = 11;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        at.conversation()?;
        if at.turn().is_some_and(|turn| turn.hand_off.is_some()) {
            let reason = "this turn waits for a hand-back already";
            return Err(Refusal::invalid("kind", reason));
        }
        Ok(())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let request = HandOff {
            assignee: self.assignee,
            reason: self.reason,
            context: self.context,
        };
        let superseded = !is_current(tx, slot);
        hand_off_from_turn(tx, slot, key, request, superseded);
    }
}
