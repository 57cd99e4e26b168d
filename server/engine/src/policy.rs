//! Policies with their defaults: retries, activity options, turns.

mod outside;

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::text::{QueueName, Text, TypeName};
use crate::value::{Assignee, Failure, InboundEvent, Span, Usage};

pub use outside::{AfterCap, ChannelPolicy, OnAutomatic, OnEdit, OnUndeliverable, OptOut, TurnCap};

/// When and how often a failed attempt is repeated.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RetryPolicy {
    /// Delay before the second attempt.
    #[n(0)]
    pub initial_interval: Span,
    /// Growth of the delay per attempt, at least 1.
    #[n(1)]
    pub backoff_coefficient: f64,
    /// Upper bound of the delay.
    #[n(2)]
    pub maximum_interval: Span,
    /// Number of attempts in all; 0 is unlimited.
    #[n(3)]
    pub maximum_attempts: u32,
    /// Failure types that are never retried.
    #[n(4)]
    pub non_retryable_types: Vec<Text>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            initial_interval: Span::from_secs(1),
            backoff_coefficient: 2.0,
            maximum_interval: Span::from_secs(100),
            maximum_attempts: 0,
            non_retryable_types: Vec::new(),
        }
    }
}

impl RetryPolicy {
    /// Delay before the attempt that follows `attempt`, or `None` if there
    /// is none. `jitter` from 0 to 1 takes up to 10 % off a computed delay,
    /// so that failures that came together do not come back together.
    #[must_use]
    pub fn delay_after(&self, attempt: u32, failure: &Failure, jitter: f64) -> Option<Span> {
        let exhausted = self.maximum_attempts != 0 && attempt >= self.maximum_attempts;
        if exhausted
            || failure.non_retryable
            || self.non_retryable_types.contains(&failure.type_name)
        {
            return None;
        }
        if let Some(delay) = failure.retry_after {
            return Some(delay);
        }
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial_interval.0 as f64 * self.backoff_coefficient.powi(exponent);
        let bounded = grown.min(self.maximum_interval.0 as f64);
        Some(Span(
            (bounded * (1.0 - 0.1 * jitter.clamp(0.0, 1.0))) as i64,
        ))
    }
}

/// Where an activity runs and how long it may take, defaults filled in.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct ActivityOptions {
    /// Task queue of the workers that run it.
    #[n(0)]
    pub task_queue: QueueName,
    /// When and how often a failed attempt is repeated.
    #[n(1)]
    pub retry: RetryPolicy,
    /// From being queued until a worker takes the attempt.
    #[n(2)]
    pub schedule_to_start: Option<Span>,
    /// From a worker taking the attempt until its result.
    #[n(3)]
    pub start_to_close: Span,
    /// From being scheduled until the last result.
    #[n(4)]
    pub schedule_to_close: Option<Span>,
    /// Longest silence between two heartbeats.
    #[n(5)]
    pub heartbeat: Option<Span>,
    /// Order within the task queue: 0 is first, 9 last.
    #[n(6)]
    pub priority: u8,
    /// What an attempt is expected to use: reserved from the budget while it
    /// runs. `None`: as much as the activity used before.
    #[n(7)]
    pub estimate: Option<Box<Usage>>,
}

impl ActivityOptions {
    /// The default bound of an attempt.
    pub const START_TO_CLOSE: Span = Span::from_secs(600);
    /// The default priority.
    pub const PRIORITY: u8 = 4;

    /// The defaults, on a given task queue.
    #[must_use]
    pub fn on(task_queue: QueueName) -> Self {
        Self {
            task_queue,
            retry: RetryPolicy::default(),
            schedule_to_start: None,
            start_to_close: Self::START_TO_CLOSE,
            schedule_to_close: None,
            heartbeat: None,
            priority: Self::PRIORITY,
            estimate: None,
        }
    }
}

/// What happens to a message that arrives while a turn is running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum OnBusy {
    /// It waits for the next turn.
    #[default]
    #[n(1)]
    Queue,
    /// The running turn is interrupted.
    #[n(2)]
    Interrupt,
    /// It is delivered into the running turn.
    #[n(3)]
    Steer,
}

/// Hours of the day in which agents do not write first.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct QuietHours {
    /// IANA name of the time zone.
    #[n(0)]
    pub time_zone: Text,
    /// First minute of the day, below 1,440.
    #[n(1)]
    pub start_minute: u16,
    /// Minute of the day at which they end, below 1,440; before the start: on
    /// the next day.
    #[n(2)]
    pub end_minute: u16,
}

/// How often agents may write first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FrequencyCap {
    /// Proactive messages in any window.
    #[n(0)]
    pub max_messages: u32,
    /// Length of the window.
    #[n(1)]
    pub window: Span,
}

