//! Ask: wait for the customer's next messages.

use crate::command::body::{At, Body};
use crate::command::send_message::Draft;
use crate::event::{RunEvent, Slot};
use crate::rejection::Refusal;
use crate::text::StepKey;
use crate::transition::Transaction;

/// Wait for the customer's next messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Message to send first.
    pub message: Option<Draft>,
}

impl Body for Ask {
    const CODE: u8 = 6;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        at.conversation()?;
        if at.turn().is_some_and(|turn| turn.ask.is_some()) {
            return Err(Refusal::invalid("kind", "another ask is open in this turn"));
        }
        self.message.as_ref().map_or(Ok(()), |it| it.check(at))
    }

    /// The messages that wait answer it once the whole completion is carried out.
    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        if let Some(draft) = self.message {
            draft.carry_out(tx, slot, format!("{key}/message").into());
        }
        tx.emit_run(slot, RunEvent::AskOpened { key });
    }
}
