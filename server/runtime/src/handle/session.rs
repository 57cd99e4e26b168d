//! A connected worker, for whoever serves its stream.

use std::sync::Arc;
use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::decide::{ActivityToken, Beat};
use everturn_engine::text::{Namespace, QueueName, RootKey, Text};
use futures::StreamExt as _;

use crate::error::Error;
use crate::handle::Handle;
use crate::session::{Reporter, SessionCore, SessionTypes};
use crate::task::{OutputPiece, TaskResult, WorkItem};

/// Heartbeats, or claims of a reconnected worker, that are looked at together.
pub(super) const CONCURRENT_VISITS: usize = 256;

/// What a worker says about itself when it connects.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Namespace of its queues.
    pub namespace: Namespace,
    /// Queues to serve.
    pub queues: Vec<(QueueName, TaskKind)>,
    /// Queues of deliveries that the worker can reconcile.
    pub reconciles: Vec<QueueName>,
    /// Queues of deliveries whose customers it can show that somebody types.
    pub shows_typing: Vec<QueueName>,
    /// Who it is, for people.
    pub identity: Text,
    /// Attempts that it still runs from an earlier session.
    pub running: Vec<(RootKey, ActivityToken)>,
    /// What it says about its code.
    pub types: SessionTypes,
    /// Bytes of state values that it keeps for later turns; 0: it is sent all
    /// of them with each turn.
    pub state_cache_bytes: usize,
}

/// One long poll of a worker without a session.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Namespace of the queue.
    pub namespace: Namespace,
    /// The queue.
    pub queue: QueueName,
    /// Who the worker is, for people.
    pub identity: Text,
    /// How long to wait for the first task.
    pub max_wait: Duration,
}

/// A connected worker. Dropping it disconnects the worker: tasks that it never
/// acknowledged go back to their queues at once, attempts that it was running
/// are kept a while for it to come back.
#[derive(Debug)]
pub struct Session {
    pub(super) core: Arc<SessionCore>,
    pub(super) handle: Handle,
}

impl Session {
    /// Number of the session, for logs.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.core.id.0
    }

    /// The worker can take more tasks of a kind.
    ///
    /// # Errors
    /// `LimitExceeded` when it grants more than the bound.
    pub fn grant(&self, kind: TaskKind, count: u32) -> Result<(), Error> {
        self.handle.grant(&self.core, kind, count)
    }

    /// Deliveries have arrived.
    pub fn ack(&self, delivery_ids: &[u64]) {
        self.handle.workers().ack(self.core.id, delivery_ids);
    }

    /// Reports results; the answers come out of [`Session::next`]. Waits only
    /// while the partitions are behind.
    pub async fn report(&self, results: Vec<TaskResult>) {
        let reporter = Reporter::Session(Arc::clone(&self.core));
        self.handle.send_results(reporter, results).await;
    }

    /// Attempts are alive. Those that should stop get a `WorkItem::Cancel`.
    pub async fn heartbeats(&self, beats: Vec<(RootKey, ActivityToken, Beat)>) {
        let beats = futures::stream::iter(beats);
        beats
            .for_each_concurrent(CONCURRENT_VISITS, |(root, token, beat)| async move {
                let fenced = match self.handle.heartbeat(root.clone(), token, beat).await {
                    Ok(true) => false,
                    Err(Error::Rejected(_)) => true,
                    Ok(false) | Err(_) => return,
                };
                self.core.push(WorkItem::Cancel {
                    root,
                    token,
                    fenced,
                });
            })
            .await;
    }

    /// Hands on pieces of output. Those whose attempts are over get a
    /// `WorkItem::Cancel`.
    pub async fn outputs(&self, pieces: Vec<OutputPiece>) {
        let attempts: Vec<(RootKey, ActivityToken)> = pieces
            .iter()
            .map(|piece| (piece.root.clone(), piece.token))
            .collect();
        let current = self.handle.outputs_of(pieces).await;
        for ((root, token), current) in attempts.into_iter().zip(current) {
            if !current {
                self.core.push(WorkItem::Cancel {
                    root,
                    token,
                    fenced: true,
                });
            }
        }
    }

    /// The worker takes no more tasks.
    pub fn drain(&self) {
        let assigned = self.handle.workers().drain(self.core.id);
        self.handle.shared().route(assigned);
    }

    /// Everything for the worker that waits, at least one item; `None` once
    /// the runtime closed the session.
    pub async fn next(&self) -> Option<Vec<WorkItem>> {
        self.core.next().await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.handle.disconnect(&self.core);
    }
}
