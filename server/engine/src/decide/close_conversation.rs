//! CloseConversation: no further turns, the running one is interrupted.

use crate::decide::decide_approval::withdraw_budget;
use crate::decide::mailbox;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::Span;

/// A close, validated.
#[derive(Clone, Debug, Default)]
pub struct CloseConversation {
    /// Why.
    pub reason: Text,
    /// How long the running turn may clean up, if not as the policy says.
    pub grace: Option<Span>,
    /// When its content is removed after that.
    pub retention: Option<Span>,
    /// Position of the last message that the caller has seen.
    pub unless_after: u64,
}

/// Closes the conversation; its content is removed after the retention. A
/// pause ends with it: nobody could lift it any more.
/// Idempotent.
///
/// # Errors
/// `ConversationNotFound`; `MessagesWait` when a message of the customer has
/// no answer yet that the caller has not seen.
pub fn close_conversation(
    tx: &mut Transaction<'_>,
    request: CloseConversation,
) -> Result<(), Rejection> {
    if tx.root.tombstone.is_some() && tx.root.conversation.is_none() {
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
    let last = conversation.last_pending();
    if last > request.unless_after {
        return Err(Rejection::MessagesWait { last });
    }
    let grace = request.grace.unwrap_or(conversation.policy.interrupt_grace);
    close(tx, request.reason, request.retention, Some(grace));
    Ok(())
}

/// Closes it; a running turn is interrupted if it is given a grace, and
/// otherwise goes on, but nothing of it leaves any more.
pub(crate) fn close(
    tx: &mut Transaction<'_>,
    reason: Text,
    retention: Option<Span>,
    grace: Option<Span>,
) {
    let paused = tx
        .root
        .conversation
        .as_ref()
        .is_some_and(|c| c.pause.is_some());
    let erase_at = retention.map(|span| tx.context.now + span);
    withdraw_budget(tx);
    tx.emit(Event::ConversationClosed { reason, erase_at });
    if let Some(grace) = grace {
        mailbox::interrupt(tx, grace);
    }
    if paused {
        tx.offer_everything();
    }
}
