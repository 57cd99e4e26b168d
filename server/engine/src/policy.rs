//! Policies with their defaults: retries, activity options, turns.

use minicbor::{Decode, Encode};

use crate::text::{QueueName, Text};
use crate::value::{Failure, Span};

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

/// When messages become turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
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
}

impl Default for TurnPolicy {
    fn default() -> Self {
        Self {
            quiet: Span(0),
            max_wait: Span(0),
            max_messages: 0,
            on_busy: OnBusy::Queue,
            interrupt_grace: Span::from_secs(10),
        }
    }
}
