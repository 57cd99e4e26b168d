//! CloseConversation: the code of a turn ends the conversation.

use crate::command::body::{At, Body};
use crate::command::fences::fence;
use crate::decide::close_conversation::close;
use crate::event::{RunEvent, Slot};
use crate::rejection::Refusal;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;

/// End the conversation, unless something has come that the code has not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct CloseConversation {
    /// Why.
    pub reason: Text,
}

impl Body for CloseConversation {
    const CODE: u8 = 14;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        at.conversation().map(|_| ())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let suppressed = fence(tx, slot).is_some() || has_news(tx, slot);
        let reason = self.reason;
        let event = RunEvent::CloseRecorded {
            key,
            reason: reason.clone(),
            suppressed,
        };
        tx.emit_run(slot, event);
        if !suppressed {
            let conversation = tx.root.conversation.as_ref();
            let retention = conversation.and_then(|c| c.retention);
            close(tx, reason, retention, None);
        }
    }
}

/// Whether something waits, or has arrived, that the code has not been given.
fn has_news(tx: &Transaction<'_>, slot: Slot) -> bool {
    let Some(conversation) = &tx.root.conversation else {
        return false;
    };
    let seen = tx.root.runs.get(&slot).map_or(0, |run| run.seen);
    let turn = conversation.turn.as_ref();
    let arrived = turn.is_some_and(|turn| turn.arrivals.iter().any(|it| it.event > seen));
    arrived || !conversation.mailbox.is_empty() || !conversation.events.is_empty()
}
