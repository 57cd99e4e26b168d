//! MergeConversations: two conversations turn out to be one customer's. The one
//! that ends says what it holds, the other one takes it in, part by part, and
//! is not given twice what it has.

use std::collections::{BTreeMap, VecDeque};

use crate::decide::decide_approval::withdraw_budget;
use crate::decide::submit_message::{changed_opt_outs, set_addresses};
use crate::decide::{closed, closing, mailbox};
use crate::effect::Effect;
use crate::event::{Event, RunStatus, Slot, Update};
use crate::limits;
use crate::policy::OptOut;
use crate::rejection::Rejection;
use crate::state::contact::Absorbed;
use crate::state::conversation::Conversation;
use crate::state::root::Root;
use crate::state::terminated;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{AuthorKind, Change, InboundEvent, Message, Origin, Outcome};

/// What a conversation holds that is being merged.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Id of the conversation that takes it in.
    pub into: Text,
    /// Positions of those that are to be answered.
    pub waiting: Vec<u64>,
    /// Events that are to be handled.
    pub events: VecDeque<InboundEvent>,
    /// Addresses by channel.
    pub addresses: BTreeMap<Text, Text>,
    /// What the customer does not want, by channel.
    pub opt_outs: BTreeMap<Text, OptOut>,
    /// Labels.
    pub labels: BTreeMap<Text, Text>,
}

/// A part of it, for the conversation that takes it in.
#[derive(Clone, Debug)]
pub struct Absorb {
    /// Id of the conversation that it comes from.
    pub from: Text,
    /// What that one holds.
    pub moving: Moving,
    /// The messages of this part, oldest first.
    pub messages: Vec<Message>,
    /// It is the last part.
    pub is_last: bool,
}

/// The conversation ends and becomes part of another one. Its turn is
/// terminated; what nobody has answered is answered there.
///
/// # Errors
/// `ConversationNotFound`, `ConversationErased`, `ConversationMerged` when it
/// is part of yet another one, `MergeUnderWay` while another one becomes part of
/// it.
pub fn begin_merge(tx: &mut Transaction<'_>, into: Text) -> Result<(), Rejection> {
    let conversation = tx.root.conversation.as_ref();
    let merged = conversation.and_then(|it| it.merged.as_ref());
    if merged.is_some_and(|merged| merged.into == into) {
        return Ok(());
    }
    let conversation = present(tx.root)?;
    if conversation.absorbed.values().any(|it| !it.is_done) {
        return Err(Rejection::MergeUnderWay);
    }
    let waiting = if conversation.is_open() {
        conversation.unanswered_positions()
    } else {
        Vec::new()
    };
    let paused = conversation.pause.is_some();
    withdraw_budget(tx);
    tx.emit(Event::ConversationMerged { into, waiting });
    let open = tx.root.runs.values().filter(|run| run.status.is_open());
    let tops: Vec<Slot> = open
        .filter(|r| r.parent.is_none())
        .map(|r| r.slot)
        .collect();
    for slot in tops {
        let outcome = Outcome::Failed(terminated("the conversation was merged into another one"));
        closing::close(tx, slot, RunStatus::Terminated, outcome);
    }
    if paused {
        // What was sent before is still delivered.
        tx.offer_everything();
    }
    Ok(())
}

/// What a merged conversation still has to bring; `None` once that is done.
#[must_use]
pub fn moving(tx: &Transaction<'_>) -> Option<Moving> {
    let conversation = tx.root.conversation.as_ref()?;
    let merged = conversation.merged.as_ref().filter(|it| !it.is_done)?;
    Some(Moving {
        into: merged.into.clone(),
        waiting: merged.waiting.clone(),
        events: merged.events.clone(),
        addresses: conversation.addresses.clone(),
        opt_outs: conversation.opt_outs.clone(),
        labels: tx.root.labels.clone(),
    })
}

/// Another conversation is to become part of this one, which may not become
/// part of yet another one until it has: otherwise two could wait for each
/// other.
///
/// # Errors
/// `ConversationNotFound`, `ConversationErased`, `ConversationMerged`,
/// `LimitExceeded`.
pub fn expect_merge(tx: &mut Transaction<'_>, from: &Text) -> Result<(), Rejection> {
    let absorbed = &present(tx.root)?.absorbed;
    if absorbed.contains_key(from) {
        return Ok(());
    }
    if absorbed.len() >= limits::ABSORBED {
        return Err(Rejection::LimitExceeded {
            subject: "conversations merged into one",
            limit: limits::ABSORBED as u64,
        });
    }
    tx.emit(Event::MergeExpected {
        conversation: from.clone(),
    });
    Ok(())
}

/// The other conversation was not to be had: it is not waited for.
pub fn cancel_merge(tx: &mut Transaction<'_>, from: &Text) {
    let conversation = tx.root.conversation.as_ref();
    let expected = conversation.and_then(|it| it.absorbed.get(from));
    if expected.is_some_and(|it| *it == Absorbed::default()) {
        tx.emit(Event::MergeCanceled {
            conversation: from.clone(),
        });
    }
}

