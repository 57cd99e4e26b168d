//! Random operations against the model: no task is ever lost or held twice,
//! credits are never exceeded, each priority is first in, first out. A failure
//! prints the operations, shortened, and keeps its seed in a file beside this
//! one.

use everturn_dispatch::{
    AckMode, DeliveryId, Dispatcher, Error, Offer, Options, QueueKey, SubscriberId, TaskKind,
};
use proptest::prelude::*;

use crate::fixture::{ACK_TIMEOUT, ORPHAN_GRACE, STICKY_WAIT, options, queue, workflow_queue};
use crate::model::{Model, Place, Worker, slot, sorted};

const MAX_CREDITS: u32 = 6;
const MAX_SUBSCRIBERS: usize = 5;

/// Something to do. Numbers pick one of what is there at the time.
#[derive(Clone, Debug)]
enum Op {
    Subscribe {
        queues: u8,
        implicit: bool,
    },
    Grant {
        worker: usize,
        kind: TaskKind,
        count: u32,
    },
    Offer {
        queue: usize,
        priority: u8,
        sticky: Option<usize>,
    },
    Ack {
        worker: usize,
        delivery: u64,
    },
    Settle {
        worker: usize,
        task: usize,
    },
    SettleHeld {
        worker: usize,
        refund: bool,
    },
    Drain {
        worker: usize,
    },
    Unsubscribe {
        worker: usize,
    },
    Claim {
        worker: usize,
        task: usize,
    },
    Adopt {
        queue: usize,
    },
    Withdraw {
        every: u32,
    },
    Pass {
        micros: i64,
    },
}

fn kinds() -> impl Strategy<Value = TaskKind> {
    prop_oneof![Just(TaskKind::Workflow), Just(TaskKind::Activity)]
}

fn ops() -> impl Strategy<Value = Op> {
    let worker = 0..16_usize;
    let queue = 0..4_usize;
    prop_oneof![
        3 => (1..16_u8, prop::bool::weighted(0.3))
            .prop_map(|(queues, implicit)| Op::Subscribe { queues, implicit }),
        8 => (worker.clone(), kinds(), 0..5_u32)
            .prop_map(|(worker, kind, count)| Op::Grant { worker, kind, count }),
        12 => (queue.clone(), 0..12_u8, prop::option::of(worker.clone()))
            .prop_map(|(queue, priority, sticky)| Op::Offer { queue, priority, sticky }),
        6 => (worker.clone(), 1..12_u64)
            .prop_map(|(worker, delivery)| Op::Ack { worker, delivery }),
        1 => (worker.clone(), any::<usize>())
            .prop_map(|(worker, task)| Op::Settle { worker, task }),
        5 => (worker.clone(), any::<bool>())
            .prop_map(|(worker, refund)| Op::SettleHeld { worker, refund }),
        1 => worker.clone().prop_map(|worker| Op::Drain { worker }),
        2 => worker.clone().prop_map(|worker| Op::Unsubscribe { worker }),
        3 => (worker, any::<usize>()).prop_map(|(worker, task)| Op::Claim { worker, task }),
        1 => queue.prop_map(|queue| Op::Adopt { queue }),
        1 => (1..4_u32).prop_map(|every| Op::Withdraw { every }),
        5 => prop::sample::select(vec![0, 1, STICKY_WAIT / 2, STICKY_WAIT, ACK_TIMEOUT / 2,
                ACK_TIMEOUT, ORPHAN_GRACE / 2, ORPHAN_GRACE])
            .prop_map(|micros| Op::Pass { micros }),
    ]
}

struct Run {
    dispatcher: Dispatcher<u32>,
    model: Model,
    queues: Vec<QueueKey>,
    known: Vec<SubscriberId>,
    next_task: u32,
}

