//! Sessions of workers: what they are given and what they report.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use everturn_dispatch::{DeliveryId, QueueKey, SubscriberId, TaskKind};
use everturn_engine::decide::{ActivityStart, ActivityToken, Beat, Completion, TaskToken};
use everturn_engine::event::RunId;
use everturn_engine::text::{Namespace, QueueName, RootKey, Text, TypeName, WorkflowId};
use everturn_engine::value::{Failure, Payload, Usage};
use futures::StreamExt as _;
use tokio::sync::{Notify, mpsc};

use crate::error::Error;
use crate::handle::Handle;
use crate::journal::Entry;
use crate::waiting::QueueType;

/// Items that may wait for one session before it counts as stuck and is
/// closed. Tasks are bounded by credits; this bounds the answers.
const OUTBOX_ITEMS: usize = 100_000;
/// Heartbeats, or claims of a reconnected worker, that are looked at together.
pub(crate) const CONCURRENT_VISITS: usize = 256;

/// What a worker says about itself when it connects.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// Namespace of its queues.
    pub namespace: Namespace,
    /// Queues to serve.
    pub queues: Vec<(QueueName, TaskKind)>,
    /// Queues of deliveries that the worker can reconcile.
    pub reconciles: Vec<QueueName>,
    /// Who it is, for people.
    pub identity: Text,
    /// Attempts that it still runs from an earlier session.
    pub running: Vec<(RootKey, ActivityToken)>,
    /// What it says about its code.
    pub types: SessionTypes,
}

/// What a worker says about its code.
#[derive(Clone, Debug, Default)]
pub struct SessionTypes {
    /// Activities that it has; empty if it does not say.
    pub activities: Vec<Arc<str>>,
    /// Workflow types that it has; likewise.
    pub workflows: Vec<Arc<str>>,
    /// Types that it asks other workers for.
    pub used: Vec<QueueType>,
}

