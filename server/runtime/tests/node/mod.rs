//! A runtime on a file of its own, and workers inside the process.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use everturn_dispatch::TaskKind;
use everturn_engine::command::{Command, CommandKind, CompleteRun, Draft};
use everturn_engine::decide::{ActivityToken, Completion, Opening, StartWorkflow, SubmitMessage};
use everturn_engine::policy::TurnPolicy;
use everturn_engine::text::RootKey;
use everturn_engine::value::{MessageContent, Payload};
use everturn_runtime::{
    Handle, Options, ResultBody, Runtime, Session, SessionOptions, SessionTypes, TaskResult,
    TurnInput, WorkItem, WorkflowTask,
};
use everturn_store::{SqliteOptions, SqliteStore, Store};

/// What has to happen happens within this time.
const DEADLINE: Duration = Duration::from_secs(20);
const CREDITS: u32 = 16;

/// A runtime that writes its view quickly.
pub struct Node {
    pub handle: Handle,
    runtime: Runtime,
    store: Arc<SqliteStore>,
    options: Options,
    folder: tempfile::TempDir,
}

impl Node {
    /// One with a single partition.
    pub async fn start(options: Options) -> Self {
        Self::with_partitions(1, options).await
    }

    pub async fn with_partitions(count: u32, options: Options) -> Self {
        let options = Options {
            flush_interval: Duration::from_millis(20),
            ..options
        };
        let folder = tempfile::tempdir().expect("a folder");
        Self::start_in(folder, options, Some(count)).await
    }

    /// Stops it, and starts another one with what it has stored.
    pub async fn restart(self) -> Self {
        drop(self.handle);
        let deadline = tokio::time::Instant::now() + DEADLINE;
        assert!(self.runtime.stop(deadline).await, "all is in the view");
        self.store.close().await.expect("it closes");
        drop(self.store);
        Self::start_in(self.folder, self.options, None).await
    }

    /// One that takes what lies in a folder.
    pub async fn start_in(
        folder: tempfile::TempDir,
        options: Options,
        partitions: Option<u32>,
    ) -> Self {
        let store = SqliteStore::open(SqliteOptions {
            partitions,
            ..SqliteOptions::new(folder.path().join("everturn.db"))
        });
        let store = Arc::new(store.await.expect("it opens"));
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        let runtime = Runtime::start(shared, options.clone()).await;
        let runtime = runtime.expect("it starts");
        Self {
            handle: runtime.handle(),
            runtime,
            store,
            options,
            folder,
        }
    }

    /// A worker of these queues with credits.
    pub async fn worker(&self, identity: &str, queues: &[(&str, TaskKind)]) -> Worker {
        self.worker_that_keeps(0, identity, queues).await
    }

    /// The same, which keeps so many bytes of the values of states.
    pub async fn worker_that_keeps(
        &self,
        state_cache_bytes: usize,
        identity: &str,
        queues: &[(&str, TaskKind)],
    ) -> Worker {
        let queues = queues.iter();
        let options = SessionOptions {
            types: SessionTypes::default(),
            namespace: "default".into(),
            queues: queues.map(|(name, kind)| ((*name).into(), *kind)).collect(),
            reconciles: Vec::new(),
            shows_typing: Vec::new(),
            identity: identity.into(),
            running: Vec::new(),
            state_cache_bytes,
        };
        let (session, _) = self.handle.open_session(options).await.expect("it opens");
        for kind in [TaskKind::Workflow, TaskKind::Activity] {
            session.grant(kind, CREDITS).expect("within bounds");
        }
        Worker {
            session,
            inbox: VecDeque::new(),
        }
    }
}

/// A worker that takes what it is given in the order in which the test asks.
pub struct Worker {
    pub session: Session,
    inbox: VecDeque<WorkItem>,
}

