//! Waiting, with what the task queues know: whether a queue has workers, and
//! whether they have the type. And how many wait, by reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use everturn_dispatch::{QueueKey, QueueStats, TaskKind};
use everturn_engine::text::{Namespace, QueueName};
use everturn_engine::value::{Span, Time};
use everturn_engine::waiting::{Wait, WaitReason};
use everturn_store::{RootKind, WaitColumns, WaitFilter};

use crate::map::Map;

/// How long a queue may be without a worker before it counts as unserved: a
/// worker that polls is away between two polls.
const POLL_GAP: Span = Span::from_secs(2);

/// A type of task in a task queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueType {
    /// The task queue.
    pub queue: QueueName,
    /// What is in it.
    pub kind: TaskKind,
    /// Name of the type.
    pub name: Arc<str>,
}

/// How a task queue stands.
#[derive(Clone, Debug)]
pub struct QueueState {
    /// Backlog and workers.
    pub stats: QueueStats,
    /// Types that its workers have; `None` if one of them does not say.
    pub types: Option<BTreeSet<Arc<str>>>,
}

impl QueueState {
    /// Since when nobody serves it, if that is so.
    #[must_use]
    pub fn unserved_since(&self, now: Time) -> Option<Time> {
        let since = Time(self.stats.unserved_since);
        let unserved = self.stats.subscribers == 0 && now.since(since) >= POLL_GAP;
        unserved.then_some(since)
    }

    /// Whether its workers are known not to have a type.
    #[must_use]
    pub fn lacks(&self, type_name: &str) -> bool {
        let types = self.types.as_ref().filter(|_| self.stats.subscribers > 0);
        !type_name.is_empty() && types.is_some_and(|types| !types.contains(type_name))
    }
}

/// A task queue, for people.
#[derive(Clone, Debug)]
pub struct QueueRecord {
    /// Its name.
    pub name: QueueName,
    /// What is in it.
    pub kind: TaskKind,
    /// How it stands.
    pub state: QueueState,
    /// Since when nobody serves it, if that is so.
    pub unserved_since: Option<Time>,
    /// Types that are wanted from it and that none of its workers has.
    pub missing: BTreeSet<Arc<str>>,
}

/// The queue of a wait.
pub(crate) fn queue_of(namespace: &Namespace, wait: &Wait) -> QueueKey {
    QueueKey {
        namespace: namespace.shared(),
        name: wait.queue.shared(),
        kind: if wait.is_workflow_task {
            TaskKind::Workflow
        } else {
            TaskKind::Activity
        },
    }
}

/// Says of what is in a queue whether somebody is going to take it.
pub(crate) fn refine(wait: &mut Wait, state: &QueueState, now: Time) {
    if wait.reason != WaitReason::Queued {
        return;
    }
    if let Some(since) = state.unserved_since(now) {
        wait.reason = WaitReason::NoWorker;
        wait.since = wait.since.max(since);
    } else if state.lacks(wait.type_name.as_str()) {
        wait.reason = WaitReason::NotRegistered;
    }
}

/// How a wait is found in the view. What is at rest is found by the queue
/// that it will need next.
pub(crate) fn columns(wait: Option<&Wait>, own_queue: &QueueName) -> WaitColumns {
    let (name, is_workflow) = match wait {
        Some(wait) if !wait.queue.as_str().is_empty() => (&wait.queue, wait.is_workflow_task),
        _ => (own_queue, true),
    };
    let kind = if is_workflow {
        TaskKind::Workflow
    } else {
        TaskKind::Activity
    };
    WaitColumns {
        reason: wait.map_or(0, |wait| wait.reason.code()),
        queue: column(name.as_str(), kind),
        unanswered_since: None,
    }
}

/// A queue as it stands in a column.
pub(crate) fn column(name: &str, kind: TaskKind) -> Arc<str> {
    match kind {
        TaskKind::Workflow => format!("w:{name}").into(),
        TaskKind::Activity => format!("a:{name}").into(),
    }
}

/// The queue that a column names.
pub(crate) fn queue_in(column: &str) -> Option<(QueueName, TaskKind)> {
    let (kind, name) = column.split_once(':')?;
    let kind = match kind {
        "w" => TaskKind::Workflow,
        "a" => TaskKind::Activity,
        _ => return None,
    };
    Some((name.into(), kind))
}

/// What rows may wait for reasons: the stored reason of what is in a queue says
/// nothing about its workers, so that it stands for three.
pub(crate) fn filter(reasons: &BTreeSet<WaitReason>, unserved: Vec<Arc<str>>) -> WaitFilter {
    let in_queue = [WaitReason::Queued, WaitReason::NotRegistered];
    let codes = reasons.iter().map(|reason| reason.code());
    let mut filter = WaitFilter {
        reasons: codes.collect(),
        queued: None,
    };
    if in_queue.iter().any(|reason| reasons.contains(reason)) {
        filter.reasons.push(WaitReason::Queued.code());
    } else if reasons.contains(&WaitReason::NoWorker) {
        filter.queued = Some((WaitReason::Queued.code(), unserved));
    }
    filter
}

