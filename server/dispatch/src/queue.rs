//! One task queue: priorities, then first in, first out; and the workers that
//! have credit for it, in turn.

use std::collections::VecDeque;

use crate::ids::{DeliveryId, SubscriberId};
use crate::line::Line;
use crate::task::{Item, QueueKey, TaskRef};

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

/// Number of priorities.
const PRIORITIES: usize = 10;

/// One task queue.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    pub key: QueueKey,
    lines: [Line<T>; PRIORITIES],
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
            lines: std::array::from_fn(|_| Line::default()),
            backlog: 0,
            ready: VecDeque::new(),
            subscribers: 0,
            unserved_since: 0,
        }
    }

    pub fn oldest(&self) -> Option<i64> {
        self.lines.iter().filter_map(Line::oldest).min()
    }

    fn line(&mut self, priority: u8) -> &mut Line<T> {
        &mut self.lines[usize::from(priority).min(PRIORITIES - 1)]
    }
}

impl<T: TaskRef> Queue<T> {
    pub fn push(&mut self, item: Item<T>) {
        self.backlog += 1;
        self.line(item.priority).push(item);
    }

    /// A task comes back: to the place that it had in the order of offers.
    pub fn restore(&mut self, item: Item<T>) {
        self.backlog += 1;
        self.line(item.priority).restore(item);
    }

    pub fn pop(&mut self) -> Option<Item<T>> {
        if self.backlog == 0 {
            return None;
        }
        let key = &self.key;
        let item = self.lines.iter_mut().find_map(|line| line.pop(key))?;
        self.backlog -= 1;
        Some(item)
    }

    /// Takes out the tasks that are meant; how many there were.
    pub fn withdraw(&mut self, is_meant: impl Fn(&T) -> bool) -> usize {
        let before = self.backlog;
        for line in &mut self.lines {
            line.withdraw(&self.key, &is_meant);
        }
        self.backlog = self.lines.iter().map(Line::len).sum();
        before - self.backlog
    }
}
