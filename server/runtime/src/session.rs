//! Sessions of workers inside the runtime: what a worker says about itself,
//! its outbox, and who is told what became of a result.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use everturn_dispatch::{DeliveryId, QueueKey, SubscriberId, TaskKind};
use everturn_engine::text::{QueueName, Text};
use tokio::sync::{Notify, mpsc};

use crate::error::Error;
use crate::journal::Entry;
use crate::known_values::KnownValues;
use crate::task::WorkItem;
use crate::waiting::QueueType;

/// Items that may wait for one session before it counts as stuck and is
/// closed. Tasks are bounded by credits; this bounds the answers.
const OUTBOX_ITEMS: usize = 100_000;

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
    pub shows_typing: Vec<QueueName>,
    pub types: SessionTypes,
    /// Bytes of state values that it keeps.
    pub state_cache_bytes: usize,
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
    /// Queues of deliveries whose customers it can show that somebody types.
    shows_typing: Vec<QueueName>,
    /// Queues that it serves.
    pub queues: Vec<QueueKey>,
    /// What it says about its code.
    pub types: SessionTypes,
    /// What it has of the states of conversations.
    pub values: KnownValues,
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
            shows_typing: worker.shows_typing,
            queues: worker.queues,
            types: worker.types,
            values: KnownValues::new(worker.state_cache_bytes),
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

    /// Whether it can show that somebody types.
    pub fn shows_typing(&self) -> bool {
        !self.shows_typing.is_empty()
    }

    /// Whether it can for the deliveries of a queue that it serves.
    pub fn shows_typing_of(&self, queue: &QueueKey) -> bool {
        let mut shown = self.shows_typing.iter();
        shown.any(|name| name.as_str() == &*queue.name) && self.queues.contains(queue)
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