/// Conversation or not, the stored number of the reason, the queue.
type CountKey = (bool, u8, Arc<str>);

/// How many roots of a partition wait, by kind and by how they do, and of how
/// many conversations the customer has no answer.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waits: Map<CountKey, i64>,
    unanswered: i64,
}

impl Counts {
    /// Begins anew, with what the view holds.
    pub fn reset(&self, rows: Vec<(RootKind, WaitColumns, u64)>) {
        let mut counts = self.lock();
        *counts = Inner::default();
        for (kind, wait, count) in rows {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            if wait.unanswered_since.is_some() {
                counts.unanswered += count;
            }
            if wait.reason > 0 {
                let key = (kind == RootKind::Conversation, wait.reason, wait.queue);
                *counts.waits.entry(key).or_default() += count;
            }
        }
    }

    /// A root waits in another way than the view said.
    pub fn change(&self, is_conversation: bool, before: &WaitColumns, after: &WaitColumns) {
        if before == after {
            return;
        }
        let mut counts = self.lock();
        for (wait, change) in [(before, -1), (after, 1)] {
            if wait.unanswered_since.is_some() {
                counts.unanswered += change;
            }
            if wait.reason == 0 {
                continue;
            }
            let key = (is_conversation, wait.reason, Arc::clone(&wait.queue));
            let count = counts.waits.entry(key.clone()).or_default();
            *count += change;
            if *count == 0 {
                counts.waits.remove(&key);
            }
        }
    }

    /// Adds what waits here; `is_unserved` knows the queues by their columns.
    pub fn add_to(
        &self,
        totals: &mut BTreeMap<(bool, WaitReason), i64>,
        is_unserved: &impl Fn(&str) -> bool,
    ) {
        for ((is_conversation, code, queue), count) in &self.lock().waits {
            let Some(mut reason) = WaitReason::from_code(*code) else {
                continue;
            };
            if reason == WaitReason::Queued && is_unserved(queue) {
                reason = WaitReason::NoWorker;
            }
            *totals.entry((*is_conversation, reason)).or_default() += count;
        }
    }

    /// Conversations whose customer has no answer.
    pub fn unanswered(&self) -> i64 {
        self.lock().unanswered
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(subscribers: usize, types: Option<&[&str]>) -> QueueState {
        QueueState {
            stats: QueueStats {
                subscribers,
                unserved_since: 5_000_000,
                ..QueueStats::default()
            },
            types: types.map(|types| types.iter().map(|name| (*name).into()).collect()),
        }
    }

    fn queued() -> Wait {
        let mut wait = Wait::new(WaitReason::Queued, Time(1));
        wait.queue = "agents".into();
        wait.type_name = "refund".into();
        wait
    }

    #[test]
    fn what_is_in_a_queue_waits_for_a_worker_that_has_its_type() {
        let reason = |state: &QueueState, now: i64| {
            let mut wait = queued();
            refine(&mut wait, state, Time(now));
            (wait.reason, wait.since)
        };
        let nobody = state(0, Some(&[]));
        let between_polls = reason(&nobody, 6_000_000);
        assert_eq!(between_polls, (WaitReason::Queued, Time(1)));
        let unserved = reason(&nobody, 8_000_000);
        assert_eq!(unserved, (WaitReason::NoWorker, Time(5_000_000)));
        let of = |types| reason(&state(1, types), 8_000_000).0;
        assert_eq!(of(Some(&["draft"])), WaitReason::NotRegistered);
        assert_eq!(of(Some(&["draft", "refund"])), WaitReason::Queued);
        assert_eq!(of(None), WaitReason::Queued, "one of them does not say");
    }

    #[test]
    fn counts_follow_what_is_written() {
        let counts = Counts::default();
        let at_rest = columns(None, &"default".into());
        let waits = columns(Some(&queued()), &"default".into());
        assert_eq!(&*waits.queue, "a:agents");
        counts.reset(vec![(RootKind::Conversation, waits.clone(), 2)]);
        counts.change(true, &at_rest, &waits);
        counts.change(false, &at_rest, &waits);
        counts.change(false, &waits, &at_rest);
        let mut totals = BTreeMap::new();
        counts.add_to(&mut totals, &|queue| queue == "a:agents");
        assert_eq!(totals, BTreeMap::from([((true, WaitReason::NoWorker), 3)]));
    }
}
