//! All task queues: found by key once for an offer, by position afterwards.
//! One that nobody uses any more is forgotten, and its place is used again, so
//! that names that come and go cost nothing.

use std::ops::{Index, IndexMut};

use crate::ids::{Map, QueueIndex};
use crate::queue::Queue;
use crate::task::QueueKey;

/// The queues that have a task or a worker.
#[derive(Debug)]
pub(crate) struct Queues<T> {
    /// By position; those in `free` belong to nobody.
    places: Vec<Queue<T>>,
    by_key: Map<QueueKey, QueueIndex>,
    /// Places to be used again, the last one first.
    free: Vec<QueueIndex>,
}

impl<T> Default for Queues<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            by_key: Map::default(),
            free: Vec::new(),
        }
    }
}

impl<T> Queues<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Queue<T>> {
        self.by_key.values().map(|index| &self.places[*index])
    }

    /// Where they all are.
    pub fn all(&self) -> Vec<QueueIndex> {
        self.by_key.values().copied().collect()
    }

    /// Where a queue is, if somebody uses it.
    pub fn find(&self, key: &QueueKey) -> Option<QueueIndex> {
        self.by_key.get(key).copied()
    }

    /// Where a queue is. A new one has to be given a task or a worker at once:
    /// it is forgotten when it loses the last of them.
    pub fn find_or_add(&mut self, now: i64, key: &QueueKey) -> QueueIndex {
        if let Some(index) = self.find(key) {
            return index;
        }
        let mut queue = Queue::new(key.clone());
        queue.unserved_since = now;
        let index = match self.free.pop() {
            Some(index) => {
                self.places[index] = queue;
                index
            }
            None => {
                self.places.push(queue);
                self.places.len() - 1
            }
        };
        self.by_key.insert(key.clone(), index);
        index
    }

    /// Forgets a queue without tasks and workers; whoever else holds its
    /// position must not use it again.
    pub fn forget_if_unused(&mut self, index: QueueIndex) {
        let queue = &mut self.places[index];
        if queue.backlog > 0 || queue.subscribers > 0 {
            return;
        }
        self.by_key.remove(&queue.key);
        // What its lines had grown to is given back as well.
        *queue = Queue::new(queue.key.clone());
        self.free.push(index);
    }
}

impl<T> Index<QueueIndex> for Queues<T> {
    type Output = Queue<T>;

    fn index(&self, index: QueueIndex) -> &Queue<T> {
        &self.places[index]
    }
}

impl<T> IndexMut<QueueIndex> for Queues<T> {
    fn index_mut(&mut self, index: QueueIndex) -> &mut Queue<T> {
        &mut self.places[index]
    }
}
