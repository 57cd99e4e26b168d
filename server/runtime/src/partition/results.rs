//! Results: what workers report is judged, and answered once it is durable.

use std::sync::Arc;

use everturn_engine::decide::{self, TaskToken};
use everturn_engine::event::{RunEvent, Slot};
use everturn_engine::rejection::Rejection;
use everturn_engine::text::RootKey;
use everturn_engine::transition::Transaction;
use everturn_engine::value::{Failure, FailureKind};

use crate::error::Error;
use crate::journal::{Entry, page};
use crate::metrics::Metrics;
use crate::partition::Partition;
use crate::partition::batch::After;
use crate::partition::hot::Hot;
use crate::partition::parked::Parked;
use crate::partition::work::is_news;
use crate::session::{Reporter, SessionCore};
use crate::task::{ResultBody, TaskResult};
use crate::task_ref::TaskRef;

impl Partition {
    /// Takes the results that one worker reported together.
    pub(super) fn take_results(&mut self, reporter: &Reporter, results: Vec<TaskResult>) {
        let mut settled = Vec::with_capacity(results.len());
        for result in results {
            if !self.ensure(&result.root) {
                self.park(Parked::Result(reporter.clone(), result));
                continue;
            }
            if let Reporter::Session(session) = reporter {
                settled.push((session.id, self.task_of(&result)));
            }
            let result_id = result.result_id;
            let judgement = self.judge(reporter.session(), &result.root, result.body);
            let judgement =
                judgement.map_err(|(rejection, unread)| (Error::Rejected(rejection), unread));
            let report = After::Report(reporter.clone(), result_id, judgement);
            self.batch.after.push(report);
        }
        if !settled.is_empty() {
            self.shared.workers.settle(&settled);
        }
    }

    fn task_of(&self, result: &TaskResult) -> TaskRef {
        match &result.body {
            ResultBody::ActivityCompleted { token, .. }
            | ResultBody::DeliveryAccepted { token, .. }
            | ResultBody::ActivityFailed { token, .. } => {
                TaskRef::of_activity(self.number, &result.root, *token)
            }
            ResultBody::TaskCompleted { token, .. }
            | ResultBody::TaskFailed { token, .. }
            | ResultBody::TaskNeedsJournal { token } => {
                TaskRef::of_run(self.number, &result.root, token.slot)
            }
        }
    }

    /// Decides on a result; on a rejection also what the code has to read.
    fn judge(
        &mut self,
        session: Option<&Arc<SessionCore>>,
        key: &RootKey,
        body: ResultBody,
    ) -> Result<(), (Rejection, Vec<Arc<Entry>>)> {
        let Some(hot) = self.roots.get_mut(key) else {
            return Err((Rejection::Fenced, Vec::new()));
        };
        hot.touched = self.context.now;
        let slot = slot_of(&body);
        let metrics = &self.shared.metrics;
        let mut tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
        let outcome = match body {
            ResultBody::ActivityCompleted {
                token,
                result,
                usage,
            } => {
                Metrics::add(&metrics.activity_results, 1);
                decide::complete_activity(&mut tx, token, result, usage)
            }
            ResultBody::ActivityFailed {
                token,
                failure,
                usage,
            } => {
                Metrics::add(&metrics.activity_results, 1);
                decide::fail_activity(&mut tx, token, failure, usage)
            }
            ResultBody::DeliveryAccepted {
                token,
                provider_message_id,
            } => {
                Metrics::add(&metrics.activity_results, 1);
                decide::accept_delivery(&mut tx, token, provider_message_id)
            }
            ResultBody::TaskCompleted {
                token,
                completion,
                cached,
            } => {
                Metrics::add(&metrics.workflow_task_results, 1);
                let outcome = decide::complete_task(&mut tx, token, completion);
                note_task(hot, session, token.slot, cached, &outcome);
                if let Err(rejection) = &outcome {
                    self.fail_refused(key, token, rejection);
                }
                outcome
            }
            ResultBody::TaskFailed { token, failure } => {
                Metrics::add(&metrics.workflow_task_results, 1);
                hot.sticky.remove(&token.slot);
                let outcome = decide::fail_task(&mut tx, token, failure);
                self.note_waiting(key);
                outcome
            }
            ResultBody::TaskNeedsJournal { token } => {
                hot.sticky.remove(&token.slot);
                if let Some(session) = session {
                    session.values.forget(key, tx.root);
                }
                decide::reoffer_task(&mut tx, token)
            }
        };
        self.count_retries();
        self.absorb(key);
        outcome.map_err(|rejection| {
            if rejection == Rejection::Fenced {
                Metrics::add(&self.shared.metrics.fenced_results, 1);
            }
            let unread = self.unread_for(key, slot, &rejection);
            (rejection, unread)
        })
    }

    /// A completion that cannot be carried out must not leave its task under
    /// way: it is tried again later, and the run shows why.
    fn fail_refused(&mut self, key: &RootKey, token: TaskToken, rejection: &Rejection) {
        let refused = matches!(
            rejection,
            Rejection::CompletionInvalid(_) | Rejection::LimitExceeded { .. }
        );
        let Some(hot) = self.roots.get_mut(key).filter(|_| refused) else {
            return;
        };
        let failure = Failure::new(
            FailureKind::Application,
            "CompletionRefused",
            &rejection.to_string(),
        );
        let mut tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
        // The token was current a moment ago.
        let _ = decide::fail_task(&mut tx, token, failure);
        self.note_waiting(key);
    }

    pub(super) fn count_retries(&self) {
        let retries = self.output.events.iter().filter(|event| {
            matches!(
                event,
                everturn_engine::event::Event::Run {
                    event: RunEvent::ActivityAttemptFailed { .. },
                    ..
                }
            )
        });
        let count = retries.count() as u64;
        if count > 0 {
            Metrics::add(&self.shared.metrics.activity_retries, count);
        }
    }

    /// The events that the code must be given before it may close.
    fn unread_for(&self, key: &RootKey, slot: Slot, rejection: &Rejection) -> Vec<Arc<Entry>> {
        let Rejection::UnreadEvents { after } = rejection else {
            return Vec::new();
        };
        let journal = self.roots.get(key).and_then(|hot| hot.journals.get(&slot));
        journal.map_or_else(Vec::new, |journal| {
            let news = journal.entries_after(*after).filter(|entry| is_news(entry));
            page(news, self.shared.options.page_bytes).0
        })
    }
}

fn slot_of(body: &ResultBody) -> Slot {
    match body {
        ResultBody::ActivityCompleted { token, .. }
        | ResultBody::DeliveryAccepted { token, .. }
        | ResultBody::ActivityFailed { token, .. } => token.slot,
        ResultBody::TaskCompleted { token, .. }
        | ResultBody::TaskFailed { token, .. }
        | ResultBody::TaskNeedsJournal { token } => token.slot,
    }
}

/// Remembers who has the run in its cache.
fn note_task(
    hot: &mut Hot,
    session: Option<&Arc<SessionCore>>,
    slot: Slot,
    cached: bool,
    outcome: &Result<(), Rejection>,
) {
    match (outcome, session) {
        (Ok(()), Some(session)) if cached => {
            hot.sticky.insert(slot, Arc::clone(session));
        }
        (Err(Rejection::UnreadEvents { .. }), _) => {}
        _ => {
            hot.sticky.remove(&slot);
        }
    }
}