/// The conversation, open or not, unless it is part of another one.
fn present(root: &Root) -> Result<&Conversation, Rejection> {
    let Some(conversation) = &root.conversation else {
        return Err(match root.tombstone {
            Some(_) => Rejection::ConversationErased,
            None => Rejection::ConversationNotFound,
        });
    };
    match conversation.merged {
        Some(_) => Err(closed(conversation)),
        None => Ok(conversation),
    }
}

/// It was on its way for a while: once more.
pub(super) fn try_merge(tx: &mut Transaction<'_>) {
    tx.emit(Event::MergeTried);
    tx.output.effects.push(Effect::Merge);
}

/// The other conversation has everything.
pub fn end_merge(tx: &mut Transaction<'_>) {
    let conversation = tx.root.conversation.as_ref();
    let merged = conversation.and_then(|it| it.merged.as_ref());
    if merged.is_some_and(|it| !it.is_done) {
        tx.emit(Event::MergeEnded);
    }
}

/// Takes in a part of another conversation; what is here already is left out.
/// A closed one is open again if there is something to answer.
///
/// # Errors
/// `ConversationNotFound`, `ConversationErased`, `ConversationMerged`.
pub fn absorb(tx: &mut Transaction<'_>, request: Absorb) -> Result<(), Rejection> {
    let conversation = present(tx.root)?;
    let Absorb {
        from,
        moving,
        messages,
        is_last,
    } = request;
    let before = conversation.absorbed.get(&from);
    let had = before.map_or(0, |it| it.through);
    if before.is_some_and(|it| it.is_done) {
        return Ok(());
    }
    let waits = !moving.waiting.is_empty() || !moving.events.is_empty();
    if !conversation.is_open() && waits {
        tx.emit(Event::ConversationReopened);
    }
    for message in messages.into_iter().filter(|it| it.sequence > had) {
        adopt(tx, &from, message, &moving.waiting);
    }
    if is_last {
        tx.emit(Event::ConversationAbsorbed {
            conversation: from.clone(),
        });
        settle(tx, moving)?;
    }
    Ok(())
}

/// The message is the next one of this transcript.
fn adopt(tx: &mut Transaction<'_>, from: &Text, message: Message, waiting: &[u64]) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let sequence = conversation.message_count + 1;
    let waits = waiting.contains(&message.sequence) && message.author == AuthorKind::Customer;
    // Its transcript comes whole and in order: what it changes stands as far
    // before it here as there.
    let moved = |of: u64| sequence.saturating_sub(message.sequence.saturating_sub(of));
    let change = message.change.map(|change| match change {
        Change::Edit(of) => Change::Edit(moved(of)),
        Change::Retract(of) => Change::Retract(moved(of)),
    });
    let origin = Origin {
        conversation: from.clone(),
        sequence: message.sequence,
    };
    let message = Message {
        // One that came from yet another conversation says where it was last.
        origin: Some(Box::new(origin)),
        sequence,
        turn: 0,
        change,
        ..message
    };
    tx.emit(Event::MessageAdopted {
        message: Box::new(message),
        waits,
    });
}

/// Everything is here: addresses and labels are joined, events come in, and
/// what waits is answered.
fn settle(tx: &mut Transaction<'_>, moving: Moving) -> Result<(), Rejection> {
    let Some(conversation) = &tx.root.conversation else {
        return Ok(());
    };
    let room = limits::ADDRESSES.saturating_sub(conversation.addresses.len());
    let known = &conversation.addresses;
    let addresses = moving.addresses.into_iter();
    let addresses = addresses.filter(|(channel, _)| !known.contains_key(channel));
    let addresses: BTreeMap<Text, Text> = addresses.take(room).collect();
    set_addresses(tx, addresses, None)?;
    join(tx, moving.labels, moving.opt_outs);
    for event in moving.events {
        let Some(conversation) = &tx.root.conversation else {
            break;
        };
        if conversation.events.len() >= limits::MAILBOX_EVENTS || !conversation.is_open() {
            break;
        }
        tx.emit(Event::EventReceived(InboundEvent {
            sequence: conversation.event_count + 1,
            after_message: conversation.message_count,
            ..event
        }));
    }
    mailbox::message_came(tx);
    Ok(())
}

/// Labels of the other one are added where there is none of the same name, and
/// what the customer does not want holds here, too.
fn join(tx: &mut Transaction<'_>, labels: BTreeMap<Text, Text>, refused: BTreeMap<Text, OptOut>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let mut joined = tx.root.labels.clone();
    for (name, value) in labels {
        if joined.len() < limits::LABELS {
            joined.entry(name).or_insert(value);
        }
    }
    let refused = refused.into_iter();
    let refused = refused.map(|(channel, opt_out)| {
        let known = conversation.opt_outs.get(&channel).copied();
        (channel, Some(known.unwrap_or(opt_out).max(opt_out)))
    });
    let opt_outs = changed_opt_outs(&conversation.opt_outs, refused.collect());
    if joined == tx.root.labels && opt_outs == conversation.opt_outs {
        return;
    }
    tx.emit(Event::ConversationUpdated(Box::new(Update {
        labels: joined,
        addresses: conversation.addresses.clone(),
        policy: conversation.policy.clone(),
        reply_channel: conversation.reply_channel.clone(),
        type_name: None,
        task_queue: None,
        opt_outs: Some(opt_outs),
    })));
}
