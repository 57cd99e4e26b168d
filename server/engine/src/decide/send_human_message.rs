//! SendHumanMessage: a person writes to the customer.

use crate::decide::open_conversation;
use crate::event::Event;
use crate::limits;
use crate::rejection::Rejection;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{AuthorKind, Message, MessageContent};

/// A person's message, validated.
#[derive(Clone, Debug)]
pub struct SendHumanMessage {
    /// Who writes.
    pub author_name: Text,
    /// What it says.
    pub content: MessageContent,
    /// Channel, or empty for the reply channel.
    pub channel: Text,
    /// Hash of the request's id; 0 for none.
    pub request: u64,
}

/// Sends the message; the answer is its position in the transcript. The same
/// request gets the same answer.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `NotHandedOff`,
/// `WrongAssignee`, `LimitExceeded`.
pub fn send_human_message(
    tx: &mut Transaction<'_>,
    request: SendHumanMessage,
) -> Result<u64, Rejection> {
    let conversation = open_conversation(tx.root)?;
    if request.request != 0
        && let Some(known) = conversation.remembered(request.request)
    {
        return Ok(known.sequence);
    }
    let handover = conversation.handover.as_ref();
    let assignee = &handover.ok_or(Rejection::NotHandedOff)?.assignee;
    if !assignee.admits(&request.author_name) {
        return Err(Rejection::WrongAssignee(assignee.to_string()));
    }
    let own = Some(request.channel).filter(|channel| !channel.as_str().is_empty());
    let channel = own.unwrap_or_else(|| conversation.reply_channel.clone());
    let under_way = conversation
        .deliveries
        .values()
        .filter(|d| d.is_under_way());
    let delivered = conversation.addresses.contains_key(&channel);
    if delivered && under_way.count() >= limits::DELIVERIES {
        return Err(Rejection::LimitExceeded {
            subject: "deliveries under way",
            limit: limits::DELIVERIES as u64,
        });
    }
    let message = Message {
        sequence: conversation.message_count + 1,
        author: AuthorKind::Human,
        author_name: request.author_name,
        channel,
        provider_message_id: Text::default(),
        content: request.content,
        time: tx.context.now,
        turn: 0,
    };
    let sequence = message.sequence;
    tx.emit(Event::HumanMessageSent {
        message: Box::new(message),
        request: request.request,
    });
    Ok(sequence)
}