/// What a conversation may use.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Budget {
    /// Tokens; 0: no bound.
    #[n(0)]
    pub tokens: u64,
    /// Cost in millionths of the currency; 0: no bound.
    #[n(1)]
    pub cost_micros: u64,
    /// Currency of the cost.
    #[n(2)]
    pub currency: Text,
}

impl Budget {
    /// Whether what was used reaches a bound.
    #[must_use]
    pub fn is_reached(&self, usage: &Usage) -> bool {
        let tokens = self.tokens != 0 && usage.tokens() >= self.tokens;
        let same_currency = usage.currency == self.currency;
        let cost = self.cost_micros != 0 && same_currency && usage.cost_micros >= self.cost_micros;
        tokens || cost
    }

    /// The budget with every bound raised by another's.
    #[must_use]
    pub fn raised_by(&self, step: &Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(step.tokens),
            cost_micros: self.cost_micros.saturating_add(step.cost_micros),
            currency: self.currency.clone(),
        }
    }
}

/// What follows a turn that did not complete.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OnTurnFailure {
    /// Attempts in all at what a turn was given, at least 1.
    #[n(0)]
    pub attempts: u32,
    /// Delay before the second attempt; doubled for each one after it.
    #[n(1)]
    pub backoff: Span,
    /// What follows the last one.
    #[n(2)]
    pub then: AfterFailure,
}

/// What follows the last failed attempt of a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum AfterFailure {
    /// Nothing: its messages are the next turn's, whatever starts it.
    #[default]
    #[n(0)]
    Wait,
    /// The conversation is handed over.
    #[n(1)]
    HandOff(#[n(0)] Assignee),
    /// An event of this type.
    #[n(2)]
    Event(#[n(0)] TypeName),
}

impl AfterFailure {
    /// Whether an event is the one that says that a turn failed.
    #[must_use]
    pub fn is_told_by(&self, event: &InboundEvent) -> bool {
        matches!(self, Self::Event(name) if event.event_type == *name)
    }
}

impl Default for OnTurnFailure {
    fn default() -> Self {
        Self {
            attempts: 1,
            backoff: Self::BACKOFF,
            then: AfterFailure::Wait,
        }
    }
}

impl OnTurnFailure {
    /// The default delay before the second attempt.
    pub const BACKOFF: Span = Span::from_secs(5);
    /// The longest delay before an attempt.
    pub const BACKOFF_MAX: Span = Span::from_secs(3_600);

    /// Delay before the attempt that follows `attempt`, if there is one.
    #[must_use]
    pub fn delay_after(&self, attempt: u32) -> Option<Span> {
        if attempt >= self.attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(32);
        let delay = self.backoff.0.saturating_mul(1_i64 << doublings);
        Some(Span(delay.min(Self::BACKOFF_MAX.0)))
    }
}

/// What conversations of a type begin with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct TypeSettings {
    /// Turn policy.
    #[n(0)]
    pub policy: TurnPolicy,
    /// How long a closed conversation is kept.
    #[n(1)]
    pub retention: Option<Span>,
}

/// When messages become turns.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TurnPolicy {
    /// A turn starts when no message came for this long.
    #[n(0)]
    pub quiet: Span,
    /// A turn starts at the latest this long after the first message.
    #[n(1)]
    pub max_wait: Span,
    /// A turn starts at once when this many messages wait; 0: no such bound.
    #[n(2)]
    pub max_messages: u32,
    /// What a message does to a running turn.
    #[n(3)]
    pub on_busy: OnBusy,
    /// How long an interrupted turn may clean up.
    #[n(4)]
    pub interrupt_grace: Span,
    /// What an event does to a running turn.
    #[n(5)]
    pub on_event: OnBusy,
    /// Silence of both sides after which a turn starts.
    #[n(6)]
    pub idle_timeout: Option<Span>,
    /// Silence of the customer after our message after which a turn starts.
    #[n(7)]
    pub customer_timeout: Option<Span>,
    /// Wait of the customer for an answer after which a turn starts.
    #[n(8)]
    pub staff_timeout: Option<Span>,
    /// When agents do not write first.
    #[n(9)]
    pub quiet_hours: Option<QuietHours>,
    /// How often agents may write first.
    #[n(10)]
    pub frequency_cap: Option<FrequencyCap>,
    /// What the conversation may use.
    #[n(11)]
    pub budget: Option<Budget>,
    /// What follows a turn that did not complete.
    #[n(12)]
    #[cbor(default)]
    pub on_turn_failure: OnTurnFailure,
    /// Interrupts of one episode; after that what comes waits for the next
    /// turn. 0: the default.
    #[n(13)]
    #[cbor(default)]
    pub max_interrupts: u32,
    /// Time from the first turn of an episode after which none of its turns is
    /// interrupted.
    #[n(14)]
    pub max_delay: Option<Span>,
    /// What a message does to a closed conversation.
    #[n(15)]
    #[cbor(default)]
    pub on_closed: OnClosed,
    /// What a message does under the id of an erased conversation.
    #[n(16)]
    #[cbor(default)]
    pub on_erased: OnErased,
    /// What a person's message does to a conversation that agents own.
    #[n(17)]
    #[cbor(default)]
    pub on_human_message: OnHumanMessage,
    /// What follows a handover that nobody has taken up.
    #[n(18)]
    pub handoff_timeout: Option<HandoffTimeout>,
    /// What holds for deliveries, by channel.
    #[n(19)]
    #[cbor(default)]
    pub channels: BTreeMap<Text, ChannelPolicy>,
    /// How many turns it may have in a while.
    #[n(20)]
    #[cbor(default)]
    pub turn_cap: TurnCap,
    /// What a message of a machine does.
    #[n(21)]
    #[cbor(default)]
    pub on_automatic: OnAutomatic,
    /// Addresses of ours: what comes from them is no customer's message.
    #[n(22)]
    #[cbor(default)]
    pub own_addresses: Vec<Text>,
    /// What the change of an older message does.
    #[n(23)]
    #[cbor(default)]
    pub on_edit: OnEdit,
}

