//! What can be set about the runtime, with bounds.

use std::time::Duration;

use crate::clock::WallClock;
use crate::memory::MemoryReader;

/// Settings of the runtime.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often changed roots are written to the view. Default 1 s.
    pub flush_interval: Duration,
    /// How long a root that only waits stays in memory after its last change.
    /// Default 10 s.
    pub evict_after: Duration,
    /// How long a worker may take for a workflow task before it is offered
    /// again. Default 10 s.
    pub workflow_task_timeout: Duration,
    /// How long a task may stay unacknowledged. Default 5 s.
    pub ack_timeout: Duration,
    /// How long the attempts of a worker that vanished are kept for it to come
    /// back. Default 10 s.
    pub orphan_grace: Duration,
    /// How often a worker should send a ping when it has nothing else to send;
    /// a session that is silent for three intervals is closed. Default 10 s.
    pub ping_interval: Duration,
    /// Requests that may wait for one partition. Default 8,192.
    pub mailbox_requests: usize,
    /// Bytes of one append. Default 4 MiB; a batch ends once it passes this.
    pub append_bytes: usize,
    /// Journal events that the view may lag behind before new work is refused
    /// with BUSY, per partition. Default 500,000.
    pub view_lag_events: usize,
    /// Bytes of memory that the process may use: what only waits leaves memory
    /// sooner when they are short, and near them new work is refused with BUSY.
    /// Default: no bound.
    pub memory_limit: u64,
    /// How much memory the process uses. Default: unknown, which is nothing.
    pub memory: MemoryReader,
    /// Tasks that may wait in all queues before new work is refused with BUSY.
    /// Default 10,000,000.
    pub backlog_tasks: usize,
    /// Worker sessions that may be open. Default 10,000.
    pub sessions: usize,
    /// Watchers that may be open. Default 5,000.
    pub watchers: usize,
    /// Updates that may wait for one watcher before it counts as lagging.
    /// Default 256.
    pub watcher_updates: usize,
    /// Bytes of journal in one workflow task or page. Default 1 MiB.
    pub page_bytes: usize,
    /// How often this node tells the store of several nodes that it lives.
    /// Default 1 s.
    pub heartbeat_interval: Duration,
    /// Where wall time comes from. Default: the system.
    pub clock: WallClock,
    /// What run ids and the jitter of retries are derived from; the same seed
    /// gives the same ones. Default `None`: random.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            flush_interval: Duration::from_secs(1),
            evict_after: Duration::from_secs(10),
            workflow_task_timeout: Duration::from_secs(10),
            ack_timeout: Duration::from_secs(5),
            orphan_grace: Duration::from_secs(10),
            ping_interval: Duration::from_secs(10),
            mailbox_requests: 8_192,
            append_bytes: 4 * 1024 * 1024,
            view_lag_events: 500_000,
            memory_limit: u64::MAX,
            memory: MemoryReader::default(),
            backlog_tasks: 10_000_000,
            sessions: 10_000,
            watchers: 5_000,
            watcher_updates: 256,
            page_bytes: 1024 * 1024,
            heartbeat_interval: Duration::from_secs(1),
            clock: WallClock::default(),
            seed: None,
        }
    }
}
