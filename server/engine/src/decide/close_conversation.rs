//! CloseConversation: no further messages, the running turn is interrupted.

use crate::decide::mailbox;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::Span;

/// Closes the conversation. Idempotent.
///
/// # Errors
/// `ConversationNotFound`.
pub fn close_conversation(
    tx: &mut Transaction<'_>,
    reason: Text,
    grace: Option<Span>,
) -> Result<(), Rejection> {
    let conversation = tx
        .root
        .conversation
        .as_ref()
        .ok_or(Rejection::ConversationNotFound)?;
    if !conversation.is_open() {
        return Ok(());
    }
    let grace = grace.unwrap_or(conversation.policy.interrupt_grace);
    tx.emit(Event::ConversationClosed { reason });
    mailbox::interrupt(tx, grace);
    Ok(())
}
