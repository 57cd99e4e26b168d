//! One worker: its credits, its deliveries, and the tasks that wait for it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::ids::{DeliveryId, Map, QueueIndex};
use crate::task::{Item, TaskKind};

/// Whether deliveries are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckMode {
    /// One by one: what is not acknowledged in time goes back.
    Explicit,
    /// They count as acknowledged, and when the worker unsubscribes they stay
    /// with whoever has them: a long poll.
    Implicit,
}

/// A queue that a worker serves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub index: QueueIndex,
    pub kind: TaskKind,
    /// The queue has the worker in its ready list, so that it is there once.
    pub listed: bool,
}

/// A task that a worker has.
#[derive(Debug)]
pub(crate) struct Delivery<T> {
    pub item: Item<T>,
    pub kind: TaskKind,
    /// The queue that it goes back to; none once it is acknowledged. The
    /// worker serves that queue, so that it is not forgotten.
    pub returns_to: Option<QueueIndex>,
}

/// One worker.
#[derive(Debug)]
pub(crate) struct Subscriber<T> {
    pub identity: Arc<str>,
    pub acks: AckMode,
    /// By index.
    pub queues: Vec<Served>,
    /// Where the next look for work begins.
    turn: usize,
    pub draining: bool,
    workflow_credits: u32,
    activity_credits: u32,
    next_delivery: u64,
    /// What it has.
    pub deliveries: Map<DeliveryId, Delivery<T>>,
    pub missed_acks: u32,
    /// Tasks that wait for its credit because it has their runs cached.
    pub sticky: VecDeque<(QueueIndex, Item<T>)>,
}

impl<T> Subscriber<T> {
    pub fn new(identity: Arc<str>, acks: AckMode, queues: Vec<Served>) -> Self {
        Self {
            identity,
            acks,
            queues,
            turn: 0,
            draining: false,
            workflow_credits: 0,
            activity_credits: 0,
            next_delivery: 1,
            deliveries: Map::default(),
            missed_acks: 0,
            sticky: VecDeque::new(),
        }
    }

    pub fn credits(&mut self, kind: TaskKind) -> &mut u32 {
        match kind {
            TaskKind::Workflow => &mut self.workflow_credits,
            TaskKind::Activity => &mut self.activity_credits,
        }
    }

    /// How it serves a queue, if it does.
    pub fn served(&mut self, index: QueueIndex) -> Option<&mut Served> {
        let at = self
            .queues
            .binary_search_by_key(&index, |served| served.index);
        at.ok().map(|at| &mut self.queues[at])
    }

    /// Gives it a task; the number of the delivery.
    pub fn deliver(&mut self, delivery: Delivery<T>) -> DeliveryId {
        let id = DeliveryId(self.next_delivery);
        self.next_delivery += 1;
        self.deliveries.insert(id, delivery);
        id
    }

    /// Takes back a delivery if it was not acknowledged, and says where to.
    pub fn take_unacked(&mut self, id: DeliveryId) -> Option<(QueueIndex, Item<T>)> {
        let queue = self.deliveries.get(&id)?.returns_to?;
        let delivery = self.deliveries.remove(&id)?;
        Some((queue, delivery.item))
    }

    /// The next of its queues that has work of a kind, in turn.
    pub fn next_queue(
        &mut self,
        kind: TaskKind,
        has_work: impl Fn(QueueIndex) -> bool,
    ) -> Option<QueueIndex> {
        let count = self.queues.len();
        let found = (self.turn..self.turn + count)
            .map(|turn| turn % count)
            .find(|at| {
                let served = self.queues[*at];
                served.kind == kind && has_work(served.index)
            })?;
        self.turn = (found + 1) % count;
        Some(self.queues[found].index)
    }

    /// Whether it can take a task of a kind now.
    pub fn can_take(&mut self, kind: TaskKind) -> bool {
        !self.draining && *self.credits(kind) > 0
    }
}
