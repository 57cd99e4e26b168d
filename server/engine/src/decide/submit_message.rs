//! SubmitMessage: a customer's message comes in.

use std::collections::BTreeMap;

use crate::decide::decide_approval::ask_for_budget;
use crate::decide::{closed, mailbox};
use crate::event::{Event, Update};
use crate::limits;
use crate::policy::{OnAutomatic, OnClosed, OnErased, OptOut, TurnPolicy};
use crate::rejection::Rejection;
use crate::state::conversation::Conversation;
use crate::state::root::Root;
use crate::text::{QueueName, Text, TypeName};
use crate::transition::Transaction;
use crate::value::{AuthorKind, Message, MessageContent, Span, Time};

/// What a conversation is opened with, if there is none.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Type of the conversation; may be empty unless it opens.
    pub type_name: TypeName,
    /// Task queue of its turns.
    pub task_queue: QueueName,
    /// Turn policy.
    pub policy: TurnPolicy,
    /// Labels.
    pub labels: BTreeMap<Text, Text>,
    /// How long it is kept once its code has closed it.
    pub retention: Option<Span>,
}

/// A message, validated.
#[derive(Clone, Debug)]
pub struct SubmitMessage {
    /// What the conversation is opened with, if there is none.
    pub opening: Opening,
    /// Channel the message came in by.
    pub channel: Text,
    /// Id that the provider gave it, or empty.
    pub provider_message_id: Text,
    /// Name of the customer, or empty.
    pub author_name: Text,
    /// What it says.
    pub content: MessageContent,
    /// Address of the customer on the channel, or empty.
    pub customer_address: Text,
    /// A machine wrote it.
    pub is_automatic: bool,
    /// What the customer does not want by the channel from here on, or wants
    /// again, if they say so.
    pub opt_out: Option<Option<OptOut>>,
}

/// How a message or event was accepted; the same for a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Position in the transcript, or among the events.
    pub sequence: u64,
    /// When it was accepted.
    pub time: Time,
}

/// Adds a message to the conversation and opens it if there is none.
///
/// # Errors
/// `TypeMismatch`, `TypeRequired`, `ConversationClosed`, `ConversationErased`,
/// `LimitExceeded`.
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
        address: request.customer_address.clone(),
        is_automatic: request.is_automatic,
        is_note: false,
        change: None,
        origin: None,
    };
    let policy = match &tx.root.conversation {
        Some(conversation) => &conversation.policy,
        None => &request.opening.policy,
    };
    // What our own addresses sent is no customer's message.
    message.is_automatic |= policy.is_own(&message.address);
    let counts = !message.is_automatic || policy.on_automatic == OnAutomatic::Turn;

    let mut reopens = false;
    match known_conversation(tx.root, &request.opening)? {
        None => open(tx, request.opening),
        Some(conversation) => {
            if let Some(first) = first_answer(conversation, &message)? {
                return Ok(first);
            }
            if conversation.merged.is_some() {
                return Err(closed(conversation));
            }
            reopens = !conversation.is_open() && counts;
            if !conversation.is_open() && !counts {
                return Err(Rejection::ConversationClosed);
            }
            if reopens {
                check_reopening(tx.root, conversation, now)?;
            }
            check_addresses(conversation, &message.channel, &request.customer_address)?;
            message.sequence = conversation.message_count + 1;
        }
    }
    if reopens {
        tx.emit(Event::ConversationReopened);
        ask_for_budget(tx);
    }
    if !request.customer_address.as_str().is_empty() && !is_own(tx, &request.customer_address) {
        let address = (message.channel.clone(), request.customer_address);
        set_addresses(tx, BTreeMap::from([address]), None)?;
    }
    if let Some(opt_out) = request.opt_out {
        set_opt_outs(tx, BTreeMap::from([(message.channel.clone(), opt_out)]));
    }
    let accepted = Accepted {
        sequence: message.sequence,
        time: now,
    };
    tx.emit(Event::MessageReceived(message));
    if counts {
        mailbox::message_came(tx);
    }
    Ok(accepted)
}

fn is_own(tx: &Transaction<'_>, address: &Text) -> bool {
    let conversation = tx.root.conversation.as_ref();
    conversation.is_some_and(|it| it.policy.is_own(address))
}

/// How a message was accepted that comes again; `None` if it is not known.
///
/// # Errors
/// `MessageIdReused` when it says something else.
pub fn known_message(root: &Root, request: &SubmitMessage) -> Result<Option<Accepted>, Rejection> {
    let Some(conversation) = &root.conversation else {
        return Ok(None);
    };
    let address = &request.customer_address;
    let id = &request.provider_message_id;
    known(
        conversation,
        &request.channel,
        address,
        id,
        &request.content,
    )
}

fn known(
    conversation: &Conversation,
    channel: &Text,
    address: &Text,
    id: &Text,
    content: &MessageContent,
) -> Result<Option<Accepted>, Rejection> {
    if id.as_str().is_empty() {
        return Ok(None);
    }
    let hash = crate::state::message_hash(channel, address, id);
    let Some(known) = conversation.remembered(hash) else {
        return Ok(None);
    };
    if known.differs(crate::state::content_hash(content)) {
        return Err(Rejection::MessageIdReused {
            sequence: known.sequence,
        });
    }
    Ok(Some(Accepted {
        sequence: known.sequence,
        time: known.time,
    }))
}

