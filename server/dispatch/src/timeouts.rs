//! What waits for its time.

use std::collections::VecDeque;

use crate::ids::{DeliveryId, Map, SubscriberId};
use crate::task::{TaskKind, TaskRef};

/// A task whose worker vanished. It never goes back to its queue, which may
/// be forgotten meanwhile.
#[derive(Debug)]
pub(crate) struct Orphan {
    kind: TaskKind,
    pub until: i64,
}

/// All that waits for its time. Each list has one constant delay, so that it
/// is in order by itself; an entry that came to nothing stays until then.
#[derive(Debug)]
pub(crate) struct Timeouts<T> {
    pub unacked: VecDeque<(i64, SubscriberId, DeliveryId)>,
    pub sticky: VecDeque<(i64, SubscriberId)>,
    pub orphans: Map<T, Orphan>,
    pub orphan_order: VecDeque<(i64, T)>,
    /// Tasks that are lost without a grace.
    pub lost: Vec<T>,
}

impl<T> Default for Timeouts<T> {
    fn default() -> Self {
        Self {
            unacked: VecDeque::new(),
            sticky: VecDeque::new(),
            orphans: Map::default(),
            orphan_order: VecDeque::new(),
            lost: Vec::new(),
        }
    }
}

impl<T: TaskRef> Timeouts<T> {
    pub fn add_orphan(&mut self, until: i64, task: T, kind: TaskKind) {
        self.orphans.insert(task.clone(), Orphan { kind, until });
        self.orphan_order.push_back((until, task));
    }

    /// The task is no orphan any longer; what it is, if it was one.
    pub fn forget_orphan(&mut self, task: &T) -> Option<TaskKind> {
        if self.orphans.is_empty() {
            return None;
        }
        self.orphans.remove(task).map(|orphan| orphan.kind)
    }
}
