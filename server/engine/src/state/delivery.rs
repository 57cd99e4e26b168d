//! The outbox of a conversation: messages on their way to the customer.

use minicbor::{Decode, Encode};

use crate::event::{DeliveryStatus, Slot};
use crate::limits;
use crate::policy::RetryPolicy;
use crate::text::{QueueName, StepKey, Text};
use crate::value::{Message, Span, Time};

/// Longest time that an adapter may take for one attempt.
pub const SEND_TIMEOUT: Span = Span::from_secs(60);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Span = Span::from_secs(300);

/// The delivery of one message.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Delivery {
    /// The message's position in the transcript.
    #[n(0)]
    pub sequence: u64,
    /// Its channel.
    #[n(1)]
    pub channel: Text,
    /// Address it goes to.
    #[n(2)]
    pub address: Text,
    /// How it stands.
    #[n(3)]
    pub status: DeliveryStatus,
    /// Number of the current attempt, from 1; of the last one once it is over.
    #[n(4)]
    pub attempt: u32,
    /// Id that the provider gave it, or empty.
    #[n(5)]
    pub provider_message_id: Text,
    /// Why it failed or is unknown, or what the provider said.
    #[n(6)]
    pub detail: Text,
    /// When its status last changed.
    #[n(7)]
    pub updated: Time,
    /// The message, as long as an adapter may need it.
    #[n(8)]
    pub message: Option<Box<Message>>,
    /// The run and command that sent it, if a turn did.
    #[n(9)]
    pub sender: Option<(Slot, StepKey)>,
    /// Epoch and adapter of the attempt that is under way.
    #[n(10)]
    pub holder: Option<Holder>,
    /// When the next attempt may start, while backing off.
    #[n(11)]
    pub next_at: Option<Time>,
    /// The next attempt has to ask the provider first.
    #[n(12)]
    pub reconcile: bool,
    /// When it began; again, if it was sent again.
    #[n(13)]
    #[cbor(default)]
    pub created: Time,
    /// Ids that the provider gave the messages that it answers.
    #[n(14)]
    #[cbor(default)]
    pub in_reply_to: Vec<Text>,
    /// It was to start while it must not: the conversation was paused, or an
    /// earlier one by its channel was under way. It is offered once it may.
    /// Not stored: a restart finds out again.
    #[cbor(skip)]
    pub stands_still: bool,
}

/// The adapter that has an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Holder {
    /// Results with another epoch are fenced.
    #[n(0)]
    pub epoch: u64,
    /// Identity of the worker.
    #[n(1)]
    pub worker: Text,
    /// It can find out whether a message was sent.
    #[n(2)]
    pub reconciles: bool,
    /// Since when.
    #[n(3)]
    pub since: Time,
}

impl Delivery {
    /// A delivery that has not begun.
    pub(super) fn new(message: &Message, address: Text, sender: Option<(Slot, StepKey)>) -> Self {
        Self {
            sequence: message.sequence,
            channel: message.channel.clone(),
            address,
            status: DeliveryStatus::Pending,
            attempt: 1,
            provider_message_id: Text::default(),
            detail: Text::default(),
            updated: message.time,
            message: Some(Box::new(message.clone())),
            sender,
            holder: None,
            next_at: None,
            reconcile: false,
            created: message.time,
            in_reply_to: Vec::new(),
            stands_still: false,
        }
    }

    /// Since when it is on its way.
    #[must_use]
    pub fn since(&self) -> Time {
        // One that was stored before this was kept.
        if self.created == Time(0) {
            self.updated
        } else {
            self.created
        }
    }

    /// Until when it holds back what goes out by its channel after it.
    #[must_use]
    pub fn holds_until(&self) -> Option<Time> {
        let hold = Span::from_secs(limits::DELIVERY_HOLD_SECONDS);
        self.is_under_way().then(|| self.since() + hold)
    }

    /// The task queue of its adapters.
    #[must_use]
    pub fn queue(&self) -> QueueName {
        format!("deliver.{}", self.channel).into()
    }

    /// How failed attempts are repeated, while the message is worth sending.
    #[must_use]
    pub fn retry_policy() -> RetryPolicy {
        RetryPolicy {
            maximum_interval: LONGEST_PAUSE,
            ..RetryPolicy::default()
        }
    }

    /// When something happens to it by itself: the next attempt may start, or
    /// the current one has taken too long.
    #[must_use]
    pub fn due(&self) -> Option<Time> {
        match (&self.holder, self.next_at) {
            (Some(holder), _) => Some(holder.since + SEND_TIMEOUT),
            (None, next_at) => next_at,
        }
    }

    /// Whether it waits in the queue of its channel.
    #[must_use]
    pub fn is_queued(&self) -> bool {
        self.status == DeliveryStatus::Pending && self.next_at.is_none()
    }

    /// Whether an adapter has to do with it.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(
            self.status,
            DeliveryStatus::Pending | DeliveryStatus::Sending
        )
    }
}
