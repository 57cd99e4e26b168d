//! A model of the dispatcher that is too simple to be wrong: where each task
//! is, and what each worker may still take. It does not predict who gets a
//! task, it judges whether the dispatcher was allowed to give it.

use std::collections::BTreeMap;

use everturn_dispatch::{
    AckMode, Assignment, DeliveryId, Dispatcher, Expired, QueueKey, SubscriberId, TaskKind,
};

use crate::fixture::{ACK_TIMEOUT, MAX_MISSED_ACKS, ORPHAN_GRACE, STICKY_WAIT};

/// Where a task is.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    Waiting {
        queue: usize,
        priority: u8,
        sticky: Option<(SubscriberId, i64)>,
    },
    Held {
        queue: usize,
        priority: u8,
        by: SubscriberId,
        delivery: Option<DeliveryId>,
        /// When it must be acknowledged, if it still must.
        ack_until: Option<i64>,
    },
    Orphan {
        queue: usize,
        until: i64,
    },
    /// To be reported as lost by the next expiry.
    Losing,
    /// Settled, lost, or with a poller that is gone.
    Over,
}

#[derive(Clone, Debug)]
pub struct Worker {
    pub queues: Vec<usize>,
    pub acks: AckMode,
    pub draining: bool,
    pub credits: [u32; 2],
    pub missed_acks: u32,
    pub next_delivery: u64,
}

#[derive(Debug, Default)]
pub struct Model {
    pub now: i64,
    pub tasks: BTreeMap<u32, Place>,
    pub workers: BTreeMap<SubscriberId, Worker>,
}

pub fn slot(kind: TaskKind) -> usize {
    match kind {
        TaskKind::Workflow => 0,
        TaskKind::Activity => 1,
    }
}

impl Model {
    pub fn offer(&mut self, task: u32, queue: usize, priority: u8, sticky: Option<SubscriberId>) {
        let wanted = sticky.filter(|id| {
            let worker = self.workers.get(id);
            worker.is_some_and(|worker| !worker.draining && worker.queues.contains(&queue))
        });
        let place = Place::Waiting {
            queue,
            priority,
            sticky: wanted.map(|id| (id, self.now + STICKY_WAIT)),
        };
        assert_eq!(self.tasks.insert(task, place), None);
    }

    /// The tasks that a worker has.
    pub fn held_by(&self, id: SubscriberId) -> Vec<u32> {
        let held = |place: &Place| matches!(place, Place::Held { by, .. } if *by == id);
        self.tasks_where(held)
    }

    pub fn tasks_where(&self, wanted: impl Fn(&Place) -> bool) -> Vec<u32> {
        let tasks = self.tasks.iter().filter(|(_, place)| wanted(place));
        tasks.map(|(task, _)| *task).collect()
    }

