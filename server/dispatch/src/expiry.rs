//! What the passing of time does to tasks and workers.

use crate::dispatcher::Dispatcher;
use crate::ids::{QueueIndex, SubscriberId};
use crate::task::{Item, TaskRef};

/// Something that time has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expired<T> {
    /// The worker of a task went away and did not come back.
    Lost(T),
    /// A worker does not acknowledge what it is given: close its session.
    Wedged(SubscriberId),
}

impl<T: TaskRef> Dispatcher<T> {
    /// Lets time pass: unacknowledged deliveries go back to their queues,
    /// orphans are lost, tasks stop waiting for one worker.
    pub fn expire(&mut self, now: i64, out: &mut Vec<Expired<T>>) {
        out.extend(self.timeouts.lost.drain(..).map(Expired::Lost));
        self.expire_orphans(now, out);
        // All come back before any leaves again, so that the order is kept.
        let mut back = Vec::new();
        self.expire_sticky(now, &mut back);
        self.expire_unacked(now, out, &mut back);
        self.put_back(now, back);
    }

    fn expire_orphans(&mut self, now: i64, out: &mut Vec<Expired<T>>) {
        let timeouts = &mut self.timeouts;
        while let Some((until, task)) = timeouts
            .orphan_order
            .pop_front_if(|(until, _)| *until <= now)
        {
            // One that was claimed and left again has a later entry.
            if timeouts
                .orphans
                .get(&task)
                .is_some_and(|orphan| orphan.until == until)
            {
                timeouts.orphans.remove(&task);
                out.push(Expired::Lost(task));
            }
        }
    }

    fn expire_sticky(&mut self, now: i64, back: &mut Vec<(QueueIndex, Item<T>)>) {
        let last_offer = now.saturating_sub(self.options.sticky_wait);
        while let Some((_, id)) = self
            .timeouts
            .sticky
            .pop_front_if(|(until, _)| *until <= now)
        {
            let Some(subscriber) = self.subscribers.get_mut(&id) else {
                continue;
            };
            let due = |(_, item): &mut (QueueIndex, Item<T>)| item.enqueued_at <= last_offer;
            while let Some(waited) = subscriber.sticky.pop_front_if(due) {
                back.push(waited);
            }
        }
    }

    fn expire_unacked(
        &mut self,
        now: i64,
        out: &mut Vec<Expired<T>>,
        back: &mut Vec<(QueueIndex, Item<T>)>,
    ) {
        while let Some((_, id, delivery_id)) = self
            .timeouts
            .unacked
            .pop_front_if(|(until, ..)| *until <= now)
        {
            let Some(subscriber) = self.subscribers.get_mut(&id) else {
                continue;
            };
            let Some((queue, item)) = subscriber.take_unacked(delivery_id) else {
                continue;
            };
            subscriber.missed_acks += 1;
            if subscriber.missed_acks == self.options.max_missed_acks {
                out.push(Expired::Wedged(id));
            }
            self.held.remove(&item.task);
            // The credit is not given back: a worker that does not even
            // acknowledge gets less and less, until its session ends.
            self.backlog += 1;
            back.push((queue, item));
        }
    }
}
