//! SubmitTyping: somebody is typing. Not an event: it is forgotten with the next
//! restart.

use crate::decide::{mailbox, open_conversation};
use crate::limits;
use crate::rejection::Rejection;
use crate::transition::Transaction;
use crate::value::Span;

/// Somebody is typing, or has stopped. If it is the customer, a burst stays open
/// for a while, up to the longest wait of the policy.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `ConversationMerged`.
pub fn submit_typing(
    tx: &mut Transaction<'_>,
    is_customer: bool,
    is_typing: bool,
) -> Result<(), Rejection> {
    open_conversation(tx.root)?;
    let until = tx.context.now + Span::from_secs(limits::TYPING_SECONDS);
    if let Some(conversation) = tx.root.conversation.as_mut().filter(|_| is_customer) {
        conversation.typing_until = is_typing.then_some(until);
        mailbox::settle(tx);
    }
    Ok(())
}
