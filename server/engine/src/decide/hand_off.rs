//! HandOffConversation, and the command of a turn that does the same.

use crate::decide::ownership::{HandOff, take_over};
use crate::decide::{mailbox, open_conversation};
use crate::event::{RunEvent, Slot};
use crate::rejection::Rejection;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;

/// Gives the conversation to a person or team; a running turn is interrupted.
///
/// The answer is the number of the handover. The same request gets the same
/// answer.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`.
pub fn hand_off(tx: &mut Transaction<'_>, request: HandOff) -> Result<u64, Rejection> {
    let conversation = open_conversation(tx.root)?;
    let grace = conversation.policy.interrupt_grace;
    let waits = conversation
        .turn
        .as_ref()
        .is_some_and(|turn| turn.hand_off.is_some());
    take_over(tx, request);
    if !waits {
        mailbox::interrupt(tx, grace);
    }
    mailbox::settle(tx);
    let conversation = tx.root.conversation.as_ref();
    Ok(conversation.map_or(0, |conversation| conversation.handoffs))
}

/// The code of the current turn hands the conversation off and waits. In a
/// turn that is superseded there is nothing to wait for.
pub(crate) fn hand_off_from_turn(
    tx: &mut Transaction<'_>,
    slot: Slot,
    key: StepKey,
    request: HandOff,
    superseded: bool,
) {
    tx.emit_run(slot, RunEvent::HandedOff { key: key.clone() });
    if superseded {
        let event = RunEvent::HandedBack {
            key,
            author_name: Text::default(),
            note: "the turn was superseded".into(),
            messages: Vec::new(),
            has_more: false,
        };
        tx.emit_run(slot, event);
    } else {
        take_over(tx, request);
    }
}
