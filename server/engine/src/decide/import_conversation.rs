//! ImportConversation: a transcript from elsewhere.

use std::collections::BTreeMap;

use crate::decide::submit_message::{Opening, known_conversation, open, set_addresses};
use crate::event::Event;
use crate::limits;
use crate::rejection::Rejection;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::Message;

/// A part of a transcript, validated.
#[derive(Clone, Debug)]
pub struct ImportConversation {
    /// What the conversation is opened with by the first part.
    pub opening: Opening,
    /// Addresses of the customer by channel.
    pub addresses: BTreeMap<Text, Text>,
    /// Channel that agents write by, or empty.
    pub reply_channel: Text,
    /// The messages, oldest first; their positions are given here.
    pub messages: Vec<Message>,
    /// Number of messages that were imported before.
    pub after: u64,
}

/// Opens the conversation with the messages, or adds them to those that were
/// imported before. No turn starts. What was imported before changes nothing.
///
/// # Errors
/// `ConversationExists`, `ConversationNotFound`, `TypeMismatch`,
/// `TypeRequired`, `ConversationErased`, `LimitExceeded`.
pub fn import_conversation(
    tx: &mut Transaction<'_>,
    request: ImportConversation,
) -> Result<u64, Rejection> {
    let count = request.messages.len() as u64;
    let through = request.after.saturating_add(count);
    if through > limits::IMPORTED_MESSAGES {
        return Err(Rejection::LimitExceeded {
            subject: "messages of an import",
            limit: limits::IMPORTED_MESSAGES,
        });
    }
    let mut had = 0;
    match known_conversation(tx.root, &request.opening)? {
        None if request.after > 0 => return Err(Rejection::ConversationNotFound),
        None => open(tx, request.opening),
        Some(conversation) => {
            had = conversation.imported;
            if had >= through {
                return Ok(had);
            }
            let messages = conversation.message_count;
            let is_next = request.after <= had && had == messages;
            if !is_next || conversation.turn_count > 0 || conversation.event_count > 0 {
                return Err(Rejection::ConversationExists { messages });
            }
        }
    }
    let reply_channel = Some(request.reply_channel).filter(|it| !it.as_str().is_empty());
    set_addresses(tx, request.addresses, reply_channel)?;
    let positions = request.after + 1..;
    let news = request.messages.into_iter().zip(positions);
    for (message, sequence) in news.filter(|(_, sequence)| *sequence > had) {
        tx.emit(Event::MessageAdopted {
            message: Box::new(Message {
                sequence,
                ..message
            }),
            waits: false,
        });
    }
    Ok(through)
}
