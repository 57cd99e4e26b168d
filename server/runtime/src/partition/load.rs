//! Roots come into memory: created, or loaded from the view in groups while
//! their requests wait.

use std::sync::Arc;

use everturn_engine::decide::{self, ActivityToken, Tasks};
use everturn_engine::state::root::Root;
use everturn_engine::text::{QueueName, RootKey};
use everturn_engine::transition::Transaction;
use everturn_engine::value::Span;
use futures::FutureExt as _;

use crate::error::Error;
use crate::keys::{engine_key, store_key};
use crate::metrics::Metrics;
use crate::partition::flush::due_columns;
use crate::partition::hot::Hot;
use crate::partition::parked::Parked;
use crate::partition::visit::Visit;
use crate::partition::{Internal, Partition};
use crate::task_ref::TaskRef;

/// Requests that may wait for one root to be loaded.
const PARKED_PER_ROOT: usize = 4_096;
/// How long after a failed load it is tried again.
const RELOAD_DELAY: Span = Span::from_secs(1);

impl Partition {
    /// Whether the root is in memory now. A root that does not exist is
    /// created; one that does is going to be loaded.
    pub(super) fn ensure(&mut self, key: &RootKey) -> bool {
        if self.roots.contains_key(key) {
            return true;
        }
        if self.loading.contains_key(key) {
            return false;
        }
        if !self.exists.contains(&store_key(key).hash64()) {
            let mut hot = Box::new(Hot::new(Root::new(key.clone())));
            hot.touched = self.context.now;
            self.roots.insert(key.clone(), hot);
            return true;
        }
        self.loading.insert(key.clone(), Vec::new());
        self.load_queue.push(key.clone());
        false
    }

    /// Keeps a visit until its root is loaded.
    pub(super) fn park_visit(&mut self, visit: Visit) {
        self.park(Parked::Visit(visit));
    }

    /// Keeps a request until its root is loaded.
    pub(super) fn park(&mut self, parked: Parked) {
        let Some(queue) = self.loading.get_mut(parked.key()) else {
            return;
        };
        match parked {
            Parked::Visit(visit) if queue.len() >= PARKED_PER_ROOT => {
                (visit.act)(Err(Error::Busy("too many requests for one id")));
            }
            parked => queue.push(parked),
        }
    }

    /// Loads the roots that were asked for in this round, together.
    pub(super) fn start_loads(&mut self) {
        if self.load_queue.is_empty() {
            return;
        }
        let keys = std::mem::take(&mut self.load_queue);
        let wanted: Vec<_> = keys.iter().map(store_key).collect();
        let store = Arc::clone(&self.shared.store);
        let number = self.number;
        let load = async move { Internal::Loaded(keys, store.load_roots(number, wanted).await) };
        self.internal.push(load.boxed());
    }

