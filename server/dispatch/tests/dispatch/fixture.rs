//! A dispatcher of numbered tasks with a clock that only moves when told.

use everturn_dispatch::{
    AckMode, Assignment, Dispatcher, Expired, Offer, Options, QueueKey, SubscriberId, TaskKind,
};

pub const ACK_TIMEOUT: i64 = 5_000;
pub const ORPHAN_GRACE: i64 = 10_000;
pub const STICKY_WAIT: i64 = 200;
pub const MAX_MISSED_ACKS: u32 = 3;

pub struct Fixture {
    pub dispatcher: Dispatcher<u32>,
    pub now: i64,
}

pub fn queue(name: &str) -> QueueKey {
    QueueKey {
        namespace: "default".into(),
        name: name.into(),
        kind: TaskKind::Activity,
    }
}

pub fn workflow_queue(name: &str) -> QueueKey {
    QueueKey {
        kind: TaskKind::Workflow,
        ..queue(name)
    }
}

pub fn options() -> Options {
    Options {
        ack_timeout: ACK_TIMEOUT,
        orphan_grace: ORPHAN_GRACE,
        sticky_wait: STICKY_WAIT,
        max_missed_acks: MAX_MISSED_ACKS,
        ..Options::default()
    }
}

impl Fixture {
    pub fn new() -> Self {
        Self::with(options())
    }

    pub fn with(options: Options) -> Self {
        Self {
            dispatcher: Dispatcher::new(options),
            now: 1_000_000,
        }
    }

    pub fn worker(&mut self, queues: &[QueueKey]) -> SubscriberId {
        let subscribed =
            self.dispatcher
                .subscribe(self.now, queues, "worker".into(), AckMode::Explicit);
        subscribed.expect("within bounds")
    }

    pub fn poller(&mut self, queues: &[QueueKey]) -> SubscriberId {
        let subscribed =
            self.dispatcher
                .subscribe(self.now, queues, "poller".into(), AckMode::Implicit);
        subscribed.expect("within bounds")
    }

    pub fn grant(&mut self, id: SubscriberId, count: u32) {
        let granted = self
            .dispatcher
            .grant(self.now, id, TaskKind::Activity, count);
        granted.expect("within bounds");
    }

    pub fn grant_workflow(&mut self, id: SubscriberId, count: u32) {
        let granted = self
            .dispatcher
            .grant(self.now, id, TaskKind::Workflow, count);
        granted.expect("within bounds");
    }

    pub fn offer(&mut self, queue: &QueueKey, task: u32) {
        self.offer_with(queue, task, 5, None);
    }

    pub fn offer_with(
        &mut self,
        queue: &QueueKey,
        task: u32,
        priority: u8,
        sticky: Option<SubscriberId>,
    ) {
        let offer = Offer {
            task,
            priority,
            sticky,
        };
        self.dispatcher.offer(self.now, queue, offer);
    }

    pub fn assignments(&mut self) -> Vec<Assignment<u32>> {
        let mut out = Vec::new();
        self.dispatcher.take_assignments(&mut out);
        out
    }

    /// The tasks that were given out, with their workers.
    pub fn given(&mut self) -> Vec<(SubscriberId, u32)> {
        let assignments = self.assignments();
        assignments.iter().map(|a| (a.subscriber, a.task)).collect()
    }

    /// The tasks that were given out.
    pub fn tasks(&mut self) -> Vec<u32> {
        self.assignments().iter().map(|a| a.task).collect()
    }

    /// Gives out what can be given out and acknowledges it.
    pub fn acked_tasks(&mut self) -> Vec<u32> {
        let assignments = self.assignments();
        for given in &assignments {
            let acked = self.dispatcher.ack(given.subscriber, given.delivery_id);
            acked.expect("the worker is subscribed");
        }
        assignments.iter().map(|a| a.task).collect()
    }

    /// Lets time pass.
    pub fn pass(&mut self, micros: i64) -> Vec<Expired<u32>> {
        self.now += micros;
        let mut out = Vec::new();
        self.dispatcher.expire(self.now, &mut out);
        out
    }
}