impl Run {
    fn new() -> Self {
        let options = Options {
            max_credits: MAX_CREDITS,
            max_subscribers: MAX_SUBSCRIBERS,
            ..options()
        };
        Self {
            dispatcher: Dispatcher::new(options),
            model: Model::default(),
            queues: vec![
                queue("a"),
                queue("b"),
                workflow_queue("a"),
                workflow_queue("b"),
            ],
            known: Vec::new(),
            next_task: 1,
        }
    }

    /// One of the latest workers, possibly one that is gone.
    fn worker(&self, pick: usize) -> SubscriberId {
        let latest = self.known.iter().rev().take(MAX_SUBSCRIBERS + 1);
        let count = latest.len().max(1);
        latest
            .clone()
            .nth(pick % count)
            .copied()
            .unwrap_or(SubscriberId(999))
    }

    fn step(&mut self, op: Op) {
        match op {
            Op::Subscribe { queues, implicit } => self.subscribe(queues, implicit),
            Op::Grant {
                worker,
                kind,
                count,
            } => self.grant(worker, kind, count),
            Op::Offer {
                queue,
                priority,
                sticky,
            } => self.offer(queue, priority, sticky),
            Op::Ack { worker, delivery } => {
                let id = self.worker(worker);
                let acked = self.dispatcher.ack(id, DeliveryId(delivery));
                assert_eq!(acked.is_ok(), self.model.workers.contains_key(&id));
                self.model.ack(id, DeliveryId(delivery));
            }
            Op::Settle { worker, task } => {
                let (id, task) = (self.worker(worker), self.task(task));
                self.dispatcher.settle(id, &task);
                self.model.settle(id, task);
            }
            Op::SettleHeld { worker, refund } => self.settle_held(worker, refund),
            Op::Drain { worker } => {
                let id = self.worker(worker);
                if self.dispatcher.drain(self.model.now, id).is_ok() {
                    self.model.drain(id);
                }
            }
            Op::Unsubscribe { worker } => {
                let id = self.worker(worker);
                if self.dispatcher.unsubscribe(self.model.now, id).is_ok() {
                    self.model.unsubscribe(id, &self.queues);
                }
            }
            Op::Claim { worker, task } => {
                let (id, task) = (self.worker(worker), self.claimable(task));
                let claimed = self.dispatcher.claim(self.model.now, id, &task);
                assert_eq!(claimed, self.model.claim(id, task));
            }
            Op::Adopt { queue } => {
                let until = self.model.now + ORPHAN_GRACE;
                let key = self.queues[queue].clone();
                self.dispatcher
                    .adopt_orphan(self.model.now, self.next_task, key);
                self.model
                    .tasks
                    .insert(self.next_task, Place::Orphan { queue, until });
                self.next_task += 1;
            }
            Op::Withdraw { every } => {
                let is_meant = |task: &u32| task.is_multiple_of(every);
                self.dispatcher.withdraw(is_meant);
                self.model.withdraw(is_meant);
            }
            Op::Pass { micros } => self.pass(micros),
        }
        self.settle_assignments();
    }

    fn subscribe(&mut self, mask: u8, implicit: bool) {
        let queues: Vec<usize> = (0..4).filter(|at| mask & (1 << at) != 0).collect();
        let keys: Vec<_> = queues.iter().map(|at| self.queues[*at].clone()).collect();
        let acks = if implicit {
            AckMode::Implicit
        } else {
            AckMode::Explicit
        };
        let now = self.model.now;
        let subscribed = self.dispatcher.subscribe(now, &keys, "worker".into(), acks);
        let room = self.model.workers.len() < MAX_SUBSCRIBERS;
        assert_eq!(subscribed.is_ok(), room);
        let Ok(id) = subscribed else {
            return;
        };
        assert!(!self.known.contains(&id), "an id is used twice");
        self.known.push(id);
        let worker = Worker {
            queues,
            acks,
            draining: false,
            credits: [0, 0],
            missed_acks: 0,
            next_delivery: 1,
        };
        self.model.workers.insert(id, worker);
    }

