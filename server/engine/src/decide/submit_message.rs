//! SubmitMessage: a customer's message joins a conversation.

use std::collections::BTreeMap;

use crate::decide::mailbox;
use crate::event::Event;
use crate::limits;
use crate::policy::TurnPolicy;
use crate::rejection::Rejection;
use crate::state::root::Root;
use crate::text::{QueueName, Text, TypeName};
use crate::transition::Transaction;
use crate::value::{AuthorKind, Message, MessageContent, Time};

/// A customer's message, validated.
#[derive(Clone, Debug)]
pub struct SubmitMessage {
    /// Type of the conversation; may be empty unless it opens.
    pub type_name: TypeName,
    /// Task queue, used when it opens.
    pub task_queue: QueueName,
    /// Turn policy, used when it opens.
    pub policy: TurnPolicy,
    /// Labels, used when it opens.
    pub labels: BTreeMap<Text, Text>,
    /// Channel the message came in by.
    pub channel: Text,
    /// Id that the provider gave it, or empty.
    pub provider_message_id: Text,
    /// Name of the customer, or empty.
    pub author_name: Text,
    /// What it says.
    pub content: MessageContent,
}

/// How a message was accepted; the same for a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Position in the transcript.
    pub sequence: u64,
    /// When it was accepted.
    pub time: Time,
}

/// Adds a message to the conversation and opens it if there is none.
///
/// # Errors
/// `TypeMismatch`, `TypeRequired`, `ConversationClosed`, `LimitExceeded`.
pub fn submit_message(
    tx: &mut Transaction<'_>,
    request: SubmitMessage,
) -> Result<Accepted, Rejection> {
    let now = tx.context.now;
    let mut message = Message {
        sequence: 1,
        author: AuthorKind::Customer,
        author_name: request.author_name,
        channel: request.channel,
        provider_message_id: request.provider_message_id,
        content: request.content,
        time: now,
        turn: 0,
    };
    if let Some(first) = first_answer(tx.root, &request.type_name, &message)? {
        return Ok(first);
    }
    match &tx.root.conversation {
        Some(conversation) => message.sequence = conversation.message_count + 1,
        None => tx.emit(Event::ConversationOpened {
            type_name: request.type_name,
            task_queue: request.task_queue,
            policy: request.policy,
            labels: request.labels,
        }),
    }
    let accepted = Accepted {
        sequence: message.sequence,
        time: now,
    };
    tx.emit(Event::MessageReceived(message));
    mailbox::interrupt_if_busy(tx);
    mailbox::settle(tx);
    Ok(accepted)
}

/// Checks the request; the answer that a duplicate was given before.
fn first_answer(
    root: &Root,
    type_name: &TypeName,
    message: &Message,
) -> Result<Option<Accepted>, Rejection> {
    let Some(conversation) = &root.conversation else {
        if root.exists() {
            return Err(Rejection::TypeMismatch(
                "this id belongs to a plain workflow",
            ));
        }
        if type_name.as_str().is_empty() {
            return Err(Rejection::TypeRequired);
        }
        return Ok(None);
    };
    if !type_name.as_str().is_empty() && *type_name != conversation.type_name {
        return Err(Rejection::TypeMismatch(
            "the conversation was opened with another type",
        ));
    }
    if !message.provider_message_id.as_str().is_empty() {
        let hash = crate::state::message_hash(message);
        if let Some(known) = conversation.remembered(hash) {
            return Ok(Some(Accepted {
                sequence: known.sequence,
                time: known.time,
            }));
        }
    }
    if !conversation.is_open() {
        return Err(Rejection::ConversationClosed);
    }
    if conversation.mailbox.len() >= limits::MAILBOX_MESSAGES {
        return Err(Rejection::LimitExceeded {
            subject: "messages waiting in the mailbox",
            limit: limits::MAILBOX_MESSAGES as u64,
        });
    }
    Ok(None)
}