impl Worker {
    /// The first thing that it is given and that is wanted.
    pub async fn given<T>(&mut self, wanted: impl Fn(&WorkItem) -> Option<T>) -> T {
        let wait = async {
            loop {
                let found = self.inbox.iter().enumerate();
                let mut found = found.filter_map(|(at, item)| Some((at, wanted(item)?)));
                if let Some((at, found)) = found.next() {
                    self.inbox.remove(at);
                    return found;
                }
                let items = self.session.next().await;
                self.inbox.extend(items.expect("the session is open"));
            }
        };
        let found = tokio::time::timeout(DEADLINE, wait).await;
        found.expect("the worker is given it in time")
    }

    /// It can take so many more tasks.
    pub fn grant(&self, kind: TaskKind, count: u32) {
        self.session.grant(kind, count).expect("within bounds");
    }

    /// The next workflow task, acknowledged.
    pub async fn workflow_task(&mut self) -> WorkflowTask {
        let task = self.given(|item| match item {
            WorkItem::Workflow(task) => Some((**task).clone()),
            _ => None,
        });
        let task = task.await;
        self.session.ack(&[task.delivery_id]);
        task
    }

    /// The next attempt; not acknowledged.
    pub async fn attempt(&mut self) -> ActivityToken {
        let attempt = self.given(|item| match item {
            WorkItem::Activity(task) => Some(task.token),
            _ => None,
        });
        attempt.await
    }

    /// The next attempt that it is told to stop, and whether it is over.
    pub async fn stopped(&mut self) -> (ActivityToken, bool) {
        let stopped = self.given(|item| match item {
            WorkItem::Cancel { token, fenced, .. } => Some((*token, *fenced)),
            _ => None,
        });
        stopped.await
    }

    /// Completes a workflow task that was given everything, keeps the run in
    /// the cache, and waits until the completion is durable.
    pub async fn complete(&mut self, task: &WorkflowTask, commands: Vec<Command>) {
        let body = ResultBody::TaskCompleted {
            token: task.token,
            completion: Completion::new(task.through, commands),
            cached: true,
        };
        let result = TaskResult {
            result_id: 1,
            root: task.root.clone(),
            body,
        };
        self.session.report(vec![result]).await;
        self.given(|item| matches!(item, WorkItem::Accepted(1)).then_some(()))
            .await;
    }
}

pub fn key(id: &str) -> RootKey {
    RootKey {
        namespace: "default".into(),
        id: id.into(),
    }
}

/// Starts a workflow of a task queue.
pub async fn start(handle: &Handle, id: &str, queue: &str) {
    let request = StartWorkflow {
        type_name: "order".into(),
        task_queue: queue.into(),
        input: Payload::default(),
        execution_timeout: None,
        labels: Default::default(),
        request: 0.into(),
    };
    let started = handle.start_workflow(key(id), request).await;
    started.expect("it starts");
}

pub fn content(text: &str) -> MessageContent {
    MessageContent {
        text: text.into(),
        data: None,
        attributes: Default::default(),
        attachments: Vec::new(),
    }
}

/// A customer's message, in a conversation of the type "chat".
pub fn message(id: &str, text: &str) -> SubmitMessage {
    SubmitMessage {
        opening: Opening {
            type_name: "chat".into(),
            task_queue: "default".into(),
            policy: TurnPolicy::default(),
            labels: Default::default(),
            retention: None,
        },
        channel: "chat".into(),
        provider_message_id: id.into(),
        author_name: Default::default(),
        content: content(text),
        customer_address: Default::default(),
        is_automatic: false,
        opt_out: None,
    }
}

/// The end of a turn, with a reply.
pub fn reply(text: &str) -> Vec<Command> {
    let reply = CommandKind::SendMessage(Draft {
        content: content(text),
        channel: Default::default(),
        author_name: "agent".into(),
        change: None,
    });
    let complete = CommandKind::Complete(CompleteRun {
        result: Payload::default(),
    });
    vec![command("reply", reply), command("", complete)]
}

/// What a turn's task says that its code is given.
pub fn input(task: &WorkflowTask) -> &TurnInput {
    let first = task.entries.first().expect("a whole journal");
    first.turn.as_ref().expect("it is a turn")
}

pub fn command(key: &str, kind: CommandKind) -> Command {
    Command {
        key: key.into(),
        kind,
    }
}

/// Asks again until the answer is right.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < DEADLINE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