/// Notes what the customer does not want by a channel, or wants again.
fn set_opt_outs(tx: &mut Transaction<'_>, changes: BTreeMap<Text, Option<OptOut>>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let opt_outs = changed_opt_outs(&conversation.opt_outs, changes);
    if opt_outs == conversation.opt_outs {
        return;
    }
    let update = Update {
        labels: tx.root.labels.clone(),
        addresses: conversation.addresses.clone(),
        policy: conversation.policy.clone(),
        reply_channel: conversation.reply_channel.clone(),
        type_name: None,
        task_queue: None,
        opt_outs: Some(opt_outs),
    };
    tx.emit(Event::ConversationUpdated(Box::new(update)));
}

/// Opt-outs with changes made; `None` takes one back.
pub(super) fn changed_opt_outs(
    before: &BTreeMap<Text, OptOut>,
    changes: BTreeMap<Text, Option<OptOut>>,
) -> BTreeMap<Text, OptOut> {
    let mut after = before.clone();
    for (channel, opt_out) in changes {
        match opt_out {
            Some(opt_out) => after.insert(channel, opt_out),
            None => after.remove(&channel),
        };
    }
    while after.len() > limits::ADDRESSES {
        after.pop_first();
    }
    after
}

/// The conversation that a request is for; `None` if it opens one.
pub(super) fn known_conversation<'a>(
    root: &'a Root,
    opening: &Opening,
) -> Result<Option<&'a Conversation>, Rejection> {
    let type_name = &opening.type_name;
    let begins_anew = opening.policy.on_erased == OnErased::BeginAnew;
    if root.tombstone.is_some() && !begins_anew {
        return Err(Rejection::ConversationErased);
    }
    let Some(conversation) = &root.conversation else {
        if root.exists() && root.tombstone.is_none() {
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
        return Err(Rejection::TypeMismatch("the conversation has another type"));
    }
    Ok(Some(conversation))
}

/// Checks that a message reopens a conversation that is closed.
fn check_reopening(root: &Root, conversation: &Conversation, now: Time) -> Result<(), Rejection> {
    if conversation.policy.on_closed == OnClosed::Refuse {
        return Err(Rejection::ConversationClosed);
    }
    // Before times were kept, closing was the last that happened.
    let closed = conversation.closed_at.unwrap_or(root.updated);
    let within = Span::from_secs(limits::REOPEN_DAYS * 86_400);
    if now > closed + within {
        return Err(Rejection::ClosedTooLongAgo {
            days: limits::REOPEN_DAYS,
        });
    }
    Ok(())
}

/// Checks that there is room for the address that a message comes from.
fn check_addresses(
    conversation: &Conversation,
    channel: &Text,
    address: &Text,
) -> Result<(), Rejection> {
    let known = address.as_str().is_empty() || conversation.addresses.contains_key(channel);
    if known || conversation.addresses.len() < limits::ADDRESSES {
        return Ok(());
    }
    Err(Rejection::LimitExceeded {
        subject: "addresses of a conversation",
        limit: limits::ADDRESSES as u64,
    })
}

/// Opens the conversation.
pub(super) fn open(tx: &mut Transaction<'_>, opening: Opening) {
    tx.emit(Event::ConversationOpened {
        type_name: opening.type_name,
        task_queue: opening.task_queue,
        policy: opening.policy,
        labels: opening.labels,
        retention: opening.retention,
    });
}

/// Notes addresses, and the reply channel, where they are news; an empty
/// address is none. A conversation that is just being opened has room for all.
pub(super) fn set_addresses(
    tx: &mut Transaction<'_>,
    addresses: BTreeMap<Text, Text>,
    reply_channel: Option<Text>,
) -> Result<(), Rejection> {
    let Some(conversation) = &tx.root.conversation else {
        return Ok(());
    };
    let mut update = Update {
        labels: tx.root.labels.clone(),
        addresses: conversation.addresses.clone(),
        policy: conversation.policy.clone(),
        reply_channel: reply_channel.unwrap_or_else(|| conversation.reply_channel.clone()),
        type_name: None,
        task_queue: None,
        opt_outs: None,
    };
    let given = addresses.into_iter();
    let given = given.filter(|(_, address)| !address.as_str().is_empty());
    update.addresses.extend(given);
    let news = update.addresses != conversation.addresses
        || update.reply_channel != conversation.reply_channel;
    if update.addresses.len() > limits::ADDRESSES {
        return Err(Rejection::LimitExceeded {
            subject: "addresses of a conversation",
            limit: limits::ADDRESSES as u64,
        });
    }
    if news {
        tx.emit(Event::ConversationUpdated(Box::new(update)));
    }
    Ok(())
}

/// Checks whether the message may come in; the answer that a duplicate was
/// given before.
fn first_answer(
    conversation: &Conversation,
    message: &Message,
) -> Result<Option<Accepted>, Rejection> {
    let id = &message.provider_message_id;
    let (channel, address) = (&message.channel, &message.address);
    if let Some(first) = known(conversation, channel, address, id, &message.content)? {
        return Ok(Some(first));
    }
    // What a running turn leaves to the next one waits as well.
    let steered = conversation.turn.iter().flat_map(|turn| &turn.unanswered);
    let waiting = conversation.mailbox.iter().chain(steered);
    if waiting.clone().count() >= limits::MAILBOX_MESSAGES {
        return Err(Rejection::LimitExceeded {
            subject: "messages waiting in the mailbox",
            limit: limits::MAILBOX_MESSAGES as u64,
        });
    }
    let waiting = waiting.map(|m| m.content.size_bytes());
    if waiting.sum::<usize>() + message.content.size_bytes() > limits::MAILBOX_BYTES {
        return Err(Rejection::LimitExceeded {
            subject: "bytes of messages waiting in the mailbox",
            limit: limits::MAILBOX_BYTES as u64,
        });
    }
    Ok(None)
}
