//! The dispatcher: offers meet credits.

use crate::ids::{DeliveryId, Map, QueueIndex, SubscriberId};
use crate::options::{Error, Options};
use crate::queue::{Assignment, Offer, QueueStats};
use crate::queues::Queues;
use crate::subscriber::{AckMode, Delivery, Subscriber};
use crate::task::{Item, QueueKey, TaskKind, TaskRef};
use crate::timeouts::Timeouts;

/// All task queues of a node.
#[derive(Debug)]
pub struct Dispatcher<T: TaskRef> {
    pub(crate) options: Options,
    pub(crate) queues: Queues<T>,
    pub(crate) subscribers: Map<SubscriberId, Subscriber<T>>,
    pub(crate) next_subscriber: u64,
    next_offer: u64,
    /// Who has a task that left its queue.
    pub(crate) held: Map<T, (SubscriberId, DeliveryId)>,
    pub(crate) timeouts: Timeouts<T>,
    /// Tasks in queues and tasks that wait for one worker.
    pub(crate) backlog: usize,
    assignments: Vec<Assignment<T>>,
}

impl<T: TaskRef> Dispatcher<T> {
    /// A dispatcher without queues or workers.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            queues: Queues::default(),
            subscribers: Map::default(),
            next_subscriber: 1,
            next_offer: 1,
            held: Map::default(),
            timeouts: Timeouts::default(),
            backlog: 0,
            assignments: Vec::new(),
        }
    }

    /// Puts a task into a queue, or gives it out at once. The task is new: it
    /// does not wait already.
    pub fn offer(&mut self, now: i64, key: &QueueKey, offer: Offer<T>) {
        let index = self.queues.find_or_add(now, key);
        let item = Item {
            task: offer.task,
            priority: offer.priority,
            sequence: self.next_offer,
            enqueued_at: now,
        };
        self.next_offer += 1;
        if let Some(id) = offer.sticky
            && let Some(subscriber) = self.subscribers.get_mut(&id)
            && !subscriber.draining
            && subscriber.served(index).is_some()
        {
            if subscriber.can_take(key.kind) {
                self.assign(now, id, index, item);
            } else {
                let until = now.saturating_add(self.options.sticky_wait);
                self.timeouts.sticky.push_back((until, id));
                subscriber.sticky.push_back((index, item));
                self.backlog += 1;
            }
            return;
        }
        self.backlog += 1;
        self.queues[index].push(item);
        self.pump(now, index);
    }

    /// Takes out what was assigned since the last call.
    pub fn take_assignments(&mut self, out: &mut Vec<Assignment<T>>) {
        out.append(&mut self.assignments);
    }

    /// A delivery has arrived.
    ///
    /// # Errors
    /// `UnknownSubscriber`.
    pub fn ack(&mut self, id: SubscriberId, delivery: DeliveryId) -> Result<(), Error> {
        let subscriber = self
            .subscribers
            .get_mut(&id)
            .ok_or(Error::UnknownSubscriber)?;
        subscriber.missed_acks = 0;
        if let Some(delivery) = subscriber.deliveries.get_mut(&delivery) {
            delivery.returns_to = None;
        }
        Ok(())
    }

    /// The result of a task has arrived, or the task turned out to be stale:
    /// forgets it. No effect if the worker does not have it.
    pub fn settle(&mut self, id: SubscriberId, task: &T) {
        self.timeouts.forget_orphan(task);
        let Some((task, (holder, delivery))) = self.held.remove_entry(task) else {
            return;
        };
        if holder != id {
            self.held.insert(task, (holder, delivery));
        } else if let Some(subscriber) = self.subscribers.get_mut(&id) {
            // Who answers is alive, with or without an acknowledgement.
            subscriber.missed_acks = 0;
            subscriber.deliveries.remove(&delivery);
        }
    }

    /// Takes tasks out that wait, because whoever offered them is going to do
    /// so again. What workers have stays with them. Looks at every task that
    /// waits.
    pub fn withdraw(&mut self, is_meant: impl Fn(&T) -> bool) {
        let mut count = 0;
        for index in self.queues.all() {
            count += self.queues[index].withdraw(&is_meant);
            self.queues.forget_if_unused(index);
        }
        for subscriber in self.subscribers.values_mut() {
            let before = subscriber.sticky.len();
            subscriber.sticky.retain(|(_, item)| !is_meant(&item.task));
            count += before - subscriber.sticky.len();
        }
        self.backlog -= count;
    }

    /// Whether more tasks wait than there should.
    #[must_use]
    pub fn is_over_backlog(&self) -> bool {
        self.backlog > self.options.max_backlog
    }

    /// Tasks that wait, in all queues.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.backlog
    }

    /// Names of the workers, for people.
    pub fn identities(&self) -> impl Iterator<Item = (SubscriberId, &str)> {
        self.subscribers.iter().map(|(id, s)| (*id, &*s.identity))
    }

    /// Queues that are known: those with a task or a worker.
    #[must_use]
    pub fn queue_count(&self) -> usize {
        self.queues.len()
    }

    /// How a queue stands.
    #[must_use]
    pub fn describe(&self, key: &QueueKey) -> QueueStats {
        let Some(index) = self.queues.find(key) else {
            return QueueStats::default();
        };
        let queue = &self.queues[index];
        let mut stats = QueueStats {
            backlog: queue.backlog,
            oldest_enqueued_at: queue.oldest(),
            subscribers: queue.subscribers,
            unserved_since: queue.unserved_since,
        };
        let sticky = self.subscribers.values().flat_map(|s| &s.sticky);
        for (_, item) in sticky.filter(|(of, _)| *of == index) {
            let oldest = stats.oldest_enqueued_at.unwrap_or(item.enqueued_at);
            stats.oldest_enqueued_at = Some(oldest.min(item.enqueued_at));
            stats.backlog += 1;
        }
        stats
    }

    /// The queues that are known: those with a task or a worker.
    pub fn queues(&self) -> impl Iterator<Item = &QueueKey> {
        self.queues.iter().map(|queue| &queue.key)
    }

    /// Those of a namespace.
    pub fn queues_of(&self, namespace: &str) -> impl Iterator<Item = &QueueKey> {
        self.queues()
            .filter(move |key| &*key.namespace == namespace)
    }

    /// Tasks go back to their places in their queues.
    pub(crate) fn put_back(&mut self, now: i64, items: Vec<(QueueIndex, Item<T>)>) {
        let mut touched = Vec::with_capacity(items.len());
        for (index, item) in items {
            self.queues[index].restore(item);
            touched.push(index);
        }
        touched.sort_unstable();
        touched.dedup();
        for index in touched {
            self.pump(now, index);
        }
    }

    /// Gives tasks of a queue to workers with credit, in turn.
    fn pump(&mut self, now: i64, index: QueueIndex) {
        let kind = self.queues[index].key.kind;
        while self.queues[index].backlog > 0 {
            let Some(id) = self.queues[index].ready.pop_front() else {
                return;
            };
            let Some(subscriber) = self.subscribers.get_mut(&id) else {
                continue;
            };
            let credits = if subscriber.draining {
                0
            } else {
                *subscriber.credits(kind)
            };
            if let Some(served) = subscriber.served(index) {
                served.listed = credits > 1;
            }
            if credits > 1 {
                self.queues[index].ready.push_back(id);
            }
            if credits == 0 {
                continue;
            }
            if let Some(item) = self.queues[index].pop() {
                self.backlog -= 1;
                self.assign(now, id, index, item);
            }
        }
    }

    /// Gives a worker with new credit what waits for it, then what waits in
    /// its queues, in turn; with what is left it waits for offers.
    pub(crate) fn use_credits(&mut self, now: i64, id: SubscriberId, kind: TaskKind) {
        while let Some(subscriber) = self.subscribers.get_mut(&id)
            && subscriber.can_take(kind)
        {
            let queues = &mut self.queues;
            let own = subscriber
                .sticky
                .iter()
                .position(|(q, _)| queues[*q].key.kind == kind);
            let next = match own.and_then(|at| subscriber.sticky.remove(at)) {
                Some(waited) => Some(waited),
                None => subscriber
                    .next_queue(kind, |index| queues[index].backlog > 0)
                    .and_then(|index| queues[index].pop().map(|item| (index, item))),
            };
            let Some((index, item)) = next else {
                for served in subscriber
                    .queues
                    .iter_mut()
                    .filter(|s| s.kind == kind && !s.listed)
                {
                    served.listed = true;
                    queues[served.index].ready.push_back(id);
                }
                return;
            };
            self.backlog -= 1;
            self.assign(now, id, index, item);
        }
    }

    fn assign(&mut self, now: i64, id: SubscriberId, index: QueueIndex, item: Item<T>) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else {
            return;
        };
        let queue = &self.queues[index].key;
        *subscriber.credits(queue.kind) -= 1;
        let (task, enqueued_at) = (item.task.clone(), item.enqueued_at);
        let returns_to = Some(index).filter(|_| subscriber.acks == AckMode::Explicit);
        let delivery_id = subscriber.deliver(Delivery {
            item,
            kind: queue.kind,
            returns_to,
        });
        if returns_to.is_some() {
            let until = now.saturating_add(self.options.ack_timeout);
            self.timeouts.unacked.push_back((until, id, delivery_id));
        }
        self.assignments.push(Assignment {
            subscriber: id,
            delivery_id,
            queue: queue.clone(),
            task: task.clone(),
            enqueued_at,
        });
        self.hold(task, id, delivery_id);
    }

    /// Notes who has a task; whoever had it before has it no longer.
    pub(crate) fn hold(&mut self, task: T, id: SubscriberId, delivery: DeliveryId) {
        if let Some((before, stale)) = self.held.insert(task, (id, delivery))
            && let Some(subscriber) = self.subscribers.get_mut(&before)
        {
            subscriber.deliveries.remove(&stale);
        }
    }
}