    fn grant(&mut self, worker: usize, kind: TaskKind, count: u32) {
        let id = self.worker(worker);
        let granted = self.dispatcher.grant(self.model.now, id, kind, count);
        let Some(worker) = self.model.workers.get_mut(&id) else {
            assert_eq!(granted, Err(Error::UnknownSubscriber));
            return;
        };
        let credits = &mut worker.credits[slot(kind)];
        assert_eq!(granted.is_ok(), *credits + count <= MAX_CREDITS);
        if granted.is_ok() {
            *credits += count;
        }
    }

    fn offer(&mut self, queue: usize, priority: u8, sticky: Option<usize>) {
        let (task, sticky) = (self.next_task, sticky.map(|pick| self.worker(pick)));
        self.next_task += 1;
        self.model.offer(task, queue, priority, sticky);
        let offer = Offer {
            task,
            priority,
            sticky,
        };
        self.dispatcher
            .offer(self.model.now, &self.queues[queue], offer);
    }

    fn settle_held(&mut self, worker: usize, refund: bool) {
        let id = self.worker(worker);
        let Some(task) = self.model.held_by(id).first().copied() else {
            return;
        };
        let Some(Place::Held { queue, .. }) = self.model.tasks.get(&task).cloned() else {
            return;
        };
        let kind = self.queues[queue].kind;
        self.dispatcher.settle(id, &task);
        self.model.settle(id, task);
        if refund {
            let refunded = self.dispatcher.refund(self.model.now, id, kind);
            refunded.expect("the worker is subscribed");
            let worker = self.model.workers.get_mut(&id);
            worker.expect("the worker is subscribed").credits[slot(kind)] += 1;
        }
    }

    fn pass(&mut self, micros: i64) {
        self.model.now += micros;
        let mut expired = Vec::new();
        self.dispatcher.expire(self.model.now, &mut expired);
        let (mut lost, mut wedged) = self.model.expire();
        lost.sort_unstable();
        wedged.sort_unstable();
        assert_eq!(sorted(expired), (lost, wedged));
    }

    fn task(&self, pick: usize) -> u32 {
        u32::try_from(pick % self.next_task as usize).unwrap_or(0)
    }

    /// Mostly an orphan, if there is one.
    fn claimable(&self, pick: usize) -> u32 {
        let orphans = self
            .model
            .tasks_where(|p| matches!(p, Place::Orphan { .. }));
        let orphan = orphans.get(pick % (orphans.len() + 1));
        orphan.copied().unwrap_or_else(|| self.task(pick))
    }

    fn settle_assignments(&mut self) {
        let mut given = Vec::new();
        self.dispatcher.take_assignments(&mut given);
        for assignment in &given {
            self.model.assign(assignment, &self.queues);
        }
        self.model.check(&self.dispatcher, &self.queues);
    }

    /// In the end a worker that does everything takes all that is left.
    fn finish(mut self) {
        for id in self.known.clone() {
            if self.dispatcher.unsubscribe(self.model.now, id).is_ok() {
                self.model.unsubscribe(id, &self.queues);
            }
            self.settle_assignments();
        }
        self.pass(ORPHAN_GRACE);
        self.subscribe(0b1111, false);
        let last = *self.known.last().expect("it was subscribed");
        loop {
            for kind in [TaskKind::Workflow, TaskKind::Activity] {
                self.grant(0, kind, MAX_CREDITS);
                self.settle_assignments();
            }
            let held = self.model.held_by(last);
            if held.is_empty() {
                break;
            }
            for task in held {
                self.dispatcher.settle(last, &task);
                self.model.settle(last, task);
            }
        }
        let left = self.model.tasks_where(|place| *place != Place::Over);
        assert_eq!(left, [], "tasks are stuck");
        assert_eq!(self.dispatcher.backlog(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn random_operations_obey_the_model(ops in prop::collection::vec(ops(), 1..160)) {
        let mut run = Run::new();
        for op in ops {
            run.step(op);
        }
        run.finish();
    }
}
