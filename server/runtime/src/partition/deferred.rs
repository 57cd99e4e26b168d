//! Tasks of roots that are not in memory, while memory is full: they wait until
//! others have left, for a moment only, so that work goes on in any case.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::assignments::Assigned;
use crate::memory::Pressure;
use crate::partition::Partition;

/// Longest time that a task waits: well below that of an acknowledgement.
const LONGEST: Duration = Duration::from_secs(1);
/// How often they are looked at.
const INTERVAL: Duration = Duration::from_millis(20);
/// Tasks that are let go in one round.
const TASKS_PER_ROUND: usize = 64;

/// Tasks that were given to sessions and are not begun. Bounded by credits.
#[derive(Debug, Default)]
pub(super) struct Deferred {
    waiting: VecDeque<(Instant, Assigned)>,
    next_look: Option<Instant>,
}

impl Deferred {
    /// A task has to wait.
    pub fn push(&mut self, assigned: Assigned) {
        let now = Instant::now();
        self.waiting.push_back((now, assigned));
        self.next_look.get_or_insert(now + INTERVAL);
    }

    /// When they are to be looked at, if there are any.
    pub fn next_look(&self) -> Option<Instant> {
        self.next_look
    }

    /// Takes out those that waited long enough, or the first ones if they may
    /// go.
    fn take(&mut self, now: Instant, may_go: bool) -> Vec<Assigned> {
        let count = self.waiting.iter().take(TASKS_PER_ROUND);
        let count = count.take_while(|(since, _)| may_go || now >= *since + LONGEST);
        let taken = self.waiting.drain(..count.count());
        let taken = taken.map(|(_, assigned)| assigned).collect();
        self.next_look = (!self.waiting.is_empty()).then(|| now + INTERVAL);
        taken
    }

    /// Takes out all of them.
    pub fn take_all(&mut self) -> Vec<Assigned> {
        self.next_look = None;
        let waiting = self.waiting.drain(..);
        waiting.map(|(_, assigned)| assigned).collect()
    }
}

impl Partition {
    /// Whether a task has to wait because its root would have to be loaded.
    pub(super) fn is_to_be_deferred(&self, one: &Assigned) -> bool {
        let is_full = self.shared.memory.pressure() == Pressure::Full;
        is_full && !self.letting_go && !self.roots.contains_key(&one.task.root)
    }

    /// Begins deferred tasks that may go on.
    pub(super) fn begin_deferred(&mut self) {
        let now = Instant::now();
        if self.deferred.next_look().is_none_or(|at| now < at) {
            return;
        }
        let may_go = self.shared.memory.pressure() < Pressure::Full;
        let tasks = self.deferred.take(now, may_go);
        self.letting_go = true;
        self.begin_all(tasks);
        self.letting_go = false;
    }
}
