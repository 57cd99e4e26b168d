//! The task queues and the sessions that serve them, behind one lock. Every
//! method takes the lock once for a whole batch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use everturn_dispatch::{
    AckMode, Assignment, DeliveryId, Dispatcher, Expired, Offer, QueueKey, SubscriberId, TaskKind,
};
use everturn_engine::text::Namespace;
use everturn_engine::value::Time;

use crate::clock::WallClock;
use crate::error::Error;
use crate::map::Map;
use crate::options::Options;
use crate::session::{Connecting, SessionCore};
use crate::task_ref::TaskRef;
use crate::typing_adapters::TypingAdapters;
use crate::waiting::{QueueState, QueueType, column};

/// A task that was given to a session.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub task: TaskRef,
    pub delivery: DeliveryId,
    pub session: Arc<SessionCore>,
}

/// The task queues and sessions of this node.
#[derive(Debug)]
pub(crate) struct Workers {
    clock: WallClock,
    inner: Mutex<Inner>,
    /// Those that can show customers that somebody types.
    pub typing: TypingAdapters,
}

#[derive(Debug)]
struct Inner {
    dispatcher: Dispatcher<TaskRef>,
    sessions: Map<SubscriberId, Arc<SessionCore>>,
    scratch: Vec<Assignment<TaskRef>>,
}

/// What the passing of time brought.
#[derive(Debug, Default)]
pub(crate) struct Expiry {
    pub assigned: Vec<Assigned>,
    pub lost: Vec<TaskRef>,
    pub wedged: Vec<Arc<SessionCore>>,
}

impl Workers {
    pub fn new(options: &Options) -> Self {
        let micros =
            |duration: std::time::Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        let dispatcher = Dispatcher::new(everturn_dispatch::Options {
            ack_timeout: micros(options.ack_timeout),
            orphan_grace: micros(options.orphan_grace),
            max_backlog: options.backlog_tasks,
            max_subscribers: options.sessions,
            ..everturn_dispatch::Options::default()
        });
        Self {
            clock: options.clock.clone(),
            inner: Mutex::new(Inner {
                dispatcher,
                sessions: Map::default(),
                scratch: Vec::new(),
            }),
            typing: TypingAdapters::default(),
        }
    }

    /// Registers a worker.
    pub fn connect(&self, worker: Connecting, acks: AckMode) -> Result<Arc<SessionCore>, Error> {
        let now = self.clock.now();
        let mut inner = self.lock();
        let id = inner
            .dispatcher
            .subscribe(now.0, &worker.queues, worker.identity.shared(), acks)
            .map_err(refused)?;
        let polled = matches!(acks, AckMode::Implicit);
        let session = Arc::new(SessionCore::new(id, polled, worker));
        inner.sessions.insert(id, Arc::clone(&session));
        self.typing.connect(&session);
        Ok(session)
    }

    /// Removes a worker. Its unconfirmed tasks go to others.
    pub fn disconnect(&self, id: SubscriberId) -> Vec<Assigned> {
        let mut inner = self.lock();
        let session = inner.sessions.remove(&id);
        if let Some(session) = session {
            self.typing.disconnect(&session);
            // The subscriber is known as long as its session is.
            let _ = inner.dispatcher.unsubscribe(self.clock.now().0, id);
        }
        inner.take_assigned()
    }

    pub fn grant(
        &self,
        id: SubscriberId,
        kind: TaskKind,
        count: u32,
    ) -> Result<Vec<Assigned>, Error> {
        let mut inner = self.lock();
        inner
            .dispatcher
            .grant(self.clock.now().0, id, kind, count)
            .map_err(refused)?;
        Ok(inner.take_assigned())
    }

    pub fn ack(&self, id: SubscriberId, deliveries: &[u64]) {
        let mut inner = self.lock();
        for delivery in deliveries {
            // A late ack of a delivery that was taken back changes nothing.
            let _ = inner.dispatcher.ack(id, DeliveryId(*delivery));
        }
    }

    /// The worker takes no more; what waited for it goes to others.
    pub fn drain(&self, id: SubscriberId) -> Vec<Assigned> {
        let mut inner = self.lock();
        // A session that ended in between has nothing left to give back.
        let _ = inner.dispatcher.drain(self.clock.now().0, id);
        inner.take_assigned()
    }

    /// Offers tasks; those that could be given out at once come back.
    pub fn offer(&self, now: Time, offers: Vec<(QueueKey, Offer<TaskRef>)>) -> Vec<Assigned> {
        let mut inner = self.lock();
        for (queue, offer) in offers {
            inner.dispatcher.offer(now.0, &queue, offer);
        }
        inner.take_assigned()
    }

    /// Forgets tasks whose results have arrived.
    pub fn settle(&self, tasks: &[(SubscriberId, TaskRef)]) {
        let mut inner = self.lock();
        for (id, task) in tasks {
            inner.dispatcher.settle(*id, task);
        }
    }

    /// Forgets a task that turned out not to be wanted; its credit is good for
    /// another one.
    pub fn refund(&self, id: SubscriberId, task: &TaskRef) -> Vec<Assigned> {
        let mut inner = self.lock();
        inner.dispatcher.settle(id, task);
        let _ = inner.dispatcher.refund(self.clock.now().0, id, task.kind());
        inner.take_assigned()
    }

