//! Roots leave memory: those that only wait, once they were not used for a
//! while, and those whose work is in the task queues, sooner; both at once when
//! memory is short.

use std::time::Duration;

use everturn_engine::state::run::Rest;
use everturn_engine::text::RootKey;
use everturn_engine::value::{Span, Time};

use crate::keys::store_key;
use crate::map::{give_back, give_back_set};
use crate::memory::Pressure;
use crate::metrics::Metrics;
use crate::partition::Partition;
use crate::partition::idle::Idle;

/// How long a root whose work is in the task queues stays in memory: a worker
/// that has time takes it much sooner.
const QUEUED_KEPT: Duration = Duration::from_secs(1);
/// Roots that are looked at in one round.
const ROOTS_PER_ROUND: usize = 128;
/// How often they are looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// The same when memory is short, and how long those stay then that were just
/// used: not shorter, since those that may not leave are looked at again.
const INTERVAL_WHEN_SHORT: Duration = Duration::from_millis(50);

impl Partition {
    /// A root was used or written: it is looked at when it may leave.
    pub(super) fn note_use(&mut self, key: &RootKey) {
        let Some(hot) = self.roots.get(key) else {
            return;
        };
        let idle = match hot.root.rest() {
            Rest::Queued => &mut self.queued,
            Rest::Waiting | Rest::Busy => &mut self.idle,
        };
        idle.note(key, hot.touched);
    }

    /// Lets the next ones go.
    pub(super) fn let_go(&mut self) {
        let now = tokio::time::Instant::now();
        if now < self.next_leave {
            return;
        }
        let short = self.shared.memory.pressure() > Pressure::None;
        let options = &self.shared.options;
        let (kept, queued_kept) = match short {
            true => (INTERVAL_WHEN_SHORT, INTERVAL_WHEN_SHORT),
            false => (options.evict_after, options.evict_after.min(QUEUED_KEPT)),
        };
        let looked_at =
            self.look_at(|it| &mut it.queued, queued_kept) + self.look_at(|it| &mut it.idle, kept);
        if looked_at < ROOTS_PER_ROUND {
            give_back(&mut self.roots);
            give_back_set(&mut self.offered);
            self.idle.give_back();
            self.queued.give_back();
            self.timers.give_back();
        }
        self.next_leave = match (looked_at >= ROOTS_PER_ROUND, short) {
            (true, _) => now,
            (false, true) => now + INTERVAL_WHEN_SHORT,
            (false, false) => now + INTERVAL,
        };
    }

    /// Looks at those that were not used for so long; how many there were.
    fn look_at(&mut self, idle: impl Fn(&mut Self) -> &mut Idle, kept: Duration) -> usize {
        let now = self.context.now;
        let kept = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
        let by = Time(now.0.saturating_sub(Span(kept).0));
        let count = idle(self).len().min(ROOTS_PER_ROUND);
        for looked_at in 0..count {
            let Some((touched, key)) = idle(self).take_noted(by) else {
                return looked_at;
            };
            let Some(hot) = self.roots.get(&key) else {
                continue;
            };
            if hot.touched > touched {
                // Used since: if only read, it must come up again.
                self.note_use(&key);
            } else if !self.leave(&key) {
                // Nothing may be written when it may, as when somebody stops
                // waiting for a run.
                self.idle.note(&key, now);
            }
        }
        count
    }

    /// Lets a root leave memory if nobody needs it there.
    pub(super) fn leave(&mut self, key: &RootKey) -> bool {
        let Some(hot) = self.roots.get(key) else {
            return true;
        };
        if !hot.may_leave(self.context.now) {
            return false;
        }
        if hot.root.rest() == Rest::Queued {
            self.offered.insert(store_key(key).hash64());
        }
        let next = hot.root.deadlines.next();
        self.roots.remove(key);
        self.forget_far_timer(key, next);
        Metrics::add(&self.shared.metrics.roots_evicted, 1);
        true
    }
}
