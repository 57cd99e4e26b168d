//! UpdateConversation: labels, addresses, policy, reply channel, type and task
//! queue.

use std::collections::BTreeMap;

use crate::decide::submit_message::changed_opt_outs;
use crate::decide::{decide_approval, mailbox, open_conversation};
use crate::event::{Event, Update};
use crate::limits;
use crate::policy::{OptOut, TurnPolicy};
use crate::rejection::Rejection;
use crate::text::{QueueName, Text, TypeName};
use crate::transition::Transaction;

/// What to change, validated. The policy is the one in force with its changes
/// made; it is made by the caller, who knows which fields were given.
pub struct UpdateConversation {
    /// Labels to set; an empty value removes one.
    pub labels: BTreeMap<Text, Text>,
    /// Addresses to set by channel; an empty value removes one.
    pub addresses: BTreeMap<Text, Text>,
    /// Changes the policy in force.
    pub policy: Box<dyn FnOnce(&mut TurnPolicy) + Send>,
    /// The new reply channel, or empty.
    pub reply_channel: Text,
    /// The new type, or empty: of the turns from here on.
    pub type_name: TypeName,
    /// The new task queue, or empty: of the turns from here on.
    pub task_queue: QueueName,
    /// What the customer does not want, by channel; `None` takes it back.
    pub opt_outs: BTreeMap<Text, Option<OptOut>>,
}

impl std::fmt::Debug for UpdateConversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpdateConversation").finish_non_exhaustive()
    }
}

/// Changes a conversation; what waits is looked at under the new policy.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `LimitExceeded`.
pub fn update_conversation(
    tx: &mut Transaction<'_>,
    request: UpdateConversation,
) -> Result<(), Rejection> {
    let conversation = open_conversation(tx.root)?;
    let mut update = Update {
        labels: merged(&tx.root.labels, request.labels),
        addresses: merged(&conversation.addresses, request.addresses),
        policy: conversation.policy.clone(),
        reply_channel: conversation.reply_channel.clone(),
        type_name: Some(request.type_name).filter(|name| !name.as_str().is_empty()),
        task_queue: Some(request.task_queue).filter(|name| !name.as_str().is_empty()),
        opt_outs: Some(changed_opt_outs(&conversation.opt_outs, request.opt_outs)),
    };
    (request.policy)(&mut update.policy);
    if !request.reply_channel.as_str().is_empty() {
        update.reply_channel = request.reply_channel;
    }
    for (count, limit, subject) in [
        (update.labels.len(), limits::LABELS, "labels"),
        (
            update.addresses.len(),
            limits::ADDRESSES,
            "addresses of a conversation",
        ),
    ] {
        if count > limit {
            return Err(Rejection::LimitExceeded {
                subject,
                limit: limit as u64,
            });
        }
    }
    let held = conversation.budget_reached;
    let budget_changes = update.policy.budget != conversation.policy.budget;
    tx.emit(Event::ConversationUpdated(Box::new(update)));
    if budget_changes {
        decide_approval::budget_changed(tx);
    }
    if held || budget_changes {
        tx.offer_held_activities();
    }
    mailbox::settle(tx);
    Ok(())
}

fn merged(before: &BTreeMap<Text, Text>, changes: BTreeMap<Text, Text>) -> BTreeMap<Text, Text> {
    let mut merged = before.clone();
    for (key, value) in changes {
        if value.as_str().is_empty() {
            merged.remove(&key);
        } else {
            merged.insert(key, value);
        }
    }
    merged
}
