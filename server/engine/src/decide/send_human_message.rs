//! SendHumanMessage: a person writes to the customer, here or elsewhere.

use crate::decide::ownership::{HandOff, take_over};
use crate::decide::{mailbox, open_conversation};
use crate::event::{DeliveryStatus, Event};
use crate::limits;
use crate::policy::{OnHumanMessage, OptOut};
use crate::rejection::Rejection;
use crate::state::conversation::{Conversation, Remembered};
use crate::state::delivery::Delivery;
use crate::state::message_hash;
use crate::state::request::Request;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{Assignee, AuthorKind, Message, MessageContent};

/// A person's message, validated.
#[derive(Clone, Debug)]
pub struct SendHumanMessage {
    /// Who writes.
    pub author_name: Text,
    /// What it says.
    pub content: MessageContent,
    /// Channel, or empty for the reply channel.
    pub channel: Text,
    /// The id of the request.
    pub request: Request,
    /// Position of the last message that the person has seen; 0: all of them.
    pub seen_through: u64,
    /// Id that the provider gave it, if the person wrote elsewhere and the
    /// customer has it already.
    pub already_sent: Option<Text>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HumanMessageSent {
    /// Position in the transcript.
    pub sequence: u64,
    /// The person owns the conversation from here on, and did not before.
    pub took_over: bool,
    /// It is a message that an adapter of ours has sent.
    pub is_echo: bool,
}

impl HumanMessageSent {
    /// The first answer.
    fn known(known: Remembered) -> Self {
        Self {
            sequence: known.sequence,
            took_over: known.took_over,
            is_echo: false,
        }
    }
}

/// Sends the message. The same request gets the same answer, whatever came
/// since. A conversation that agents own becomes the person's, unless the
/// policy says otherwise, and its turn is interrupted.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `NotHandedOff`,
/// `WrongAssignee`, `LimitExceeded`, `RequestIdReused`.
pub fn send_human_message(
    tx: &mut Transaction<'_>,
    request: SendHumanMessage,
) -> Result<HumanMessageSent, Rejection> {
    if let Some(known) = first_answer(tx, &request)? {
        return Ok(known);
    }
    let conversation = open_conversation(tx.root)?;
    let takes_over = takes_over(conversation, &request.author_name)?;
    let channel = channel(conversation, &request.channel);
    let is_sent = request.already_sent.is_some();
    if !is_sent {
        check_outbox(conversation, &channel)?;
        if conversation.opt_outs.get(&channel) == Some(&OptOut::All) {
            return Err(Rejection::OptedOut(channel.to_string()));
        }
    }
    let answers_through = match request.seen_through {
        0 => 0,
        seen => seen.min(conversation.message_count),
    };
    if takes_over {
        let grace = conversation.policy.interrupt_grace;
        let request = HandOff {
            assignee: Assignee::Person(request.author_name.clone()),
            reason: "wrote to the customer".into(),
            context: None,
        };
        take_over(tx, request);
        mailbox::interrupt(tx, grace);
    }
    let conversation = open_conversation(tx.root)?;
    let sequence = conversation.message_count + 1;
    let message = Message {
        sequence,
        author: AuthorKind::Human,
        author_name: request.author_name,
        channel,
        provider_message_id: request.already_sent.unwrap_or_default(),
        content: request.content,
        time: tx.context.now,
        turn: 0,
        address: Text::default(),
        is_automatic: false,
        is_note: false,
        change: None,
        origin: None,
    };
    tx.emit(Event::HumanMessageSent {
        message: Box::new(message),
        request: request.request.hash,
        fingerprint: request.request.fingerprint,
        answers_through,
        is_sent,
        took_over: takes_over,
    });
    mailbox::settle(tx);
    Ok(HumanMessageSent {
        sequence,
        took_over: takes_over,
        is_echo: false,
    })
}

/// The answer that a message which is there already was given before; for one
/// of our own adapters' messages, which one it is.
fn first_answer(
    tx: &Transaction<'_>,
    request: &SendHumanMessage,
) -> Result<Option<HumanMessageSent>, Rejection> {
    let Some(conversation) = &tx.root.conversation else {
        return Ok(None);
    };
    let id = request.request;
    let known = conversation.remembered(id.hash).filter(|_| id.is_given());
    if let Some(known) = known {
        id.check_same(known.fingerprint)?;
        return Ok(Some(HumanMessageSent::known(known)));
    }
    let Some(provider_id) = &request.already_sent else {
        return Ok(None);
    };
    let channel = channel(conversation, &request.channel);
    let ours = conversation.deliveries.values().rfind(|delivery| {
        delivery.channel == channel
            && (delivery.provider_message_id == *provider_id || is_under_way(delivery, request))
    });
    let hash = message_hash(&channel, &Text::default(), provider_id);
    if let Some(known) = conversation.remembered(hash) {
        return Ok(Some(HumanMessageSent::known(known)));
    }
    Ok(ours.map(|ours| HumanMessageSent {
        sequence: ours.sequence,
        took_over: false,
        is_echo: true,
    }))
}

/// Whether an adapter of ours is just sending the same words: the provider may
/// tell of them before it has answered the adapter.
fn is_under_way(delivery: &Delivery, request: &SendHumanMessage) -> bool {
    let nameless = delivery.provider_message_id.as_str().is_empty();
    let may_be_there = matches!(
        delivery.status,
        DeliveryStatus::Sending | DeliveryStatus::Unknown
    );
    let message = delivery.message.as_ref();
    nameless && may_be_there && message.is_some_and(|m| m.content.text == request.content.text)
}

/// Whether the message takes the conversation over from the agents.
fn takes_over(conversation: &Conversation, author_name: &Text) -> Result<bool, Rejection> {
    let Some(handover) = &conversation.handover else {
        return match conversation.policy.on_human_message {
            OnHumanMessage::TakeOver => Ok(true),
            OnHumanMessage::Keep => Ok(false),
            OnHumanMessage::Refuse => Err(Rejection::NotHandedOff),
        };
    };
    if handover.assignee.admits(author_name) {
        return Ok(false);
    }
    Err(Rejection::WrongAssignee(handover.assignee.to_string()))
}

fn channel(conversation: &Conversation, given: &Text) -> Text {
    match given.as_str() {
        "" => conversation.reply_channel.clone(),
        _ => given.clone(),
    }
}

fn check_outbox(conversation: &Conversation, channel: &Text) -> Result<(), Rejection> {
    let deliveries = conversation.deliveries.values();
    let under_way = deliveries.filter(|d| d.is_under_way()).count();
    let delivered = conversation.addresses.contains_key(channel);
    if delivered && under_way >= limits::DELIVERIES {
        return Err(Rejection::LimitExceeded {
            subject: "deliveries under way",
            limit: limits::DELIVERIES as u64,
        });
    }
    Ok(())
}
