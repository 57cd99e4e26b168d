//! The handle: every call that services make.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use everturn_dispatch::{AckMode, QueueKey, TaskKind};
use everturn_engine::decide::{
    self, Accepted, ActivityToken, RunRef, SignalWorkflow, StartWorkflow, SubmitMessage,
};
use everturn_engine::event::{RunId, RunStatus};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::root::Root;
use everturn_engine::state::run::Run;
use everturn_engine::text::{Namespace, RootKey, Text, TypeName};
use everturn_engine::value::{Payload, Span};
use everturn_store::{Cursor, RootKind};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::assignments::{Assigned, TaskRef, Workers};
use crate::error::Error;
use crate::journal::Entry;
use crate::options::Options;
use crate::partition::{Input, Scope, Shared, Visit};
use crate::read::{
    ConversationPage, HistoryPage, JournalRead, MessagePage, RunPage, read_messages,
};
use crate::record::{ConversationRecord, RunDescription, RunRecord};
use crate::session::{
    ActivityTask, CONCURRENT_VISITS, Poll, Reporter, Session, SessionCore, SessionOptions,
    TaskResult, WorkItem, WorkflowTask,
};
use crate::watch::{Place, Watch, Watcher};

/// A handle on the runtime. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// What is let in.
#[derive(Debug, Default)]
struct Gate {
    draining: CancellationToken,
    watchers: Arc<AtomicUsize>,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            gate: Arc::default(),
        }
    }

    /// The settings of the runtime.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// What the runtime counts about itself.
    #[must_use]
    pub fn metrics(&self) -> crate::metrics::Snapshot {
        self.shared.metrics.snapshot()
    }

    /// Whether the runtime is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.gate.draining.is_cancelled()
    }

    /// No new work from here on; sessions are told.
    pub fn start_draining(&self) {
        self.gate.draining.cancel();
        for session in self.shared.workers.sessions() {
            let assigned = self.shared.workers.drain(session.id);
            self.shared.route(assigned);
            session.push(WorkItem::Draining);
        }
    }

    /// Waits until all workers have gone, at most for a while.
    pub async fn workers_gone(&self, at_most: Duration) {
        const STEP: Duration = Duration::from_millis(20);
        let gone = async {
            while !self.shared.workers.sessions().is_empty() {
                tokio::time::sleep(STEP).await;
            }
        };
        // Those that stay are told by the end of their streams.
        let _ = tokio::time::timeout(at_most, gone).await;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.shared.workers
    }

    /// Adds a customer's message to a conversation.
    ///
    /// # Errors
    /// A rejection of `decide::submit_message`, `Busy`, `Draining`.
    pub async fn submit_message(
        &self,
        key: RootKey,
        request: SubmitMessage,
    ) -> Result<Accepted, Error> {
        self.admit()?;
        visit(&self.shared, key, true, move |scope| {
            Ok(decide::submit_message(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Closes a conversation.
    ///
    /// # Errors
    /// `ConversationNotFound`.
    pub async fn close_conversation(
        &self,
        key: RootKey,
        reason: Text,
        grace: Option<Span>,
    ) -> Result<(), Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::close_conversation(
                &mut scope.transaction(),
                reason,
                grace,
            )?)
        })
        .await
    }

    /// Starts a workflow.
    ///
    /// # Errors
    /// A rejection of `decide::start_workflow`, `Busy`, `Draining`.
    pub async fn start_workflow(
        &self,
        key: RootKey,
        request: StartWorkflow,
    ) -> Result<RunId, Error> {
        self.admit()?;
        visit(&self.shared, key, true, move |scope| {
            Ok(decide::start_workflow(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Sends a signal to an open run.
    ///
    /// # Errors
    /// A rejection of `decide::signal_workflow`.
    pub async fn signal_workflow(
        &self,
        namespace: Namespace,
        request: SignalWorkflow,
    ) -> Result<(), Error> {
        let target = request.target.clone();
        let signaled = visit(
            &self.shared,
            root_of(&namespace, &target),
            false,
            move |scope| Ok(decide::signal_workflow(&mut scope.transaction(), request)?),
        );
        self.or_closed(&namespace, &target, signaled.await).await
    }

    /// Asks an open run to cancel.
    ///
    /// # Errors
    /// `RunNotFound`, `RunClosed`.
    pub async fn cancel_workflow(
        &self,
        namespace: Namespace,
        target: RunRef,
        reason: Text,
    ) -> Result<(), Error> {
        let key = root_of(&namespace, &target);
        let run = target.clone();
        let canceled = visit(&self.shared, key, false, move |scope| {
            Ok(decide::cancel_workflow(
                &mut scope.transaction(),
                &run,
                reason,
            )?)
        });
        self.or_closed(&namespace, &target, canceled.await).await
    }

    /// Closes an open run from outside.
    ///
    /// # Errors
    /// `RunNotFound`, `RunClosed`.
    pub async fn terminate_workflow(
        &self,
        namespace: Namespace,
        target: RunRef,
        reason: Text,
    ) -> Result<(), Error> {
        let key = root_of(&namespace, &target);
        let run = target.clone();
        let terminated = visit(&self.shared, key, false, move |scope| {
            Ok(decide::terminate_workflow(
                &mut scope.transaction(),
                &run,
                &reason,
            )?)
        });
        self.or_closed(&namespace, &target, terminated.await).await
    }

    /// Reads a conversation.
    ///
    /// # Errors
    /// `ConversationNotFound`.
    pub async fn conversation(&self, key: RootKey) -> Result<ConversationRecord, Error> {
        visit(&self.shared, key, false, |scope| {
            let root = &scope.hot.root;
            let conversation = root
                .conversation
                .as_ref()
                .ok_or(Rejection::ConversationNotFound)?;
            let mut record = ConversationRecord::of(root, conversation);
            record.state = Some(conversation.state.clone());
            Ok(record)
        })
        .await
    }

    /// Reads a run with everything it waits for.
    ///
    /// # Errors
    /// `RunNotFound`.
    pub async fn describe(
        &self,
        namespace: Namespace,
        target: RunRef,
    ) -> Result<RunDescription, Error> {
        let key = root_of(&namespace, &target);
        let wanted = target.clone();
        let held = visit(&self.shared, key, false, move |scope| {
            let root = &scope.hot.root;
            Ok(find(root, &wanted).map(|run| RunDescription::of(root, run)))
        });
        match held.await? {
            Some(description) => Ok(description),
            None => self
                .closed_run(&namespace, &target)
                .await
                .map(RunDescription::closed),
        }
    }

    /// Reads a part of the journal of a run.
    ///
    /// # Errors
    /// `RunNotFound`.
    pub async fn history(
        &self,
        namespace: Namespace,
        target: RunRef,
        after: u64,
        max_events: usize,
    ) -> Result<HistoryPage, Error> {
        let key = root_of(&namespace, &target);
        let wanted = target.clone();
        let held = visit(&self.shared, key, false, move |scope| {
            let Some(run) = find(&scope.hot.root, &wanted) else {
                return Ok(None);
            };
            let journal = scope.hot.journals.get(&run.slot);
            let newer = journal.map_or_else(Vec::new, |journal| {
                let entries = journal.entries_after(after);
                entries
                    .take(max_events.saturating_add(1))
                    .cloned()
                    .collect()
            });
            Ok(Some(JournalRead {
                run_id: run.run_id,
                after,
                first_in_memory: journal.map_or(u64::MAX, crate::journal::Journal::first_id),
                newer,
                max_events,
            }))
        });
        let read = match held.await? {
            Some(read) => read,
            None => JournalRead {
                run_id: self.closed_run(&namespace, &target).await?.run_id,
                after,
                first_in_memory: u64::MAX,
                newer: Vec::new(),
                max_events,
            },
        };
        let run_id = read.run_id;
        let (entries, more) = read.run(&self.shared).await?;
        Ok(HistoryPage {
            run_id,
            entries,
            more,
        })
    }

    /// Reads a part of the transcript of a conversation.
    ///
    /// # Errors
    /// `ConversationNotFound`.
    pub async fn messages(
        &self,
        key: RootKey,
        after: u64,
        max_count: usize,
    ) -> Result<MessagePage, Error> {
        let newer = visit(&self.shared, key.clone(), false, move |scope| {
            if scope.hot.root.conversation.is_none() {
                return Err(Rejection::ConversationNotFound.into());
            }
            Ok(scope.hot.messages.clone())
        });
        let newer = newer.await?;
        read_messages(&self.shared, &key, after, newer, max_count).await
    }

    /// Waits until a run is closed; its status is `Running` if `max_wait`
    /// passed first.
    ///
    /// # Errors
    /// `RunNotFound`, `Draining`.
    pub async fn wait_closed(
        &self,
        namespace: Namespace,
        target: RunRef,
        max_wait: Duration,
    ) -> Result<RunRecord, Error> {
        self.admit()?;
        let key = root_of(&namespace, &target);
        let wanted = target.clone();
        let held = visit(&self.shared, key, false, move |scope| {
            let root = &scope.hot.root;
            let Some(run) = find(root, &wanted) else {
                return Ok(None);
            };
            let record = RunRecord::of(root, run);
            if !run.status.is_open() {
                return Ok(Some((record, None)));
            }
            let (closed, waiter) = oneshot::channel();
            let waiters = scope.hot.waiters.entry(run.slot).or_default();
            waiters.retain(|waiter| !waiter.is_closed());
            waiters.push(closed);
            Ok(Some((record, Some(waiter))))
        });
        let Some((record, waiter)) = held.await? else {
            return self.closed_run(&namespace, &target).await;
        };
        let Some(waiter) = waiter else {
            return Ok(record);
        };
        tokio::select! {
            closed = waiter => closed.map_err(|_| Error::PartitionMoved),
            () = tokio::time::sleep(max_wait) => Ok(record),
            () = self.gate.draining.cancelled() => Err(Error::Draining),
        }
    }

    /// Lists conversations, last updated first.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn list_conversations(
        &self,
        namespace: Namespace,
        type_name: Option<TypeName>,
        status: Option<u8>,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<ConversationPage, Error> {
        let type_name = type_name.map(|name| name.shared());
        let kind = RootKind::Conversation;
        let listed =
            self.shared
                .store
                .list_roots(namespace.shared(), kind, type_name, status, after, limit);
        let (rows, next) = listed.await?;
        let read = |row: &everturn_store::RootRow| minicbor::decode(&row.summary);
        let conversations = rows.iter().map(read).collect::<Result<_, _>>();
        Ok(ConversationPage {
            conversations: conversations.map_err(|error| Error::internal(&error))?,
            next,
        })
    }

    /// Lists runs, last started first.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn list_runs(
        &self,
        namespace: Namespace,
        type_name: Option<TypeName>,
        status: Option<RunStatus>,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<RunPage, Error> {
        let type_name = type_name.map(|name| name.shared());
        let status = status.map(RunStatus::code);
        let listed =
            self.shared
                .store
                .list_runs(namespace.shared(), type_name, status, after, limit);
        let (rows, next) = listed.await?;
        let read = |row: &everturn_store::RunRow| minicbor::decode(&row.detail);
        let runs = rows.iter().map(read).collect::<Result<_, _>>();
        Ok(RunPage {
            runs: runs.map_err(|error| Error::internal(&error))?,
            next,
        })
    }

    /// Subscribes to the updates of a conversation.
    ///
    /// # Errors
    /// `ConversationNotFound`, `LimitExceeded`, `Draining`.
    pub async fn watch(&self, key: RootKey) -> Result<Watch, Error> {
        self.admit()?;
        let bound = self.shared.options.watchers;
        let place = Place::take(&self.gate.watchers, bound).ok_or(Error::LimitExceeded {
            subject: "open watchers",
            limit: bound as u64,
        })?;
        let (sender, updates) = mpsc::channel(self.shared.options.watcher_updates);
        let skipped = Arc::default();
        let watcher = Watcher {
            updates: sender,
            skipped: Arc::clone(&skipped),
        };
        // Subscribed and positioned in one step: nothing falls between.
        let (durable_through, closed) = visit(&self.shared, key, false, move |scope| {
            let conversation = scope
                .hot
                .root
                .conversation
                .as_ref()
                .ok_or(Rejection::ConversationNotFound)?;
            let position = (conversation.message_count, conversation.closed.clone());
            scope.watch(watcher);
            Ok(position)
        })
        .await?;
        Ok(Watch {
            durable_through,
            closed,
            updates,
            skipped,
            _place: place,
        })
    }

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
        let core = self
            .shared
            .workers
            .connect(&queues, options.identity, AckMode::Explicit)?;
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
            let alive = decide::heartbeat_activity(&mut tx, token, None).is_ok();
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
        let core = workers.connect(&[queue], poll.identity, AckMode::Implicit)?;
        // Dropped, also when the caller goes away, it gives back what was not
        // delivered.
        let session = Session {
            core,
            handle: self.clone(),
        };
        session.grant(kind, max)?;
        let mut items = tokio::select! {
            items = session.next() => items.unwrap_or_default(),
            () = tokio::time::sleep(poll.max_wait) => Vec::new(),
            () = self.gate.draining.cancelled() => Vec::new(),
        };
        let assigned = workers.disconnect(session.core.id);
        self.shared.route(assigned);
        items.extend(session.core.close());
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
        details: Option<Payload>,
    ) -> Result<bool, Error> {
        visit(&self.shared, root, false, move |scope| {
            Ok(decide::heartbeat_activity(
                &mut scope.transaction(),
                token,
                details,
            )?)
        })
        .await
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
        let undelivered = core.close();
        let assigned = self.shared.workers.disconnect(core.id);
        self.shared.route(assigned);
        let mut groups: Vec<Vec<TaskRef>> = Vec::new();
        groups.resize_with(self.shared.mailboxes.len(), Vec::new);
        for item in undelivered {
            let task = match &item {
                WorkItem::Activity(task) if task.delivery_id == 0 => {
                    let number = self.shared.partition_of(&task.root);
                    TaskRef::of_activity(number, &task.root, task.token)
                }
                WorkItem::Workflow(task) if task.delivery_id == 0 => {
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

    fn admit(&self) -> Result<(), Error> {
        if self.is_draining() {
            Err(Error::Draining)
        } else {
            Ok(())
        }
    }

    /// A closed run that memory no longer holds.
    async fn closed_run(&self, namespace: &Namespace, target: &RunRef) -> Result<RunRecord, Error> {
        let store = &self.shared.store;
        let row = match target.run_id {
            Some(run_id) => store.load_run(run_id.0.to_be_bytes()).await?,
            None => {
                let workflow_id = target.workflow_id.shared();
                store.find_run(namespace.shared(), workflow_id).await?
            }
        };
        let row = row.filter(|row| {
            *row.workflow_id == *target.workflow_id.as_str()
                && *row.key.namespace == *namespace.as_str()
        });
        let row = row.ok_or(Rejection::RunNotFound)?;
        minicbor::decode(&row.detail).map_err(|error| Error::internal(&error))
    }

    /// Tells a run that is closed and gone from memory from one that never
    /// was.
    async fn or_closed(
        &self,
        namespace: &Namespace,
        target: &RunRef,
        outcome: Result<(), Error>,
    ) -> Result<(), Error> {
        match outcome {
            Err(Error::Rejected(Rejection::RunNotFound)) => {
                self.closed_run(namespace, target).await?;
                Err(Rejection::RunClosed.into())
            }
            other => other,
        }
    }
}

/// Carries out something on a root and waits until it is durable.
pub(crate) async fn visit<T: Send + 'static>(
    shared: &Arc<Shared>,
    key: RootKey,
    admission: bool,
    act: impl FnOnce(&mut Scope<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (caller, answer) = oneshot::channel();
    let number = shared.partition_of(&key) as usize;
    let visit = Visit {
        key,
        admission,
        act: Box::new(move |scope| match scope {
            Ok(mut scope) => {
                let outcome = act(&mut scope);
                scope.answer(caller, outcome);
            }
            Err(error) => {
                // A caller that went away needs no answer.
                let _ = caller.send(Err(error));
            }
        }),
    };
    shared.mailboxes[number]
        .send(Input::Visit(visit))
        .await
        .map_err(|_| Error::Draining)?;
    answer.await.unwrap_or(Err(Error::PartitionMoved))
}

fn root_of(namespace: &Namespace, target: &RunRef) -> RootKey {
    RootKey {
        namespace: namespace.clone(),
        id: target.workflow_id.root_id(),
    }
}

fn find<'a>(root: &'a Root, target: &RunRef) -> Option<&'a Run> {
    root.runs.values().rev().find(|run| {
        run.workflow_id == target.workflow_id
            && target.run_id.is_none_or(|run_id| run_id == run.run_id)
    })
}
