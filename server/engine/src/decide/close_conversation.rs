//! CloseConversation: no further messages, the running turn is interrupted.

use crate::decide::decide_approval::withdraw_budget;
use crate::decide::mailbox;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::Span;

/// Closes the conversation; its content is removed after the retention. A
/// pause ends with it: nobody could lift it any more.
/// Idempotent.
///
/// # Errors
/// `ConversationNotFound`.
pub fn close_conversation(
    tx: &mut Transaction<'_>,
    reason: Text,
    grace: Option<Span>,
    retention: Option<Span>,
) -> Result<(), Rejection> {
    if tx.root.tombstone.is_some() {
        return Ok(());
    }
    let conversation = tx
        .root
        .conversation
        .as_ref()
        .ok_or(Rejection::ConversationNotFound)?;
    if !conversation.is_open() {
        return Ok(());
    }
    let grace = grace.unwrap_or(conversation.policy.interrupt_grace);
    let paused = conversation.pause.is_some();
    let erase_at = retention.map(|span| tx.context.now + span);
    withdraw_budget(tx);
    tx.emit(Event::ConversationClosed { reason, erase_at });
    mailbox::interrupt(tx, grace);
    if paused {
        tx.offer_everything();
    }
    Ok(())
}
