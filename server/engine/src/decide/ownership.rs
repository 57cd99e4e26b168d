//! Who a conversation belongs to: it is given to a person or team, and the
//! transcript says so.

use std::collections::BTreeMap;

use crate::event::Event;
use crate::state::conversation::Conversation;
use crate::text::Text;
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
        origin: None,
    }
}