    /// Roots have been loaded: their requests go on.
    pub(super) fn loaded(
        &mut self,
        keys: Vec<RootKey>,
        rows: Result<Vec<everturn_store::RootRow>, everturn_store::Error>,
    ) {
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => return self.load_failed(&keys, &error.into()),
        };
        Metrics::add(&self.shared.metrics.roots_loaded, rows.len() as u64);
        for row in rows {
            let key = engine_key(&row.key);
            let due = (row.next_deadline, row.work_since);
            match Hot::stored(row) {
                Ok(hot) => self.adopt(hot, due),
                Err(error) => self.load_failed(&[key], &Error::internal(&error)),
            }
        }
        for key in keys {
            // One whose hash only looked known does not exist.
            if !self.roots.contains_key(&key) && self.loading.contains_key(&key) {
                let hot = Box::new(Hot::new(Root::new(key.clone())));
                self.roots.insert(key.clone(), hot);
            }
            let waiting = self.loading.remove(&key).unwrap_or_default();
            for parked in waiting {
                self.unpark(parked);
            }
            if self.roots.get(&key).is_some_and(|hot| !hot.root.exists()) {
                self.roots.remove(&key);
            }
        }
    }

    /// Puts a loaded root into memory and takes up what is not stored; when it
    /// is due, as the view says.
    fn adopt(&mut self, hot: Box<Hot>, due: (Option<i64>, Option<i64>)) {
        let key = hot.root.key.clone();
        self.roots.insert(key.clone(), hot);
        self.resume(&key);
        let Some(hot) = self.roots.get(&key).filter(|_| !self.is_read_only) else {
            return;
        };
        if due_columns(&hot.root) != due {
            // It is not searched for by what the view says any more.
            self.note_waiting(&key);
        }
    }

    /// Offers the tasks of a root that are due, and expects the workers that
    /// were running its activities to come back.
    pub(super) fn resume(&mut self, key: &RootKey) {
        if self.is_read_only {
            return;
        }
        let Some(hot) = self.roots.get_mut(key) else {
            return;
        };
        hot.touched = self.context.now;
        let mut tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
        let tasks = match self.offered.remove(&store_key(key).hash64()) {
            true => Tasks::AreOffered,
            false => Tasks::AreLost,
        };
        let held = decide::resume(&mut tx, tasks);
        for token in held {
            let Some(name) = queue_of(&hot.root, token) else {
                continue;
            };
            let kind = everturn_dispatch::TaskKind::Activity;
            let queue = self.shared.queue(key, &name, kind);
            let task = TaskRef::of_activity(self.number, key, token);
            if let Some(session) = self.shared.workers.adopt(task, queue) {
                // After a reload: it never noticed.
                hot.holders.insert((token.slot, token.activity), session);
            }
        }
        self.absorb(key);
        self.note_use(key);
    }

    fn unpark(&mut self, parked: Parked) {
        match parked {
            Parked::Visit(visit) => self.visit(visit),
            Parked::Result(reporter, result) => self.take_results(&reporter, vec![result]),
            Parked::Assigned(assigned) => self.begin_all(vec![assigned]),
            Parked::Lost(task) => self.lose_all(vec![task]),
            Parked::Undelivered(task) => self.offer_again(vec![task]),
            Parked::Deadline(key) => self.meet_deadlines(key),
        }
    }

    /// Answers with an error, and tries again in a while: the tasks of a root
    /// that could not be read must not be forgotten.
    fn load_failed(&mut self, keys: &[RootKey], error: &Error) {
        tracing::error!(%error, roots = keys.len(), "load failed");
        let later = self.context.now + RELOAD_DELAY;
        for key in keys {
            self.timers.set(key, Some(later));
            // Those of its tasks that wait for it are turned away.
            self.offered.remove(&store_key(key).hash64());
            for parked in self.loading.remove(key).unwrap_or_default() {
                self.turn_away(parked, error);
            }
        }
    }

    /// Everything in memory is going to be dropped: nobody waits in vain.
    pub(super) fn turn_all_away(&mut self, error: &Error) {
        let mut loading: Vec<_> = std::mem::take(&mut self.loading).into_iter().collect();
        loading.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for parked in loading.into_iter().flat_map(|(_, parked)| parked) {
            self.turn_away(parked, error);
        }
        for assigned in self.deferred.take_all() {
            self.turn_away(Parked::Assigned(assigned), error);
        }
    }

    fn turn_away(&mut self, parked: Parked, error: &Error) {
        match parked {
            Parked::Visit(visit) => (visit.act)(Err(error.clone())),
            Parked::Result(reporter, result) => {
                let answer = Err((Error::PartitionMoved, Vec::new()));
                reporter.answer(result.result_id, answer);
            }
            Parked::Assigned(assigned) => {
                let id = assigned.session.id;
                let next = self.shared.workers.refund(id, &assigned.task);
                self.shared.route(next);
            }
            Parked::Lost(_) | Parked::Undelivered(_) | Parked::Deadline(_) => {}
        }
    }
}

/// The task queue of an attempt.
fn queue_of(root: &Root, token: ActivityToken) -> Option<QueueName> {
    if token.slot == 0 {
        let conversation = root.conversation.as_ref()?;
        return Some(conversation.deliveries.get(&token.activity)?.queue());
    }
    let activity = root
        .runs
        .get(&token.slot)?
        .activities
        .get(&token.activity)?;
    Some(activity.options.task_queue.clone())
}