impl SessionTypes {
    /// The types of a kind; `None` if it does not say.
    pub(crate) fn of(&self, kind: TaskKind) -> Option<&[Arc<str>]> {
        let types = match kind {
            TaskKind::Activity => &self.activities,
            TaskKind::Workflow => &self.workflows,
        };
        Some(&types[..]).filter(|types| !types.is_empty())
    }
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

/// A result that a worker reports.
#[derive(Clone, Debug)]
pub struct TaskResult {
    /// Number chosen by the worker.
    pub result_id: u64,
    /// The root that the task belongs to.
    pub root: RootKey,
    /// What is reported.
    pub body: ResultBody,
}

/// What a result says.
#[derive(Clone, Debug)]
pub enum ResultBody {
    /// An attempt succeeded.
    ActivityCompleted {
        /// The attempt.
        token: ActivityToken,
        /// What it returned.
        result: Payload,
        /// What it used, if it said so.
        usage: Option<Box<Usage>>,
    },
    /// An attempt failed.
    ActivityFailed {
        /// The attempt.
        token: ActivityToken,
        /// How.
        failure: Failure,
        /// What it used, if it said so.
        usage: Option<Box<Usage>>,
    },
    /// The provider took a message.
    DeliveryAccepted {
        /// The attempt.
        token: ActivityToken,
        /// Id that the provider gave it, or empty.
        provider_message_id: Text,
    },
    /// A workflow task was completed.
    TaskCompleted {
        /// The task.
        token: TaskToken,
        /// What its code wants.
        completion: Completion,
        /// The worker keeps the run in its cache.
        cached: bool,
    },
    /// A workflow task could not be run.
    TaskFailed {
        /// The task.
        token: TaskToken,
        /// Why.
        failure: Failure,
    },
    /// A workflow task is wanted again with the whole journal.
    TaskNeedsJournal {
        /// The task.
        token: TaskToken,
    },
}

/// A piece of the partial output of an attempt.
#[derive(Clone, Debug)]
pub struct OutputPiece {
    /// The root.
    pub root: RootKey,
    /// The attempt.
    pub token: ActivityToken,
    /// Position in its output, from 1.
    pub sequence: u64,
    /// The piece.
    pub data: Bytes,
}

/// An attempt for a worker to run.
#[derive(Clone, Debug)]
pub struct ActivityTask {
    /// Number of the delivery in its session; 0 when polled.
    pub delivery_id: u64,
    /// The root.
    pub root: RootKey,
    /// Names the attempt when it is reported.
    pub token: ActivityToken,
    /// The attempt.
    pub start: ActivityStart,
    /// Workflow id of the run.
    pub workflow_id: WorkflowId,
    /// Run id of the run.
    pub run_id: RunId,
}

/// A run whose code has something to do.
#[derive(Clone, Debug)]
pub struct WorkflowTask {
    /// Number of the delivery in its session; 0 when polled.
    pub delivery_id: u64,
    /// The root.
    pub root: RootKey,
    /// Names the task when it is reported.
    pub token: TaskToken,
    /// Workflow id.
    pub workflow_id: WorkflowId,
    /// Run id.
    pub run_id: RunId,
    /// Workflow type.
    pub type_name: TypeName,
    /// The worker's cached run continues from this event; 0: from nothing.
    pub previous: u64,
    /// The events to apply; possibly only the first page.
    pub entries: Vec<Arc<Entry>>,
    /// There are no more than these.
    pub complete: bool,
    /// The last event of the journal.
    pub through: u64,
}

/// Something for a worker.
#[derive(Clone, Debug)]
pub enum WorkItem {
    /// An attempt to run.
    Activity(Box<ActivityTask>),
    /// A workflow task to run.
    Workflow(Box<WorkflowTask>),
    /// A result is durable.
    Accepted(u64),
    /// A result was not taken.
    Rejected {
        /// Its number.
        result_id: u64,
        /// Why.
        error: Error,
        /// Events to deliver before completing again.
        unread: Vec<Arc<Entry>>,
    },
    /// An attempt should stop.
    Cancel {
        /// The root.
        root: RootKey,
        /// The attempt.
        token: ActivityToken,
        /// It is over already.
        fenced: bool,
    },
    /// A cached run is of no more use.
    Evict(RunId),
    /// The server is shutting down.
    Draining,
}

impl WorkItem {
    /// Whether it goes back to its queue when its session is closed before it
    /// left. The task queues give back themselves what is to be confirmed, but
    /// do not know that a delivery that never left is not lost.
    pub(crate) fn goes_back(&self) -> bool {
        match self {
            Self::Activity(task) => task.delivery_id == 0 || task.token.slot == 0,
            Self::Workflow(task) => task.delivery_id == 0,
            _ => false,
        }
    }

    /// Roughly what it adds to a message on the wire, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        const NAMES: usize = 4 * 1024;
        let content = match self {
            Self::Activity(task) => {
                let activity = &task.start.activity;
                let details = activity.heartbeat_details.as_ref();
                activity.input.size_bytes() + details.map_or(0, Payload::size_bytes)
            }
            // It is a page at most.
            Self::Workflow(task) => task.entries.iter().map(|entry| entry.size_bytes()).sum(),
            _ => 0,
        };
        NAMES + content
    }
}

/// What became of a result; with a rejection the events to deliver first.
pub(crate) type Judgement = Result<(), (Error, Vec<Arc<Entry>>)>;

/// Who reported a result and wants to know what became of it.
#[derive(Clone, Debug)]
pub(crate) enum Reporter {
    /// A connected worker.
    Session(Arc<SessionCore>),
    /// A caller that waits for its answers; its channel has room for all.
    Caller(mpsc::Sender<(u64, Judgement)>),
}

