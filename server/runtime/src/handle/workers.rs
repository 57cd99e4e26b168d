//! Calls of workers.

use std::sync::Arc;

use everturn_dispatch::{AckMode, QueueKey, TaskKind};
use everturn_engine::decide::{self, ActivityToken, Beat};
use everturn_engine::text::RootKey;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::sync::{mpsc, oneshot};

use crate::assignments::Assigned;
use crate::error::Error;
use crate::handle::session::{CONCURRENT_VISITS, Poll, Session, SessionOptions};
use crate::handle::{Handle, visit};
use crate::journal::Entry;
use crate::partition::Input;
use crate::session::{Connecting, Reporter, SessionCore, SessionTypes};
use crate::task::{ActivityTask, OutputPiece, TaskResult, WorkItem, WorkflowTask};
use crate::task_ref::TaskRef;

impl Handle {
    /// Connects a worker. Also tells which of the attempts that it still runs
    /// are over, by their index.
    ///
    /// # Errors
    /// `LimitExceeded`, `Draining`.
    pub async fn open_session(
        &self,
        options: SessionOptions,
    ) -> Result<(Session, Vec<u32>), Error> {
        self.admit()?;
        let queues: Vec<QueueKey> = options
            .queues
            .iter()
            .map(|(name, kind)| QueueKey {
                namespace: options.namespace.shared(),
                name: name.shared(),
                kind: *kind,
            })
            .collect();
        let worker = Connecting {
            queues,
            identity: options.identity,
            reconciles: options.reconciles,
            shows_typing: options.shows_typing,
            types: options.types,
            state_cache_bytes: options.state_cache_bytes,
        };
        let core = self.shared.workers.connect(worker, AckMode::Explicit)?;
        let session = Session {
            core,
            handle: self.clone(),
        };
        let claims = (0_u32..)
            .zip(options.running)
            .map(|(index, (root, token))| {
                let claimed = self.claim(&session.core, root, token);
                async move { claimed.await.map(|keeps| (index, keeps)) }
            });
        let claimed: Vec<(u32, bool)> = futures::stream::iter(claims)
            .buffered(CONCURRENT_VISITS)
            .try_collect()
            .await?;
        let over = claimed.into_iter().filter(|(_, keeps)| !keeps);
        let aborted = over.map(|(index, _)| index).collect();
        Ok((session, aborted))
    }

    /// Whether a reconnected worker may go on with an attempt.
    async fn claim(
        &self,
        core: &Arc<SessionCore>,
        root: RootKey,
        token: ActivityToken,
    ) -> Result<bool, Error> {
        let shared = Arc::clone(&self.shared);
        let core = Arc::clone(core);
        let number = self.shared.partition_of(&root);
        let task = TaskRef::of_activity(number, &root, token);
        visit(&self.shared, root, false, move |scope| {
            let mut tx = scope.transaction();
            let alive = decide::heartbeat_activity(&mut tx, token, Beat::default()).is_ok();
            if alive {
                let holder = (token.slot, token.activity);
                scope.hot.holders.insert(holder, Arc::clone(&core));
                shared.workers.claim(core.id, &task);
            }
            Ok(alive)
        })
        .await
    }

    /// Waits for activity tasks, up to `max`.
    ///
    /// # Errors
    /// `LimitExceeded`, `Draining`.
    pub async fn poll_activities(&self, poll: Poll, max: u32) -> Result<Vec<ActivityTask>, Error> {
        let items = self.poll(poll, TaskKind::Activity, max).await?;
        let tasks = items.into_iter().filter_map(|item| match item {
            WorkItem::Activity(task) => Some(*task),
            _ => None,
        });
        Ok(tasks.collect())
    }

    /// Waits for a workflow task.
    ///
    /// # Errors
    /// `LimitExceeded`, `Draining`.
    pub async fn poll_workflow(&self, poll: Poll) -> Result<Option<WorkflowTask>, Error> {
        let items = self.poll(poll, TaskKind::Workflow, 1).await?;
        let mut tasks = items.into_iter().filter_map(|item| match item {
            WorkItem::Workflow(task) => Some(*task),
            _ => None,
        });
        Ok(tasks.next())
    }

    async fn poll(&self, poll: Poll, kind: TaskKind, max: u32) -> Result<Vec<WorkItem>, Error> {
        self.admit()?;
        let queue = QueueKey {
            namespace: poll.namespace.shared(),
            name: poll.queue.shared(),
            kind,
        };
        let workers = &self.shared.workers;
        let worker = Connecting {
            queues: vec![queue],
            identity: poll.identity,
            reconciles: Vec::new(),
            shows_typing: Vec::new(),
            types: SessionTypes::default(),
            state_cache_bytes: 0,
        };
        let core = workers.connect(worker, AckMode::Implicit)?;
        // Dropped, also when the caller goes away, it gives back what was not
        // delivered.
        let session = Session {
            core,
            handle: self.clone(),
        };
        session.grant(kind, max)?;
        let mut items = tokio::select! {
            biased;
            items = session.next() => items.unwrap_or_default(),
            () = tokio::time::sleep(poll.max_wait) => Vec::new(),
            () = self.gate.draining.cancelled() => Vec::new(),
        };
        let assigned = workers.disconnect(session.core.id);
        self.shared.route(assigned);
        items.extend(session.core.close());
        let surplus = items.split_off(fitting(&items, self.options().page_bytes));
        self.give_back(surplus);
        Ok(items)
    }

