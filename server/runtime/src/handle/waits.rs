//! Calls about task queues, and about what waits in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use everturn_dispatch::{QueueKey, TaskKind};
use everturn_engine::text::Namespace;
use everturn_engine::value::Time;
use everturn_engine::waiting::{REASONS, Wait, WaitReason};
use everturn_store::{Cursor, Filter};

use crate::error::Error;
use crate::handle::Handle;
use crate::waiting::{self, QueueRecord};

/// Runs, and conversations, that are looked at for types that nobody has.
const UNREGISTERED_LOOKED_AT: usize = 1_000;

/// What a list of conversations or runs is restricted to.
#[derive(Clone, Debug)]
pub struct ListQuery {
    /// Namespace.
    pub namespace: Namespace,
    /// Only of this type.
    pub type_name: Option<Arc<str>>,
    /// Only of this status, in stored numbers.
    pub status: Option<u8>,
    /// Only what waits for one of these reasons, if there are any.
    pub reasons: BTreeSet<WaitReason>,
    /// Only conversations whose customer has had no answer since before then.
    pub unanswered_before: Option<Time>,
    /// Only what comes after the end of a page.
    pub after: Option<Cursor>,
    /// Entries of the page.
    pub limit: usize,
}

impl ListQuery {
    /// Everything of a namespace.
    #[must_use]
    pub fn of(namespace: Namespace, limit: usize) -> Self {
        Self {
            namespace,
            type_name: None,
            status: None,
            reasons: BTreeSet::new(),
            unanswered_before: None,
            after: None,
            limit,
        }
    }
}

impl Handle {
    /// How the task queues of a namespace stand: those with a task, a worker,
    /// an open conversation or code that uses them.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn task_queues(&self, namespace: &Namespace) -> Result<Vec<QueueRecord>, Error> {
        let now = self.now();
        let workers = &self.shared.workers;
        let mut wanted: BTreeMap<(Arc<str>, TaskKind), BTreeSet<Arc<str>>> = BTreeMap::new();
        for used in workers.used_types(namespace.as_str()) {
            let key = (used.queue.shared(), used.kind);
            wanted.entry(key).or_default().insert(used.name);
        }
        let in_view = self.shared.store.used_queues(namespace.shared()).await?;
        for (column, type_name) in in_view {
            let Some((queue, kind)) = waiting::queue_in(&column) else {
                continue;
            };
            let types = wanted.entry((queue.shared(), kind)).or_default();
            // What is in an activities' queue has the type of its conversation.
            if kind == TaskKind::Workflow {
                types.insert(type_name);
            }
        }
        for wait in self.unregistered(namespace).await? {
            let key = waiting::queue_of(namespace, &wait);
            let types = wanted.entry((key.name, key.kind)).or_default();
            types.insert(wait.type_name.shared());
        }
        let keys = wanted.keys().map(|(name, kind)| QueueKey {
            namespace: namespace.shared(),
            name: Arc::clone(name),
            kind: *kind,
        });
        let states = workers.queue_states(namespace.as_str(), keys);
        let records = states.into_iter().map(|((name, kind), state)| {
            let types = wanted.remove(&(Arc::clone(&name), kind));
            let mut missing = types.unwrap_or_default();
            missing.retain(|name| state.stats.subscribers == 0 || state.lacks(name));
            QueueRecord {
                name: name.into(),
                kind,
                unserved_since: state.unserved_since(now),
                state,
                missing,
            }
        });
        let mut records: Vec<QueueRecord> = records.collect();
        records.sort_by_key(|it| (it.state.stats.subscribers > 0, it.missing.is_empty()));
        Ok(records)
    }

    /// What waits for types that workers were asked for and did not have.
    async fn unregistered(&self, namespace: &Namespace) -> Result<Vec<Wait>, Error> {
        let query = ListQuery {
            reasons: BTreeSet::from([WaitReason::NotRegistered]),
            ..ListQuery::of(namespace.clone(), UNREGISTERED_LOOKED_AT)
        };
        let runs = self.list_runs(query.clone()).await?.runs;
        let conversations = self.list_conversations(query).await?.conversations;
        let of_runs = runs.into_iter().filter_map(|it| it.wait);
        let of_conversations = conversations.into_iter().filter_map(|it| it.wait);
        Ok(of_runs.chain(of_conversations).collect())
    }

    /// How many conversations and workflows wait: the kind, the name of the
    /// reason, and the count. Every reason is there.
    #[must_use]
    pub fn waiting(&self) -> Vec<(&'static str, &'static str, i64)> {
        let now = self.now();
        let unserved = self.shared.workers.unserved(now);
        let mut totals = BTreeMap::new();
        for counts in &self.shared.waits {
            counts.add_to(&mut totals, &|queue| unserved.contains(queue));
        }
        let kinds = [(true, "conversation"), (false, "workflow")];
        let all = kinds
            .iter()
            .flat_map(|kind| REASONS.map(|reason| (kind, reason)));
        let counted = all.map(|((is_conversation, kind), reason)| {
            let count = totals.get(&(*is_conversation, reason));
            (*kind, reason.name(), count.copied().unwrap_or(0))
        });
        counted.collect()
    }

    /// How many open conversations have a customer without an answer.
    #[must_use]
    pub fn unanswered(&self) -> i64 {
        self.shared
            .waits
            .iter()
            .map(waiting::Counts::unanswered)
            .sum()
    }

    /// The time that waits are measured by.
    #[must_use]
    pub fn now(&self) -> Time {
        self.shared.options.clock.now()
    }

    /// Adds what the task queues know.
    pub(super) fn refine(&self, namespace: &Namespace, wait: Option<&mut Wait>) {
        let queued = wait.filter(|wait| wait.reason == WaitReason::Queued);
        if let Some(wait) = queued {
            let key = waiting::queue_of(namespace, wait);
            let state = self.shared.workers.queue_state(&key);
            waiting::refine(wait, &state, self.now());
        }
    }

    /// The filter of the view for a query.
    pub(super) fn filter(&self, query: &ListQuery) -> Filter {
        let unserved = || {
            let all = self
                .shared
                .workers
                .unserved_in(&query.namespace, self.now());
            all.into_iter().collect()
        };
        let waits =
            (!query.reasons.is_empty()).then(|| waiting::filter(&query.reasons, unserved()));
        Filter {
            type_name: query.type_name.clone(),
            status: query.status,
            waits,
            unanswered_before: query.unanswered_before.map(|at| at.0),
            after: query.after.clone(),
            ..Filter::of(query.namespace.shared(), query.limit)
        }
    }

    /// Refines what was listed, and leaves out what does not wait for one of
    /// the reasons after all.
    pub(super) fn keep_waiting<T>(
        &self,
        query: &ListQuery,
        listed: Vec<T>,
        wait: impl Fn(&mut T) -> Option<&mut Wait>,
    ) -> Vec<T> {
        let mut kept = Vec::with_capacity(listed.len());
        for mut one in listed {
            self.refine(&query.namespace, wait(&mut one));
            let reason = wait(&mut one).map(|wait| wait.reason);
            let wanted = query.reasons.is_empty()
                || reason.is_some_and(|reason| query.reasons.contains(&reason));
            if wanted {
                kept.push(one);
            }
        }
        kept
    }
}
