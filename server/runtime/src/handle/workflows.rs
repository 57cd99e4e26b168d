//! Calls about runs.

use std::time::Duration;

use everturn_engine::decide::{self, RunRef, SignalWorkflow, StartWorkflow};
use everturn_engine::event::RunId;
use everturn_engine::rejection::Rejection;
use everturn_engine::state::root::Root;
use everturn_engine::state::run::Run;
use everturn_engine::text::{Namespace, RootKey, Text};
use tokio::sync::oneshot;

use crate::error::Error;
use crate::given::given;
use crate::handle::{Handle, ListQuery, visit};
use crate::journal::{TurnInput, with_input};
use crate::read::{HistoryPage, JournalRead, RunPage};
use crate::record::{RunDescription, RunRecord};

impl Handle {
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

    /// Stops the dispatch of a run's tasks, and of the runs below it.
    ///
    /// # Errors
    /// `RunNotFound`, `RunClosed`, `LimitExceeded`.
    pub async fn pause_workflow(
        &self,
        namespace: Namespace,
        target: RunRef,
        reason: Text,
    ) -> Result<(), Error> {
        let key = root_of(&namespace, &target);
        let run = target.clone();
        let paused = visit(&self.shared, key, false, move |scope| {
            let tx = &mut scope.transaction();
            Ok(decide::pause_workflow(tx, &run, reason)?)
        });
        self.or_closed(&namespace, &target, paused.await).await
    }

    /// Lets a paused run go on.
    ///
    /// # Errors
    /// `RunNotFound`, `RunClosed`.
    pub async fn resume_workflow(&self, namespace: Namespace, target: RunRef) -> Result<(), Error> {
        let key = root_of(&namespace, &target);
        let run = target.clone();
        let resumed = visit(&self.shared, key, false, move |scope| {
            let tx = &mut scope.transaction();
            Ok(decide::resume_workflow(tx, &run)?)
        });
        self.or_closed(&namespace, &target, resumed.await).await
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
            Some(mut description) => {
                self.refine(&namespace, description.record.wait.as_mut());
                for (_, wait) in &mut description.activities {
                    self.refine(&namespace, Some(wait));
                }
                Ok(description)
            }
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
            let input = TurnInput::of(&scope.hot.root, run.slot);
            let read = JournalRead {
                run_id: run.run_id,
                after,
                beginning: Vec::new(),
                first_in_memory: journal.map_or(u64::MAX, crate::journal::Journal::first_id),
                newer,
                max_events,
            };
            Ok(Some((read, input)))
        });
        let (read, input) = match held.await? {
            Some(held) => held,
            None => {
                let read = JournalRead {
                    run_id: self.closed_run(&namespace, &target).await?.run_id,
                    after,
                    beginning: Vec::new(),
                    first_in_memory: u64::MAX,
                    newer: Vec::new(),
                    max_events,
                };
                (read, None)
            }
        };
        let run_id = read.run_id;
        let (mut entries, more) = read.run(&self.shared).await?;
        let input = match input {
            Some(input) => Some(input),
            None => given(&self.shared, &namespace, entries.first()).await?,
        };
        let page_bytes = self.shared.options.page_bytes;
        let is_whole = with_input(&mut entries, page_bytes, || input);
        Ok(HistoryPage {
            run_id,
            entries,
            more: more || !is_whole,
        })
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
            biased;
            closed = waiter => closed.map_err(|_| Error::PartitionMoved),
            () = tokio::time::sleep(max_wait) => Ok(record),
            () = self.gate.draining.cancelled() => Err(Error::Draining),
        }
    }

    /// Lists runs, last started first.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn list_runs(&self, query: ListQuery) -> Result<RunPage, Error> {
        let (rows, next) = self.shared.store.list_runs(self.filter(&query)).await?;
        let read = |row: &everturn_store::RunRow| minicbor::decode(&row.detail);
        let listed: Result<Vec<RunRecord>, _> = rows.iter().map(read).collect();
        let listed = listed.map_err(|error| Error::internal(&error))?;
        Ok(RunPage {
            runs: self.keep_waiting(&query, listed, |it| it.wait.as_mut()),
            next,
        })
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
