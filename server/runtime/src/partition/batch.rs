//! Group commit: what was decided since the last append, and what follows
//! once it is durable.

use std::sync::Arc;

use bytes::Bytes;
use everturn_engine::decide;
use everturn_engine::effect::Effect;
use everturn_engine::event::Transition;
use everturn_engine::text::RootKey;
use everturn_engine::transition::Transaction;
use everturn_store::Append;
use futures::FutureExt as _;

use crate::error::Error;
use crate::metrics::Metrics;
use crate::partition::{Internal, LAZY_DELAY, Partition};
use crate::session::{Judgement, Reporter, SessionCore};
use crate::task::WorkItem;
use crate::watch::Update;

/// Version of the format of a log row: a sequence of encoded transitions.
pub(super) const LOG_FORMAT: u8 = 1;

/// Something to do once a batch is durable, or when it was lost.
pub(crate) enum After {
    /// Answer a caller. `Some` error: the batch was lost.
    Answer(Box<dyn FnOnce(Option<Error>) + Send>),
    /// Tell a worker what became of its result.
    Report(Reporter, u64, Judgement),
    /// Give an attempt to a worker.
    Push(Arc<SessionCore>, WorkItem),
    /// Tell the watchers of a root.
    Tell(RootKey, Update),
}

/// One append in the making.
#[derive(Default)]
pub(crate) struct Batch {
    /// The encoded transitions.
    pub bytes: Vec<u8>,
    pub transitions: u64,
    /// Somebody waits for it; otherwise it may wait for company.
    pub urgent: bool,
    pub effects: Vec<(RootKey, Effect)>,
    pub after: Vec<After>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.effects.is_empty() && self.after.is_empty()
    }

    /// Adds a transition.
    pub fn write(&mut self, transition: &Transition) {
        if self.bytes.is_empty() {
            self.bytes.push(LOG_FORMAT);
        }
        minicbor::encode(transition, &mut self.bytes).expect("writing to memory cannot fail");
        self.transitions += 1;
    }
}

impl Partition {
    /// Sends the batch off if no append is under way.
    pub(super) fn seal(&mut self) {
        if self.in_flight.is_some() || self.batch.is_empty() {
            return;
        }
        if self.batch.bytes.is_empty() {
            // Nothing to make durable, and nothing undurable before it.
            let batch = std::mem::take(&mut self.batch);
            self.settle_batch(batch);
            return;
        }
        let now = tokio::time::Instant::now();
        // A chunk for the view holds nothing that is not in the log.
        let flushes = self.next_chunk().is_some_and(|due| due <= now);
        let forced = self.stopping.is_some() || flushes;
        if !self.batch.urgent && !forced && !self.lazy_is_over() {
            self.settle_lazy();
            return;
        }
        self.lazy_until = None;
        self.sealed_sequence += 1;
        let mut batch = std::mem::take(&mut self.batch);
        // The next batch will be about as large: no growing step by step.
        self.batch.bytes.reserve(batch.bytes.len());
        let append = Append {
            partition: self.number,
            owner_epoch: self.owner_epoch,
            sequence: self.sealed_sequence,
            payload: Bytes::from(std::mem::take(&mut batch.bytes)),
        };
        let metrics = &self.shared.metrics;
        Metrics::add(&metrics.appends, 1);
        Metrics::add(&metrics.append_bytes, append.payload.len() as u64);
        Metrics::add(&metrics.transitions, batch.transitions);
        self.in_flight = Some(batch);
        self.append_started = tokio::time::Instant::now();
        let store = Arc::clone(&self.shared.store);
        let append = async move { Internal::Appended(store.append(vec![append]).await) };
        self.internal.push(append.boxed());
    }

    /// Answers that depend on nothing in a lazy batch need not wait for it.
    fn settle_lazy(&mut self) {
        let effects = std::mem::take(&mut self.batch.effects);
        let after = std::mem::take(&mut self.batch.after);
        if effects.is_empty() && after.is_empty() {
            return;
        }
        self.settle_batch(Batch {
            effects,
            after,
            ..Batch::default()
        });
    }

    fn lazy_is_over(&mut self) -> bool {
        let now = tokio::time::Instant::now();
        now >= *self.lazy_until.get_or_insert(now + LAZY_DELAY)
    }

    /// The append under way is durable, or failed.
    pub(super) fn appended(
        &mut self,
        result: Result<(), everturn_store::Error>,
    ) -> Result<(), everturn_store::Error> {
        result?;
        let micros = self.append_started.elapsed().as_micros();
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        Metrics::add(&self.shared.metrics.append_micros, micros);
        if let Some(batch) = self.in_flight.take() {
            // The next batch leaves first: effects run while it is written.
            self.seal();
            self.settle_batch(batch);
        }
        Ok(())
    }

    /// Carries out what follows a durable batch.
    pub(super) fn settle_batch(&mut self, batch: Batch) {
        self.carry_out(batch.effects);
        let mut unsent = Vec::new();
        for after in batch.after {
            match after {
                After::Answer(answer) => answer(None),
                After::Report(reporter, result_id, judgement) => {
                    reporter.answer(result_id, judgement);
                }
                After::Push(session, item) if self.is_over(&item) => {
                    self.take_back(&session, &item)
                }
                After::Push(session, item) => {
                    if let Some(task) = session
                        .push_or_return(item)
                        .filter(WorkItem::goes_back)
                        .and_then(|item| self.task_in(&item))
                    {
                        unsent.push(task);
                    }
                }
                After::Tell(key, update) => self.tell_watchers(&key, &update),
            }
        }
        if !unsent.is_empty() {
            self.offer_again(unsent);
        }
    }

    /// Whether an attempt has ended before its worker has it, as when its run
    /// was closed by the same batch: the worker would not stop, since it was
    /// told so before.
    fn is_over(&mut self, item: &WorkItem) -> bool {
        let WorkItem::Activity(task) = item else {
            return false;
        };
        let Some(hot) = self.roots.get_mut(&task.root) else {
            return false;
        };
        let tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
        decide::check_attempt(&tx, task.token).is_err()
    }

    /// A task never leaves for its worker, who is free for another one.
    fn take_back(&self, session: &SessionCore, item: &WorkItem) {
        if let Some(task) = self.task_in(item) {
            let next = self.shared.workers.refund(session.id, &task);
            self.shared.route(next);
        }
    }

    /// The log refused a batch: nobody may believe in it.
    pub(super) fn abandon(&mut self, error: &Error) {
        let lost = [self.in_flight.take(), Some(std::mem::take(&mut self.batch))];
        for batch in lost.into_iter().flatten() {
            self.lose_batch(batch, error);
        }
    }

    /// Tells everybody who waits for a batch that it was lost, and why.
    pub(super) fn lose_batch(&self, batch: Batch, error: &Error) {
        for after in batch.after {
            match after {
                After::Answer(answer) => answer(Some(error.clone())),
                After::Report(reporter, result_id, _) => {
                    reporter.answer(result_id, Err((Error::PartitionMoved, Vec::new())));
                }
                After::Push(session, item) => self.take_back(&session, &item),
                After::Tell(..) => {}
            }
        }
    }
}
