//! Fences, checked when a turn's writes are committed: what keeps a
//! superseded, paused or handed-off turn from speaking.

use crate::event::{Slot, SuppressReason};
use crate::transition::Transaction;

/// Whether a run is the current turn, and not superseded.
pub(super) fn is_current(tx: &Transaction<'_>, slot: Slot) -> bool {
    let turn = tx.root.conversation.as_ref().and_then(|c| c.turn.as_ref());
    turn.is_some_and(|turn| turn.slot == slot && turn.interrupted.is_none())
}

/// Which fence keeps the writes of a turn in, if one does.
pub(crate) fn fence(tx: &Transaction<'_>, slot: Slot) -> Option<SuppressReason> {
    tx.root.runs.get(&slot)?.turn?;
    let conversation = tx.root.conversation.as_ref()?;
    if !conversation.is_open() {
        Some(SuppressReason::ConversationClosed)
    } else if conversation.handover.is_some() {
        Some(SuppressReason::HumanOwns)
    } else if !is_current(tx, slot) {
        Some(SuppressReason::TurnSuperseded)
    } else if conversation.pause.is_some() {
        Some(SuppressReason::ConversationPaused)
    } else {
        None
    }
}
