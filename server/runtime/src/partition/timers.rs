//! Timers of a partition: the next deadline of each root, as far as it is
//! near; the rest is found in the view in time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use everturn_engine::decide;
use everturn_engine::text::RootKey;
use everturn_engine::transition::Transaction;
use everturn_engine::value::{Span, Time};
use everturn_store::{Cursor, Due, DuePage};
use futures::FutureExt as _;

use crate::keys::engine_key;
use crate::map::{Map, give_back};
use crate::partition::parked::Parked;
use crate::partition::{Internal, Partition};

/// How often the view is searched for deadlines.
const SCAN_INTERVAL: Duration = Duration::from_secs(30);
/// How far ahead it is searched; longer than the interval.
const SCAN_AHEAD: Span = Span::from_secs(60);
/// Roots of a page of the search.
const SCAN_ROOTS: usize = 1_000;
/// Near deadlines of roots that are not in memory; the search goes on when
/// there are less.
const SCANNED_MAX: usize = 20_000;
/// Roots whose deadlines are met in one round.
const ROOTS_PER_ROUND: usize = 1_024;

/// The search of the view for near deadlines.
#[derive(Debug, Default)]
pub(super) enum Scan {
    /// Everything near was found.
    #[default]
    Done,
    /// A page is being read, of those before this time.
    Reading(Time),
    /// It goes on here.
    Between(Time, Cursor),
}

/// The next deadline of each root.
#[derive(Debug, Default)]
pub(super) struct Timers {
    by_time: BTreeSet<(Time, RootKey)>,
    by_root: Map<RootKey, Time>,
}

impl Timers {
    /// Makes sure that a root is looked at when its next deadline comes. One
    /// that is noted for an earlier time stays: at that time it is noted anew.
    /// Deadlines move with every step, mostly further away, so that this saves
    /// nearly all of the work.
    pub fn set(&mut self, key: &RootKey, at: Option<Time>) {
        let Some(at) = at else {
            return;
        };
        match self.by_root.get_mut(key) {
            Some(noted) if *noted <= at => {}
            Some(noted) => {
                let before = std::mem::replace(noted, at);
                self.by_time.remove(&(before, key.clone()));
                self.by_time.insert((at, key.clone()));
            }
            None => {
                self.by_root.insert(key.clone(), at);
                self.by_time.insert((at, key.clone()));
            }
        }
    }

    /// Notes a root that leaves memory for exactly this time, or not at all.
    pub fn reset(&mut self, key: &RootKey, at: Option<Time>) {
        if let Some(before) = self.by_root.remove(key) {
            self.by_time.remove(&(before, key.clone()));
        }
        self.set(key, at);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_root.len()
    }

    /// Gives back the room of those that are no longer here.
    pub fn give_back(&mut self) {
        give_back(&mut self.by_root);
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, _)| *at)
    }

    fn take_due(&mut self, now: Time) -> Option<RootKey> {
        let (at, _) = self.by_time.first()?;
        if *at > now {
            return None;
        }
        let (_, key) = self.by_time.pop_first()?;
        self.by_root.remove(&key);
        Some(key)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.by_time.clear();
        self.by_root.clear();
    }
}

impl Partition {
    /// Meets the deadlines that have come, and looks for more in the view.
    pub(super) fn meet_timers(&mut self) {
        for _ in 0..ROOTS_PER_ROUND {
            let Some(key) = self.timers.take_due(self.context.now) else {
                break;
            };
            self.meet_deadlines(key);
        }
        self.search();
    }

    /// Begins the search for near deadlines, or goes on with it.
    fn search(&mut self) {
        let now = tokio::time::Instant::now();
        let (before, after) = match &self.scan {
            Scan::Reading(_) => return,
            Scan::Done if now < self.next_scan => return,
            Scan::Done => (self.context.now + SCAN_AHEAD, None),
            Scan::Between(before, after) => (*before, Some(after.clone())),
        };
        // Those of roots in memory are there in any case.
        let in_memory = self.roots.len() + self.loading.len();
        if after.is_some() && self.timers.len() > in_memory + SCANNED_MAX {
            return;
        }
        self.scan = Scan::Reading(before);
        self.next_scan = now + SCAN_INTERVAL;
        let store = Arc::clone(&self.shared.store);
        let number = self.number;
        let scan = async move {
            let due = Due::Before(before.0);
            Internal::Due(store.due_roots(number, due, after, SCAN_ROOTS).await)
        };
        self.internal.push(scan.boxed());
    }

    pub(super) fn meet_deadlines(&mut self, key: RootKey) {
        if !self.ensure(&key) {
            self.park(Parked::Deadline(key));
            return;
        }
        let Some(hot) = self.roots.get_mut(&key) else {
            return;
        };
        let mut tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
        decide::meet_deadlines(&mut tx);
        // Most come early, see `Timers::set`: that is no use of the root.
        if !self.output.events.is_empty() || !self.output.effects.is_empty() {
            hot.touched = self.context.now;
        }
        self.absorb(&key);
    }

    /// Takes up the deadlines found in the view. Those of roots in memory are
    /// known better here.
    pub(super) fn scanned(&mut self, due: Result<DuePage, everturn_store::Error>) {
        let scan = std::mem::take(&mut self.scan);
        let (due, next) = match due {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "search for deadlines failed, will be repeated");
                return;
            }
        };
        if let (Scan::Reading(before), Some(next)) = (scan, next) {
            self.scan = Scan::Between(before, next);
        }
        for (key, at) in due {
            let key = engine_key(&key);
            if !self.roots.contains_key(&key) && !self.loading.contains_key(&key) {
                self.timers.set(&key, Some(Time(at)));
            }
        }
    }

    /// A root leaves memory: a far deadline is left to the view.
    pub(super) fn forget_far_timer(&mut self, key: &RootKey, at: Option<Time>) {
        let horizon = self.context.now + SCAN_AHEAD;
        self.timers.reset(key, at.filter(|at| *at <= horizon));
    }
}
