//! PauseConversation and ResumeConversation.

use crate::decide::{mailbox, open_conversation};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::text::Text;
use crate::transition::Transaction;

/// Stops the dispatch of everything in the conversation. Idempotent.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`.
pub fn pause_conversation(tx: &mut Transaction<'_>, reason: Text) -> Result<(), Rejection> {
    if open_conversation(tx.root)?.pause.is_none() {
        tx.emit(Event::ConversationPaused { reason });
        mailbox::settle(tx);
    }
    Ok(())
}

/// Goes on where the conversation stood. Idempotent.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`.
pub fn resume_conversation(tx: &mut Transaction<'_>) -> Result<(), Rejection> {
    if open_conversation(tx.root)?.pause.is_some() {
        tx.emit(Event::ConversationResumed);
        tx.offer_everything();
        mailbox::settle(tx);
    }
    Ok(())
}