    /// A reconnected worker says that it still runs an attempt.
    pub fn claim(&self, id: SubscriberId, task: &TaskRef) -> bool {
        self.lock().dispatcher.claim(self.clock.now().0, id, task)
    }

    /// An attempt is known to be with some worker; its session, if that worker
    /// is connected.
    pub fn adopt(&self, task: TaskRef, queue: QueueKey) -> Option<Arc<SessionCore>> {
        let mut inner = self.lock();
        let now = self.clock.now().0;
        let holder = inner.dispatcher.adopt_orphan(now, task, queue)?;
        inner.sessions.get(&holder).cloned()
    }

    /// Takes the tasks of a partition out of their queues: it is taken back
    /// from the store, and offers again what is still wanted.
    pub fn withdraw(&self, partition: u32) {
        let mut inner = self.lock();
        inner
            .dispatcher
            .withdraw(|task| task.partition == partition);
    }

    /// Lets time pass.
    pub fn expire(&self) -> Expiry {
        let mut inner = self.lock();
        let mut expired = Vec::new();
        inner.dispatcher.expire(self.clock.now().0, &mut expired);
        let mut expiry = Expiry::default();
        for item in expired {
            match item {
                Expired::Lost(task) => expiry.lost.push(task),
                Expired::Wedged(id) => expiry.wedged.extend(inner.sessions.get(&id).cloned()),
            }
        }
        expiry.assigned = inner.take_assigned();
        expiry
    }

    /// How a queue stands.
    pub fn queue_state(&self, key: &QueueKey) -> QueueState {
        self.lock().queue_state(key)
    }

    /// How the queues of a namespace stand: those that are known, and more.
    pub fn queue_states(
        &self,
        namespace: &str,
        more: impl Iterator<Item = QueueKey>,
    ) -> BTreeMap<(Arc<str>, TaskKind), QueueState> {
        let inner = self.lock();
        let mut keys: Vec<QueueKey> = inner.dispatcher.queues_of(namespace).cloned().collect();
        keys.extend(more);
        let states = keys.into_iter().map(|key| {
            let state = inner.queue_state(&key);
            ((key.name, key.kind), state)
        });
        states.collect()
    }

    /// Queues of all namespaces that nobody serves, as the view names them.
    pub fn unserved(&self, now: Time) -> BTreeSet<Arc<str>> {
        let inner = self.lock();
        let queues = inner.dispatcher.queues().filter(|key| {
            let types = None;
            let stats = inner.dispatcher.describe(key);
            QueueState { stats, types }.unserved_since(now).is_some()
        });
        queues.map(|key| column(&key.name, key.kind)).collect()
    }

    /// Those of one namespace.
    pub fn unserved_in(&self, namespace: &Namespace, now: Time) -> BTreeSet<Arc<str>> {
        let states = self.queue_states(namespace.as_str(), std::iter::empty());
        let unserved = states
            .into_iter()
            .filter(|(_, it)| it.unserved_since(now).is_some());
        unserved
            .map(|((name, kind), _)| column(&name, kind))
            .collect()
    }

    /// What the code of the workers of a namespace uses.
    pub fn used_types(&self, namespace: &str) -> BTreeSet<QueueType> {
        let inner = self.lock();
        let sessions = inner.sessions.values();
        let here = sessions.filter(|it| it.queues.iter().any(|key| &*key.namespace == namespace));
        here.flat_map(|it| it.types.used.iter().cloned()).collect()
    }

    /// Whether more tasks wait than the admission bound allows.
    pub fn is_over_backlog(&self) -> bool {
        self.lock().dispatcher.is_over_backlog()
    }

    /// Tasks that wait in all queues.
    pub fn backlog(&self) -> usize {
        self.lock().dispatcher.backlog()
    }

    /// Every open session, oldest first.
    pub fn sessions(&self) -> Vec<Arc<SessionCore>> {
        let mut sessions: Vec<_> = self.lock().sessions.values().cloned().collect();
        sessions.sort_unstable_by_key(|session| session.id);
        sessions
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn queue_state(&self, key: &QueueKey) -> QueueState {
        let sessions = self.sessions.values();
        let serving = sessions.filter(|session| session.queues.contains(key));
        let types = serving.map(|session| session.types.of(key.kind));
        let known: Option<Vec<_>> = types.collect();
        QueueState {
            stats: self.dispatcher.describe(key),
            types: known.map(|types| types.into_iter().flatten().cloned().collect()),
        }
    }

    fn take_assigned(&mut self) -> Vec<Assigned> {
        self.dispatcher.take_assignments(&mut self.scratch);
        let sessions = &self.sessions;
        self.scratch
            .drain(..)
            .filter_map(|assignment| {
                let session = sessions.get(&assignment.subscriber)?;
                Some(Assigned {
                    task: assignment.task,
                    delivery: assignment.delivery_id,
                    session: Arc::clone(session),
                })
            })
            .collect()
    }
}

fn refused(error: everturn_dispatch::Error) -> Error {
    use everturn_dispatch::Error as E;
    match error {
        E::LimitExceeded { subject, limit } => Error::LimitExceeded {
            subject,
            limit: limit as u64,
        },
        other => Error::internal(&other),
    }
}
