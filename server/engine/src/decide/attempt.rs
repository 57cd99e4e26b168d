//! An attempt of an activity or a delivery: what names it, and what its worker
//! is given.

use crate::event::Slot;
use crate::state::run::Activity;
use crate::text::Text;
use crate::value::{Message, Time};

/// Names one delivery of one attempt. Slot 0 is the outbox of a conversation:
/// then `activity` is the position of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ActivityToken {
    /// The run.
    pub slot: Slot,
    /// Event id of its `ActivityScheduled`.
    pub activity: u64,
    /// Number of the attempt.
    pub attempt: u32,
    /// Epoch of the delivery.
    pub epoch: u64,
}

/// An attempt that began.
#[derive(Clone, Debug)]
pub struct ActivityStart {
    /// Epoch of this delivery, part of the task token.
    pub epoch: u64,
    /// When the attempt will time out.
    pub deadline: Time,
    /// The activity. Cheap to clone: its payloads are shared.
    pub activity: Activity,
    /// The start must be durable before the task leaves, because there is no
    /// second attempt.
    pub durable_first: bool,
    /// The message to deliver, if the task is a delivery.
    pub delivery: Option<Box<DeliveryTask>>,
    /// For the outside world: the same for every attempt, and for the turns of
    /// an episode. Empty: the workflow id, "/" and the key.
    pub idempotency_key: Text,
}

/// What an adapter is given.
#[derive(Clone, Debug)]
pub struct DeliveryTask {
    /// The message.
    pub message: Box<Message>,
    /// Address it goes to.
    pub address: Text,
    /// The same for every attempt.
    pub idempotency_key: Text,
    /// Ask the provider first.
    pub reconcile: bool,
    /// What it answers.
    pub in_reply_to: InReplyTo,
    /// Id that the provider gave the message which it changes, or empty.
    pub changed_provider_message_id: Text,
}

/// What a delivery answers, as the provider knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InReplyTo {
    /// Ids of the messages that it answers, oldest first.
    pub provider_message_ids: Vec<Text>,
    /// What the customer's last message was about, or empty.
    pub subject: Text,
    /// Ids of the thread's messages, oldest first.
    pub references: Vec<Text>,
}
