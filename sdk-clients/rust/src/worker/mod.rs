//! A lean worker over the `Work` stream: activities as async closures, and
//! workflows as raw event handlers without a replay core.
//!
//! Everything runs inline in one task: an activity that is ready at its first
//! poll costs no spawn and no lock, and whatever is finished while a batch is
//! on its way leaves in the next one. Handlers must therefore not block; one
//! that waits is polled beside the others.
//!
//! ```no_run
//! # async fn example(client: everturn_client::Client) -> Result<(), everturn_client::Error> {
//! use everturn_client::worker::{Worker, WorkerOptions};
//!
//! Worker::builder(client, WorkerOptions::default())
//!     .activity("greet", |task| async move { Ok(task.input.unwrap_or_default()) })
//!     .build()?
//!     .run(async { tokio::signal::ctrl_c().await.unwrap_or(()) })
//!     .await
//! # }
//! ```

mod activities;
mod batch;
mod connection;
mod context;
mod outputs;
mod runs;
mod session;
mod state_values;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use everturn_proto::v1;

use crate::Error;
use crate::client::Client;

use activities::ActivityHandler;
use connection::Connection;
use runs::StartRun;

pub use context::ActivityContext;

/// The code of one cached run: it is given the events that it has not seen,
/// in order, and returns what to do. A failure means that the code could not
/// be run; the task comes again later.
pub type RunCode =
    Box<dyn FnMut(&[v1::HistoryEvent]) -> Result<Vec<v1::Command>, v1::Failure> + Send>;

/// How a worker presents itself and how much it takes at a time.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Task queue to serve. Default `default`. The queue `deliver.<channel>`
    /// has messages to deliver, as tasks of an activity `deliver`.
    pub task_queue: String,
    /// For a queue `deliver.<channel>`: the activity can find out with its
    /// provider whether a message was sent, and is given deliveries that were
    /// lost with `Delivery.reconcile`. Default false.
    pub can_reconcile: bool,
    /// Who the worker is, for people. Default `rust-<process id>`.
    pub identity: String,
    /// Build of the worker's code. Default empty.
    pub build_id: String,
    /// Activities at a time, 1 to 10,000. Default 100.
    pub activity_slots: u32,
    /// Workflow tasks at a time, 1 to 10,000. Default 100.
    pub workflow_slots: u32,
    /// Runs kept between their tasks. Default 10,000. A run that does not fit
    /// is rebuilt from its journal for each task.
    pub cached_runs_max: usize,
    /// Bytes of the values of large states (over 4 KiB) that are kept between the
    /// turns of conversations: a turn then brings only those that changed.
    /// Default 64 MiB; 0: every turn brings its whole state; at most 1 GiB.
    pub state_cache_bytes: u32,
    /// How long running activities may finish after the stop signal. Default
    /// 30 s.
    pub drain_timeout: Duration,
    /// How long errors that do not heal by themselves (another server,
    /// credentials that are refused) are put up with before `run` ends with
    /// them. Default 30 s.
    pub connect_timeout: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            task_queue: "default".to_owned(),
            can_reconcile: false,
            identity: format!("rust-{}", std::process::id()),
            build_id: String::new(),
            activity_slots: 100,
            workflow_slots: 100,
            cached_runs_max: 10_000,
            state_cache_bytes: 64 * 1024 * 1024,
            drain_timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(30),
        }
    }
}

/// Collects a worker's handlers.
pub struct WorkerBuilder {
    client: Client,
    options: WorkerOptions,
    activities: HashMap<String, ActivityHandler>,
    workflows: HashMap<String, StartRun>,
}

impl WorkerBuilder {
    /// Registers the handler of an activity. It is dropped when the attempt
    /// is canceled or over. Panics count as failed attempts.
    #[must_use]
    pub fn activity<F, Answer>(mut self, activity_type: impl Into<String>, handler: F) -> Self
    where
        F: Fn(v1::ActivityTask) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<v1::Payload, v1::Failure>> + Send + 'static,
    {
        self.activities
            .insert(activity_type.into(), activities::boxed(handler));
        self
    }

    /// Registers the handler of an activity that streams partial output or
    /// reports what it used: it is given a context that holds the task.
    #[must_use]
    pub fn activity_with_context<F, Answer>(
        mut self,
        activity_type: impl Into<String>,
        handler: F,
    ) -> Self
    where
        F: Fn(ActivityContext) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<v1::Payload, v1::Failure>> + Send + 'static,
    {
        self.activities.insert(
            activity_type.into(),
            activities::boxed_with_context(handler),
        );
        self
    }

    /// Registers the code of a workflow or conversation type: `start` is
    /// called with the first task of each run that is not cached, whose
    /// events begin with RunStarted.
    #[must_use]
    pub fn workflow<F>(mut self, workflow_type: impl Into<String>, start: F) -> Self
    where
        F: Fn(&v1::WorkflowTask) -> RunCode + Send + Sync + 'static,
    {
        self.workflows.insert(workflow_type.into(), Box::new(start));
        self
    }

    /// The worker.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` without any handler, or with slots out of bounds.
    pub fn build(self) -> Result<Worker, Error> {
        if self.activities.is_empty() && self.workflows.is_empty() {
            return Err(Error::invalid("handlers", "a worker needs at least one"));
        }
        for (name, slots) in [
            ("activity_slots", self.options.activity_slots),
            ("workflow_slots", self.options.workflow_slots),
        ] {
            if !(1..=10_000).contains(&slots) {
                return Err(Error::invalid(name, "must be from 1 to 10,000"));
            }
        }
        Ok(Worker(self))
    }
}

/// A worker, ready to run.
pub struct Worker(WorkerBuilder);

impl Worker {
    /// Begins a worker that serves the client's namespace.
    #[must_use]
    pub fn builder(client: Client, options: WorkerOptions) -> WorkerBuilder {
        WorkerBuilder {
            client,
            options,
            activities: HashMap::new(),
            workflows: HashMap::new(),
        }
    }

    /// Serves tasks until `stop` resolves, then drains: nothing new is taken,
    /// running activities finish and report. Lost streams are reopened for
    /// ever.
    ///
    /// # Errors
    /// Only what reconnecting cannot cure: the coordinator refuses the
    /// worker's greeting, or for [`WorkerOptions::connect_timeout`] what
    /// answers is no coordinator or refuses the credentials.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        Connection::new(self.0).run(stop).await
    }
}