    pub fn ack(&mut self, id: SubscriberId, acked: DeliveryId) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.missed_acks = 0;
        }
        for place in self.tasks.values_mut() {
            if let Place::Held {
                by,
                delivery,
                ack_until,
                ..
            } = place
                && (*by, *delivery) == (id, Some(acked))
            {
                *ack_until = None;
            }
        }
    }

    pub fn settle(&mut self, id: SubscriberId, task: u32) {
        match self.tasks.get(&task) {
            Some(Place::Held { by, .. }) if *by == id => {
                self.tasks.insert(task, Place::Over);
                if let Some(worker) = self.workers.get_mut(&id) {
                    worker.missed_acks = 0;
                }
            }
            Some(Place::Orphan { .. }) => {
                self.tasks.insert(task, Place::Over);
            }
            _ => {}
        }
    }

    pub fn withdraw(&mut self, is_meant: impl Fn(&u32) -> bool) {
        for (task, place) in &mut self.tasks {
            if matches!(place, Place::Waiting { .. }) && is_meant(task) {
                *place = Place::Over;
            }
        }
    }

    pub fn drain(&mut self, id: SubscriberId) {
        self.workers
            .get_mut(&id)
            .expect("it is subscribed")
            .draining = true;
        self.unstick(|by, _| by == id);
    }

    pub fn unsubscribe(&mut self, id: SubscriberId, queues: &[QueueKey]) {
        let worker = self.workers.remove(&id).expect("it is subscribed");
        self.unstick(|by, _| by == id);
        for task in self.held_by(id) {
            let place = self.tasks.get_mut(&task).expect("it is held");
            let Place::Held {
                queue,
                priority,
                ack_until,
                ..
            } = *place
            else {
                continue;
            };
            *place = match (worker.acks, ack_until, queues[queue].kind) {
                (AckMode::Implicit, ..) => Place::Over,
                (_, Some(_), _) => waiting(queue, priority),
                (_, None, TaskKind::Workflow) => Place::Losing,
                (_, None, TaskKind::Activity) => Place::Orphan {
                    queue,
                    until: self.now + ORPHAN_GRACE,
                },
            };
        }
    }

    /// Whether a claim is good; if so the worker has the task.
    pub fn claim(&mut self, id: SubscriberId, task: u32) -> bool {
        let Some(Place::Orphan { queue, .. }) = self.tasks.get(&task) else {
            return false;
        };
        let Some(worker) = self.workers.get_mut(&id) else {
            return false;
        };
        worker.next_delivery += 1;
        let place = Place::Held {
            queue: *queue,
            priority: 0,
            by: id,
            delivery: None,
            ack_until: None,
        };
        self.tasks.insert(task, place);
        true
    }

    /// What must come out of an expiry: lost tasks, then wedged workers.
    pub fn expire(&mut self) -> (Vec<u32>, Vec<SubscriberId>) {
        let now = self.now;
        let lost = self.tasks_where(|place| match place {
            Place::Losing => true,
            Place::Orphan { until, .. } => *until <= now,
            _ => false,
        });
        for task in &lost {
            self.tasks.insert(*task, Place::Over);
        }
        self.unstick(|_, until| until <= now);
        let mut wedged = Vec::new();
        for place in self.tasks.values_mut() {
            if let Place::Held {
                queue,
                priority,
                by,
                ack_until: Some(until),
                ..
            } = *place
                && until <= now
            {
                *place = waiting(queue, priority);
                let worker = self.workers.get_mut(&by).expect("it is subscribed");
                worker.missed_acks += 1;
                if worker.missed_acks == MAX_MISSED_ACKS {
                    wedged.push(by);
                }
            }
        }
        (lost, wedged)
    }

    /// Tasks stop waiting for one worker.
    fn unstick(&mut self, ended: impl Fn(SubscriberId, i64) -> bool) {
        for place in self.tasks.values_mut() {
            if let Place::Waiting { sticky, .. } = place
                && sticky.is_some_and(|(id, until)| ended(id, until))
            {
                *sticky = None;
            }
        }
    }

    /// Judges one assignment and carries it out.
    pub fn assign(&mut self, given: &Assignment<u32>, queues: &[QueueKey]) {
        let place = self.tasks.get(&given.task).expect("the task was offered");
        let Place::Waiting {
            queue,
            priority,
            sticky,
        } = *place
        else {
            panic!("{given:?} is at {place:?}");
        };
        assert_eq!(given.queue, queues[queue]);
        match sticky {
            Some((id, _)) => assert_eq!(given.subscriber, id, "{given:?} waits for another"),
            None => self.assert_first(queue, priority, given.task),
        }
        let worker = self.workers.get_mut(&given.subscriber);
        let worker = worker.expect("the worker is subscribed");
        assert!(worker.queues.contains(&queue), "{given:?} is not served");
        assert!(!worker.draining, "{given:?} goes to a draining worker");
        assert_eq!(given.delivery_id, DeliveryId(worker.next_delivery));
        worker.next_delivery += 1;
        let credits = &mut worker.credits[slot(given.queue.kind)];
        *credits = credits.checked_sub(1).expect("the worker has credit");
        let ack_until = match worker.acks {
            AckMode::Explicit => Some(self.now + ACK_TIMEOUT),
            AckMode::Implicit => None,
        };
        let place = Place::Held {
            queue,
            priority,
            by: given.subscriber,
            delivery: Some(given.delivery_id),
            ack_until,
        };
        self.tasks.insert(given.task, place);
    }

    /// First in, first out for each priority: tasks are numbered as offered.
    fn assert_first(&self, of: usize, its_priority: u8, task: u32) {
        for (other, place) in &self.tasks {
            if let Place::Waiting {
                queue,
                priority,
                sticky: None,
            } = place
                && *queue == of
            {
                let before = (priority.min(&9), other) < (&its_priority.min(9), &task);
                assert!(!before, "{task} leaves before {other}");
            }
        }
    }

    /// What must hold whenever all assignments were taken out.
    pub fn check(&self, dispatcher: &Dispatcher<u32>, queues: &[QueueKey]) {
        let mut waiting = vec![0; queues.len()];
        for (task, place) in &self.tasks {
            let Place::Waiting { queue, sticky, .. } = place else {
                continue;
            };
            waiting[*queue] += 1;
            let kind = slot(queues[*queue].kind);
            let idle = self.workers.iter().find(|(id, worker)| {
                sticky.is_none_or(|(wanted, _)| wanted == **id)
                    && worker.queues.contains(queue)
                    && !worker.draining
                    && worker.credits[kind] > 0
            });
            assert!(
                idle.is_none(),
                "{task} waits although {idle:?} could take it"
            );
        }
        assert_eq!(dispatcher.backlog(), waiting.iter().sum::<usize>());
        let served = |at: &usize| self.workers.values().any(|w| w.queues.contains(at));
        let used = (0..queues.len()).filter(|at| waiting[*at] > 0 || served(at));
        assert_eq!(dispatcher.queue_count(), used.count(), "queues are known");
        for (at, key) in queues.iter().enumerate() {
            let stats = dispatcher.describe(key);
            let serving = self.workers.values().filter(|w| w.queues.contains(&at));
            assert_eq!(stats.backlog, waiting[at]);
            assert_eq!(stats.subscribers, serving.count());
            assert_eq!(stats.oldest_enqueued_at.is_some(), waiting[at] > 0);
        }
    }
}

fn waiting(queue: usize, priority: u8) -> Place {
    Place::Waiting {
        queue,
        priority,
        sticky: None,
    }
}

/// Lost tasks and wedged workers, sorted.
pub fn sorted(expired: Vec<Expired<u32>>) -> (Vec<u32>, Vec<SubscriberId>) {
    let mut lost = Vec::new();
    let mut wedged = Vec::new();
    for item in expired {
        match item {
            Expired::Lost(task) => lost.push(task),
            Expired::Wedged(id) => wedged.push(id),
        }
    }
    lost.sort_unstable();
    wedged.sort_unstable();
    (lost, wedged)
}