impl Reporter {
    /// Says what became of a result.
    pub fn answer(&self, result_id: u64, judgement: Judgement) {
        match (self, judgement) {
            (Self::Session(session), Ok(())) => {
                session.push(WorkItem::Accepted(result_id));
            }
            (Self::Session(session), Err((error, unread))) => {
                session.push(WorkItem::Rejected {
                    result_id,
                    error,
                    unread,
                });
            }
            (Self::Caller(answers), judgement) => {
                // A caller that went away needs no answer.
                let _ = answers.try_send((result_id, judgement));
            }
        }
    }

    /// The session, if it is one.
    pub fn session(&self) -> Option<&Arc<SessionCore>> {
        match self {
            Self::Session(session) => Some(session),
            Self::Caller(_) => None,
        }
    }
}

/// A worker that connects.
#[derive(Debug)]
pub(crate) struct Connecting {
    pub queues: Vec<QueueKey>,
    pub identity: Text,
    pub reconciles: Vec<QueueName>,
    pub types: SessionTypes,
}

/// The shared part of a session: its outbox.
#[derive(Debug)]
pub(crate) struct SessionCore {
    pub id: SubscriberId,
    pub identity: Text,
    /// Deliveries need no acknowledgement: a single poll.
    polled: bool,
    /// Queues of deliveries that it can reconcile.
    reconciles: Vec<QueueName>,
    /// Queues that it serves.
    pub queues: Vec<QueueKey>,
    /// What it says about its code.
    pub types: SessionTypes,
    outbox: Mutex<Outbox>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct Outbox {
    items: Vec<WorkItem>,
    closed: bool,
}

impl SessionCore {
    pub fn new(id: SubscriberId, polled: bool, worker: Connecting) -> Self {
        Self {
            id,
            identity: worker.identity,
            polled,
            reconciles: worker.reconciles,
            queues: worker.queues,
            types: worker.types,
            outbox: Mutex::default(),
            notify: Notify::new(),
        }
    }

    /// The number under which a delivery is to be acknowledged; 0: not at all.
    pub fn delivery_id(&self, delivery: DeliveryId) -> u64 {
        if self.polled { 0 } else { delivery.0 }
    }

    /// Whether it can find out what became of deliveries of a queue.
    pub fn can_reconcile(&self, queue: &QueueName) -> bool {
        self.reconciles.contains(queue)
    }

    /// Adds an item for the worker; dropped when the session is closed.
    pub fn push(&self, item: WorkItem) {
        self.push_or_return(item);
    }

    /// Adds an item for the worker; it comes back when the session is closed.
    pub fn push_or_return(&self, item: WorkItem) -> Option<WorkItem> {
        let mut outbox = self.outbox();
        let mut refused = None;
        if outbox.closed {
            return Some(item);
        }
        if outbox.items.len() >= OUTBOX_ITEMS {
            tracing::warn!(session = self.id.0, "worker does not read, session closed");
            outbox.closed = true;
            refused = Some(item);
        } else {
            outbox.items.push(item);
        }
        drop(outbox);
        self.notify.notify_one();
        refused
    }

    /// Ends the session; what is still in the outbox is returned.
    pub fn close(&self) -> Vec<WorkItem> {
        let mut outbox = self.outbox();
        outbox.closed = true;
        let rest = std::mem::take(&mut outbox.items);
        drop(outbox);
        self.notify.notify_one();
        rest
    }

    /// Everything that waits, at least one item; `None` once closed.
    pub async fn next(&self) -> Option<Vec<WorkItem>> {
        loop {
            {
                let mut outbox = self.outbox();
                if !outbox.items.is_empty() {
                    return Some(std::mem::take(&mut outbox.items));
                }
                if outbox.closed {
                    return None;
                }
            }
            self.notify.notified().await;
        }
    }

    fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connected worker. Dropping it disconnects the worker: tasks that it never
/// acknowledged go back to their queues at once, attempts that it was running
/// are kept a while for it to come back.
#[derive(Debug)]
pub struct Session {
    pub(crate) core: Arc<SessionCore>,
    pub(crate) handle: Handle,
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
