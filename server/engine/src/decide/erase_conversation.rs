//! EraseConversation: its content is removed for good.

use crate::decide::closing;
use crate::event::{Event, RunStatus, Slot, Tombstone};
use crate::rejection::Rejection;
use crate::state::terminated;
use crate::transition::Transaction;
use crate::value::Outcome;

/// Removes everything but a tombstone. Idempotent.
///
/// # Errors
/// `ConversationNotFound`.
pub fn erase_conversation(tx: &mut Transaction<'_>) -> Result<Tombstone, Rejection> {
    if let Some(tombstone) = tx.root.tombstone.filter(|_| tx.root.conversation.is_none()) {
        return Ok(tombstone);
    }
    let conversation = tx
        .root
        .conversation
        .as_ref()
        .ok_or(Rejection::ConversationNotFound)?;
    let tombstone = Tombstone {
        messages: conversation.message_count,
        runs: u64::from(tx.root.next_slot - 1),
        turns: conversation.turn_count,
    };
    let reason = || "the conversation is erased".into();
    if conversation.is_open() {
        tx.emit(Event::ConversationClosed {
            reason: reason(),
            erase_at: None,
        });
    }
    let open = tx.root.runs.values().filter(|run| run.status.is_open());
    let tops: Vec<Slot> = open
        .filter(|r| r.parent.is_none())
        .map(|r| r.slot)
        .collect();
    for slot in tops {
        let outcome = Outcome::Failed(terminated("the conversation is erased"));
        closing::close(tx, slot, RunStatus::Terminated, outcome);
    }
    let conversation = tx.root.conversation.as_ref();
    let outbox = conversation.map_or_else(Vec::new, |c| c.deliveries.keys().copied().collect());
    for sequence in outbox {
        tx.cancel_delivery(sequence);
    }
    tx.emit(Event::Erased(tombstone));
    Ok(tombstone)
}
