//! Workers come and go, with their credits and with the tasks that they have.

use std::sync::Arc;

use crate::dispatcher::Dispatcher;
use crate::ids::{QueueIndex, SubscriberId};
use crate::options::Error;
use crate::subscriber::{AckMode, Delivery, Served, Subscriber};
use crate::task::{Item, QueueKey, TaskKind, TaskRef};

impl<T: TaskRef> Dispatcher<T> {
    /// Registers a worker. It gets nothing until it grants credits.
    ///
    /// # Errors
    /// `LimitExceeded` for too many workers or queues.
    pub fn subscribe(
        &mut self,
        now: i64,
        queues: &[QueueKey],
        identity: Arc<str>,
        acks: AckMode,
    ) -> Result<SubscriberId, Error> {
        bound(
            self.subscribers.len() + 1,
            self.options.max_subscribers,
            "worker sessions",
        )?;
        bound(
            queues.len(),
            self.options.max_queues,
            "task queues of a worker",
        )?;
        let places = queues.iter().map(|key| self.queues.find_or_add(now, key));
        let mut indexes: Vec<QueueIndex> = places.collect();
        indexes.sort_unstable();
        indexes.dedup();
        let serve = |index: QueueIndex| {
            self.queues[index].subscribers += 1;
            Served {
                index,
                kind: self.queues[index].key.kind,
                listed: false,
            }
        };
        let served = indexes.into_iter().map(serve).collect();
        let id = SubscriberId(self.next_subscriber);
        self.next_subscriber += 1;
        self.subscribers
            .insert(id, Subscriber::new(identity, acks, served));
        Ok(id)
    }

    /// Adds credits: the worker can take so many more tasks of a kind.
    ///
    /// # Errors
    /// `UnknownSubscriber`; `LimitExceeded` above the bound of credits.
    pub fn grant(
        &mut self,
        now: i64,
        id: SubscriberId,
        kind: TaskKind,
        count: u32,
    ) -> Result<(), Error> {
        let max = self.options.max_credits;
        let subscriber = self
            .subscribers
            .get_mut(&id)
            .ok_or(Error::UnknownSubscriber)?;
        let credits = subscriber.credits(kind);
        let granted = credits.saturating_add(count);
        bound(granted as usize, max as usize, "credits of a worker")?;
        *credits = granted;
        self.use_credits(now, id, kind);
        Ok(())
    }

    /// An assignment turned out to be stale: its credit is good for another.
    ///
    /// # Errors
    /// `UnknownSubscriber`.
    pub fn refund(&mut self, now: i64, id: SubscriberId, kind: TaskKind) -> Result<(), Error> {
        let subscriber = self
            .subscribers
            .get_mut(&id)
            .ok_or(Error::UnknownSubscriber)?;
        // It was within the bound when it was granted.
        let credits = subscriber.credits(kind);
        *credits = credits.saturating_add(1);
        self.use_credits(now, id, kind);
        Ok(())
    }

    /// The worker takes no more tasks; what waited for it goes to others.
    ///
    /// # Errors
    /// `UnknownSubscriber`.
    pub fn drain(&mut self, now: i64, id: SubscriberId) -> Result<(), Error> {
        let subscriber = self
            .subscribers
            .get_mut(&id)
            .ok_or(Error::UnknownSubscriber)?;
        subscriber.draining = true;
        let waiting = std::mem::take(&mut subscriber.sticky);
        self.put_back(now, waiting.into());
        Ok(())
    }

    /// Removes a worker. Deliveries that it never acknowledged go back to the
    /// front of their queues; of the others workflow tasks are lost at once
    /// and activities get a grace. An implicit worker's stay where they are.
    ///
    /// # Errors
    /// `UnknownSubscriber`.
    pub fn unsubscribe(&mut self, now: i64, id: SubscriberId) -> Result<(), Error> {
        let subscriber = self
            .subscribers
            .remove(&id)
            .ok_or(Error::UnknownSubscriber)?;
        for served in &subscriber.queues {
            let queue = &mut self.queues[served.index];
            queue.subscribers -= 1;
            queue.unserved_since = now;
            if served.listed {
                queue.ready.retain(|ready| *ready != id);
            }
        }
        let mut back = Vec::from(subscriber.sticky);
        let mut deliveries: Vec<_> = subscriber.deliveries.into_iter().collect();
        deliveries.sort_unstable_by_key(|(id, _)| *id);
        for (_, delivery) in deliveries {
            let task = delivery.item.task.clone();
            self.held.remove(&task);
            if subscriber.acks == AckMode::Implicit {
                continue;
            }
            match (delivery.returns_to, delivery.kind) {
                (Some(queue), _) => {
                    self.backlog += 1;
                    back.push((queue, delivery.item));
                }
                (None, TaskKind::Workflow) => self.timeouts.lost.push(task),
                (None, kind @ TaskKind::Activity) => {
                    let until = now.saturating_add(self.options.orphan_grace);
                    self.timeouts.add_orphan(until, task, kind);
                }
            }
        }
        self.put_back(now, back);
        for served in &subscriber.queues {
            self.queues.forget_if_unused(served.index);
        }
        Ok(())
    }

    /// A worker that came back says that it still has a task. True: it may go
    /// on.
    pub fn claim(&mut self, now: i64, id: SubscriberId, task: &T) -> bool {
        let Some(subscriber) = self.subscribers.get_mut(&id) else {
            return false;
        };
        let Some(kind) = self.timeouts.forget_orphan(task) else {
            return false;
        };
        let item = Item {
            task: task.clone(),
            priority: 0,
            sequence: 0,
            enqueued_at: now,
        };
        let delivery = subscriber.deliver(Delivery {
            item,
            kind,
            returns_to: None,
        });
        self.hold(task.clone(), id, delivery);
        true
    }

    /// A task of a queue is known to be with some worker: with one that is
    /// connected, who is the answer, or with one that is not (yet) and has a
    /// while to come. It does not go back to the queue, which may be unknown.
    pub fn adopt_orphan(&mut self, now: i64, task: T, queue: QueueKey) -> Option<SubscriberId> {
        if let Some((holder, _)) = self.held.get(&task) {
            return Some(*holder);
        }
        let until = now.saturating_add(self.options.orphan_grace);
        self.timeouts.add_orphan(until, task, queue.kind);
        None
    }
}

fn bound(count: usize, limit: usize, subject: &'static str) -> Result<(), Error> {
    if count <= limit {
        Ok(())
    } else {
        Err(Error::LimitExceeded { subject, limit })
    }
}
