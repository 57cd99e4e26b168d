//! HandOffConversation, and the command of a turn that does the same.

use std::collections::BTreeMap;

use crate::decide::{mailbox, open_conversation};
use crate::event::{Event, RunEvent, Slot};
use crate::rejection::Rejection;
use crate::state::conversation::Conversation;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;
use crate::value::{Assignee, AuthorKind, Message, MessageContent, Payload, Time};

/// Who takes over, and what they are told.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOff {
    /// Who.
    pub assignee: Assignee,
    /// Why.
    pub reason: Text,
    /// What they need to know.
    pub context: Option<Payload>,
}

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

/// Gives the conversation to a person or team, unless they have it.
pub(super) fn take_over(tx: &mut Transaction<'_>, request: HandOff) {
    let now = tx.context.now;
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let before = conversation.handover.as_ref();
    if before.is_some_and(|handover| handover.assignee == request.assignee) {
        return;
    }
    let text = match request.reason.as_str() {
        "" => format!("Handed to {}", request.assignee),
        reason => format!("Handed to {}: {reason}", request.assignee),
    };
    let attributes = [
        ("marker", "handed_off".to_owned()),
        ("assignee", request.assignee.to_string()),
    ];
    let marker = marker(conversation, now, &text, &attributes);
    tx.emit(Event::HandedOff {
        assignee: request.assignee,
        reason: request.reason,
        context: request.context,
        marker: Box::new(marker),
    });
}

/// A line of the platform itself in the transcript.
pub(super) fn marker(
    conversation: &Conversation,
    now: Time,
    text: &str,
    attributes: &[(&str, String)],
) -> Message {
    let attributes = attributes
        .iter()
        .map(|(key, value)| ((*key).into(), value.as_str().into()))
        .collect::<BTreeMap<Text, Text>>();
    Message {
        sequence: conversation.message_count + 1,
        author: AuthorKind::System,
        author_name: Text::default(),
        channel: Text::default(),
        provider_message_id: Text::default(),
        content: MessageContent {
            text: text.into(),
            data: None,
            attributes,
            attachments: Vec::new(),
        },
        time: now,
        turn: 0,
        address: Text::default(),
        is_automatic: false,
        is_note: false,
        change: None,
    }
}
