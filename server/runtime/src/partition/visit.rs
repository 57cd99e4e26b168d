//! Visits: a request is carried out on its root, inside the loop.

use everturn_engine::event::Transition;
use everturn_engine::text::RootKey;
use everturn_engine::transition::{Context, Output, Transaction};
use tokio::sync::oneshot;

use crate::error::Error;
use crate::map::Map;
use crate::memory::Pressure;
use crate::partition::Partition;
use crate::partition::batch::After;
use crate::partition::hot::Hot;
use crate::watch::{Update, Watcher};

/// What a request does, once its root is in memory or cannot be had.
pub(crate) type Act = Box<dyn FnOnce(Result<Scope<'_>, Error>) + Send>;

/// A request for one root.
pub(crate) struct Visit {
    pub key: RootKey,
    /// New work: refused while the server is over its bounds.
    pub admission: bool,
    pub act: Act,
}

/// A root under a visit.
pub(crate) struct Scope<'a> {
    pub hot: &'a mut Hot,
    pub(super) context: &'a mut Context,
    pub(super) output: &'a mut Output,
    pub(super) after: &'a mut Vec<After>,
    pub(super) watchers: &'a mut Map<RootKey, Vec<Watcher>>,
}

impl Scope<'_> {
    /// From here on a watcher is told what happens to the root.
    pub fn watch(&mut self, watcher: Watcher) {
        let watchers = self.watchers.entry(self.hot.root.key.clone()).or_default();
        watchers.push(watcher);
    }

    /// Tells watchers something that is not recorded.
    pub fn tell(&mut self, update: Update) {
        let key = self.hot.root.key.clone();
        self.after.push(After::Tell(key, update));
    }

    /// Begins a change of the root.
    pub fn transaction(&mut self) -> Transaction<'_> {
        Transaction::new(&mut self.hot.root, self.context, self.output)
    }

    /// Answers once everything that was decided up to now is durable.
    pub fn answer<T: Send + 'static>(
        &mut self,
        caller: oneshot::Sender<Result<T, Error>>,
        answer: Result<T, Error>,
    ) {
        self.after.push(After::Answer(Box::new(move |lost| {
            // A caller that went away needs no answer.
            let _ = caller.send(match lost {
                Some(error) => Err(error),
                None => answer,
            });
        })));
    }
}

impl Partition {
    /// Carries out a visit, now or once its root is loaded.
    pub(super) fn visit(&mut self, visit: Visit) {
        if visit.admission
            && let Some(error) = self.overload()
        {
            (visit.act)(Err(error));
            return;
        }
        if !self.ensure(&visit.key) {
            self.park_visit(visit);
            return;
        }
        let key = visit.key;
        if self.is_read_only {
            self.visit_and_keep(&key, visit.act);
        } else {
            self.visit_and_absorb(&key, visit.act);
        }
        if self.roots.get(&key).is_some_and(|hot| !hot.root.exists()) {
            self.roots.remove(&key);
        }
    }

    fn visit_and_absorb(&mut self, key: &RootKey, act: Act) {
        let Some(hot) = self.roots.get_mut(key) else {
            return;
        };
        hot.touched = self.context.now;
        act(Ok(Scope {
            hot,
            context: &mut self.context,
            output: &mut self.output,
            after: &mut self.batch.after,
            watchers: &mut self.watchers,
        }));
        self.absorb(key);
    }

    /// Takes what a decider changed into the batch. Changes are urgent: a
    /// caller waits for them.
    pub(super) fn absorb(&mut self, key: &RootKey) {
        if !self.output.events.is_empty() {
            self.batch.urgent = true;
        }
        self.absorb_lazily(key);
    }

    /// The same for changes that may wait for company in the log.
    pub(super) fn absorb_lazily(&mut self, key: &RootKey) {
        let effects = self.output.effects.drain(..);
        self.batch
            .effects
            .extend(effects.map(|effect| (key.clone(), effect)));
        let Some(hot) = self.roots.get_mut(key) else {
            return;
        };
        if !self.output.events.is_empty() {
            let transition = Transition {
                root: key.clone(),
                time: self.context.now,
                events: std::mem::take(&mut self.output.events),
            };
            self.batch.write(&transition);
            self.unflushed_events += hot.record(transition);
            for update in hot.told_later.drain(..) {
                self.batch.after.push(After::Tell(key.clone(), update));
            }
            hot.applied_sequence = self.sealed_sequence + 1;
            if !hot.dirty {
                hot.dirty = true;
                self.dirty.push(key.clone());
                self.exists.insert(crate::keys::store_key(key).hash64());
            }
        }
        self.timers.set(key, hot.root.deadlines.next());
    }

    /// A root waits in another way although nothing was recorded: the view is
    /// to say so, and what it waits for is to come.
    pub(super) fn note_waiting(&mut self, key: &RootKey) {
        let Some(hot) = self.roots.get_mut(key).filter(|hot| hot.root.exists()) else {
            return;
        };
        self.timers.set(key, hot.root.deadlines.next());
        if !hot.dirty {
            hot.dirty = true;
            self.dirty.push(key.clone());
        }
    }

    /// Why new work is refused, if it is.
    fn overload(&self) -> Option<Error> {
        if self.unflushed_events > self.shared.options.view_lag_events {
            return Some(Error::Busy("the view is too far behind the log"));
        }
        if self.shared.memory.pressure() == Pressure::Full {
            return Some(Error::Busy("memory is used up to its limit"));
        }
        if self.shared.workers.is_over_backlog() {
            return Some(Error::Busy("too many tasks wait for workers"));
        }
        None
    }
}
