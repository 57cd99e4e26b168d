//! Bounds, and what happens when a caller goes beyond them.

use thiserror::Error;

/// Bounds of a dispatcher. Times are in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a delivery may stay unacknowledged. Default 5 s.
    pub ack_timeout: i64,
    /// How long a task whose worker vanished is kept for it to come back.
    /// Default 10 s.
    pub orphan_grace: i64,
    /// How long a task waits for the credit of the worker that has its run
    /// in the cache. Default 200 ms.
    pub sticky_wait: i64,
    /// Deliveries in a row that a worker may fail to acknowledge before it
    /// counts as wedged. Default 3.
    pub max_missed_acks: u32,
    /// Tasks that may wait before `is_over_backlog` says so. Default 10,000,000.
    pub max_backlog: usize,
    /// Credits of one kind that a worker may have outstanding. Default 10,000.
    pub max_credits: u32,
    /// Workers that may be subscribed. Default 10,000.
    pub max_subscribers: usize,
    /// Queues that a worker may serve. Default 256.
    pub max_queues: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ack_timeout: 5_000_000,
            orphan_grace: 10_000_000,
            sticky_wait: 200_000,
            max_missed_acks: 3,
            max_backlog: 10_000_000,
            max_credits: 10_000,
            max_subscribers: 10_000,
            max_queues: 256,
        }
    }
}

/// Why a call was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No worker has this id (any longer).
    #[error("the worker is not subscribed")]
    UnknownSubscriber,
    /// A bound was reached.
    #[error("limit reached: {subject} at most {limit}")]
    LimitExceeded {
        /// What is bounded.
        subject: &'static str,
        /// The bound.
        limit: usize,
    },
}