impl TurnPolicy {
    /// Whether an address is one of ours, in whichever case it is written.
    #[must_use]
    pub fn is_own(&self, address: &Text) -> bool {
        let mut own = self.own_addresses.iter();
        own.any(|it| it.as_str().eq_ignore_ascii_case(address.as_str()))
    }

    /// How long a message is worth sending by a channel.
    #[must_use]
    pub fn expires_after(&self, channel: &Text) -> Span {
        let own = self.channels.get(channel).and_then(|it| it.expires_after);
        own.unwrap_or_else(|| ChannelPolicy::expiry_of(channel))
    }

    /// Interrupts of one episode unless the policy says otherwise.
    pub const MAX_INTERRUPTS: u32 = 3;

    /// How often the turns of an episode may be interrupted.
    #[must_use]
    pub fn interrupts(&self) -> u32 {
        match self.max_interrupts {
            0 => Self::MAX_INTERRUPTS,
            given => given,
        }
    }
}

/// What a customer's message does to a conversation that is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum OnClosed {
    /// It is open again, if it was not closed too long ago.
    #[default]
    #[n(1)]
    Reopen,
    /// The message is refused.
    #[n(2)]
    Refuse,
}

/// What a person's message does to a conversation that agents own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum OnHumanMessage {
    /// The person owns it from here on.
    #[default]
    #[n(1)]
    TakeOver,
    /// The agents keep it.
    #[n(2)]
    Keep,
    /// The message is refused.
    #[n(3)]
    Refuse,
}

/// What follows a handover in which no person has written.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HandoffTimeout {
    /// After how long.
    #[n(0)]
    pub after: Span,
    /// What.
    #[n(1)]
    pub then: AfterHandoff,
}

/// What follows a handover that nobody has taken up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum AfterHandoff {
    /// The agents have it again.
    #[default]
    #[n(0)]
    HandBack,
    /// Somebody else has it.
    #[n(1)]
    HandOff(#[n(0)] Assignee),
    /// The agents have it again, with an event of this type.
    #[n(2)]
    Event(#[n(0)] TypeName),
}

/// What a message or event does under the id of an erased conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum OnErased {
    /// It is refused.
    #[default]
    #[n(1)]
    Refuse,
    /// A new conversation begins.
    #[n(2)]
    BeginAnew,
}

impl Default for TurnPolicy {
    fn default() -> Self {
        Self {
            quiet: Span(0),
            max_wait: Span(0),
            max_messages: 0,
            on_busy: OnBusy::Queue,
            interrupt_grace: Span::from_secs(10),
            on_event: OnBusy::Queue,
            idle_timeout: None,
            customer_timeout: None,
            staff_timeout: None,
            quiet_hours: None,
            frequency_cap: None,
            budget: None,
            on_turn_failure: OnTurnFailure::default(),
            max_interrupts: Self::MAX_INTERRUPTS,
            max_delay: None,
            on_closed: OnClosed::default(),
            on_erased: OnErased::default(),
            on_human_message: OnHumanMessage::default(),
            handoff_timeout: None,
            channels: BTreeMap::new(),
            turn_cap: TurnCap::default(),
            on_automatic: OnAutomatic::default(),
            own_addresses: Vec::new(),
            on_edit: OnEdit::default(),
        }
    }
}
