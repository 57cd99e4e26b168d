//! One task queue: priorities, then first in, first out; and the workers that
//! have credit for it, in turn.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::Arc;

use crate::ids::{DeliveryId, SubscriberId};

/// A small reference to a task.
pub trait TaskRef: Clone + Eq + Hash {}

impl<T: Clone + Eq + Hash> TaskRef for T {}

/// What a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// The code of a run has something to do.
    Workflow,
    /// An attempt of an activity.
    Activity,
}

/// Names a task queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueKey {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name of the task queue.
    pub name: Arc<str>,
    /// What is in it.
    pub kind: TaskKind,
}

/// A task to give to some worker.
#[derive(Clone, Debug)]
pub struct Offer<T> {
    /// The task.
    pub task: T,
    /// Order within the queue: 0 first, 9 last. More counts as 9.
    pub priority: u8,
    /// The worker that should have it, if it still serves the queue.
    pub sticky: Option<SubscriberId>,
}

/// A task that was given to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment<T> {
    /// The worker.
    pub subscriber: SubscriberId,
    /// Number of the delivery, to be acknowledged.
    pub delivery_id: DeliveryId,
    /// The queue it came from.
    pub queue: QueueKey,
    /// The task.
    pub task: T,
    /// When it was offered.
    pub enqueued_at: i64,
}

/// How a queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Tasks that wait, those for one worker included.
    pub backlog: usize,
    /// When the task that has waited longest was offered.
    pub oldest_enqueued_at: Option<i64>,
    /// Workers that serve it.
    pub subscribers: usize,
    /// When it was first used, or when its last worker left.
    pub unserved_since: i64,
}

/// A task in line.
#[derive(Clone, Debug)]
pub(crate) struct Item<T> {
    pub task: T,
    pub priority: u8,
    /// Position in the order of all offers.
    pub sequence: u64,
    pub enqueued_at: i64,
}

/// Number of priorities.
const PRIORITIES: usize = 10;

/// One task queue.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    pub key: QueueKey,
    lines: [VecDeque<Item<T>>; PRIORITIES],
    pub backlog: usize,
    /// Workers that may have credit; checked when it is their turn.
    pub ready: VecDeque<SubscriberId>,
    pub subscribers: usize,
    /// When it was first used, or when its last worker left.
    pub unserved_since: i64,
}

impl<T> Queue<T> {
    pub fn new(key: QueueKey) -> Self {
        Self {
            key,
            lines: std::array::from_fn(|_| VecDeque::new()),
            backlog: 0,
            ready: VecDeque::new(),
            subscribers: 0,
            unserved_since: 0,
        }
    }

    pub fn push(&mut self, item: Item<T>) {
        self.backlog += 1;
        self.line(item.priority).push_back(item);
    }

    /// A task comes back: to the place that it had in the order of offers.
    pub fn restore(&mut self, item: Item<T>) {
        self.backlog += 1;
        let line = self.line(item.priority);
        let at = line.partition_point(|other| other.sequence < item.sequence);
        line.insert(at, item);
    }

    pub fn pop(&mut self) -> Option<Item<T>> {
        if self.backlog == 0 {
            return None;
        }
        let item = self.lines.iter_mut().find_map(VecDeque::pop_front)?;
        self.backlog -= 1;
        Some(item)
    }

    /// Takes out the tasks that are meant; how many there were.
    pub fn withdraw(&mut self, is_meant: impl Fn(&T) -> bool) -> usize {
        let before = self.backlog;
        for line in &mut self.lines {
            line.retain(|item| !is_meant(&item.task));
        }
        self.backlog = self.lines.iter().map(VecDeque::len).sum();
        before - self.backlog
    }

    pub fn oldest(&self) -> Option<i64> {
        let first = self.lines.iter().filter_map(VecDeque::front);
        first.map(|item| item.enqueued_at).min()
    }

    fn line(&mut self, priority: u8) -> &mut VecDeque<Item<T>> {
        &mut self.lines[usize::from(priority).min(PRIORITIES - 1)]
    }
}