    /// Reports results from a worker without a session; the answers are in
    /// the order of the results.
    pub async fn report(
        &self,
        mut results: Vec<TaskResult>,
    ) -> Vec<Result<(), (Error, Vec<Arc<Entry>>)>> {
        let count = results.len();
        let (answers, mut settled) = mpsc::channel(count.max(1));
        for (index, result) in results.iter_mut().enumerate() {
            result.result_id = index as u64;
        }
        // Dropped when the last result is judged, which ends the loop below.
        self.send_results(Reporter::Caller(answers), results).await;
        let lost = || Err((Error::PartitionMoved, Vec::new()));
        let mut outcome: Vec<_> = (0..count).map(|_| lost()).collect();
        while let Some((index, judgement)) = settled.recv().await {
            if let Some(place) = outcome.get_mut(index as usize) {
                *place = judgement;
            }
        }
        outcome
    }

    /// Notes that an attempt is alive; true: it should stop.
    ///
    /// # Errors
    /// `Fenced`.
    pub async fn heartbeat(
        &self,
        root: RootKey,
        token: ActivityToken,
        beat: Beat,
    ) -> Result<bool, Error> {
        visit(&self.shared, root, false, move |scope| {
            Ok(decide::heartbeat_activity(
                &mut scope.transaction(),
                token,
                beat,
            )?)
        })
        .await
    }

    /// Hands on pieces of output; for each whether its attempt is current.
    pub async fn outputs_of(&self, pieces: Vec<OutputPiece>) -> Vec<bool> {
        let count = pieces.len();
        let mut groups: Vec<(Vec<usize>, Vec<OutputPiece>)> = Vec::new();
        groups.resize_with(self.shared.mailboxes.len(), Default::default);
        for (index, piece) in pieces.into_iter().enumerate() {
            let group = &mut groups[self.shared.partition_of(&piece.root) as usize];
            group.0.push(index);
            group.1.push(piece);
        }
        let mut current = vec![true; count];
        for (number, (indexes, group)) in groups.into_iter().enumerate() {
            if group.is_empty() {
                continue;
            }
            let (caller, answer) = oneshot::channel();
            let input = Input::Outputs(group, Some(caller));
            let sent = self.shared.mailboxes[number].send(input).await;
            // A partition that is being reloaded has nobody to tell.
            let answer = if sent.is_ok() { answer.await } else { continue };
            for (index, is_current) in indexes.into_iter().zip(answer.unwrap_or_default()) {
                current[index] = is_current;
            }
        }
        current
    }

    pub(crate) fn grant(
        &self,
        core: &Arc<SessionCore>,
        kind: TaskKind,
        count: u32,
    ) -> Result<(), Error> {
        let assigned: Vec<Assigned> = self.shared.workers.grant(core.id, kind, count)?;
        self.shared.route(assigned);
        Ok(())
    }

    /// Hands results to the partitions that hold their runs.
    pub(crate) async fn send_results(&self, reporter: Reporter, results: Vec<TaskResult>) {
        let mut groups: Vec<Vec<TaskResult>> = Vec::new();
        groups.resize_with(self.shared.mailboxes.len(), Vec::new);
        for result in results {
            groups[self.shared.partition_of(&result.root) as usize].push(result);
        }
        for (number, group) in groups.into_iter().enumerate() {
            if group.is_empty() {
                continue;
            }
            let input = Input::Results(reporter.clone(), group);
            if self.shared.mailboxes[number].send(input).await.is_err()
                && let Some(session) = reporter.session()
            {
                // The runtime is gone; the stream ends as well.
                session.close();
            }
        }
    }

    /// A worker went away.
    pub(crate) fn disconnect(&self, core: &Arc<SessionCore>) {
        // Before the task queues give them to others: a delivery that never
        // left is not lost.
        self.give_back(core.close());
        let assigned = self.shared.workers.disconnect(core.id);
        self.shared.route(assigned);
    }

    /// Tasks that never left go back to their queues.
    fn give_back(&self, items: Vec<WorkItem>) {
        let mut groups: Vec<Vec<TaskRef>> = Vec::new();
        groups.resize_with(self.shared.mailboxes.len(), Vec::new);
        for item in items.iter().filter(|item| item.goes_back()) {
            let task = match item {
                WorkItem::Activity(task) => {
                    let number = self.shared.partition_of(&task.root);
                    TaskRef::of_activity(number, &task.root, task.token)
                }
                WorkItem::Workflow(task) => {
                    let number = self.shared.partition_of(&task.root);
                    TaskRef::of_run(number, &task.root, task.token.slot)
                }
                _ => continue,
            };
            groups[task.partition as usize].push(task);
        }
        for (number, tasks) in groups.into_iter().enumerate() {
            if !tasks.is_empty() {
                self.shared.send(number, Input::Undelivered(tasks));
            }
        }
    }
}

/// How many of the items fit into one answer: at least the first.
fn fitting(items: &[WorkItem], max_bytes: usize) -> usize {
    let sizes = items.iter().scan(0, |bytes, item| {
        *bytes += item.size_bytes();
        Some(*bytes)
    });
    let count = sizes.take_while(|bytes| *bytes <= max_bytes).count();
    count.max(1).min(items.len())
}
