//! A runtime on a file of its own, and workers inside the process.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use everturn_dispatch::TaskKind;
use everturn_engine::command::{Command, CommandKind};
use everturn_engine::text::RootKey;
use everturn_runtime::{
    Handle, Options, ResultBody, Runtime, Session, SessionOptions, TaskResult, WorkItem,
    WorkflowTask,
};
use everturn_store::{SqliteOptions, SqliteStore};

/// What has to happen happens within this time.
const DEADLINE: Duration = Duration::from_secs(20);
const CREDITS: u32 = 16;

/// A runtime that writes its view quickly.
pub struct Node {
    pub handle: Handle,
    _runtime: Runtime,
    _folder: tempfile::TempDir,
}

impl Node {
    pub async fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("everturn.db");
        let store = SqliteStore::open(SqliteOptions::new(&file)).await;
        let store = Arc::new(store.expect("it opens"));
        let options = Options {
            flush_interval: Duration::from_millis(20),
            ..options
        };
        let runtime = Runtime::start(store, options).await.expect("it starts");
        Self {
            handle: runtime.handle(),
            _runtime: runtime,
            _folder: folder,
        }
    }

    /// A worker of these queues with credits.
    pub async fn worker(&self, identity: &str, queues: &[(&str, TaskKind)]) -> Session {
        let options = SessionOptions {
            namespace: "default".into(),
            queues: queues
                .iter()
                .map(|(name, kind)| ((*name).into(), *kind))
                .collect(),
            reconciles: Vec::new(),
            identity: identity.into(),
            running: Vec::new(),
        };
        let (session, _) = self.handle.open_session(options).await.expect("it opens");
        for kind in [TaskKind::Workflow, TaskKind::Activity] {
            session.grant(kind, CREDITS).expect("within bounds");
        }
        session
    }
}

pub fn key(id: &str) -> RootKey {
    RootKey {
        namespace: "default".into(),
        id: id.into(),
    }
}

pub fn command(key: &str, kind: CommandKind) -> Command {
    Command {
        key: key.into(),
        kind,
    }
}

/// The first thing that a worker is given and that is wanted.
pub async fn given<T>(session: &Session, mut wanted: impl FnMut(WorkItem) -> Option<T>) -> T {
    let wait = async {
        loop {
            let items = session.next().await.expect("the session is open");
            if let Some(found) = items.into_iter().find_map(&mut wanted) {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(DEADLINE, wait).await;
    found.expect("the worker is given it in time")
}

/// The next workflow task of a worker, acknowledged.
pub async fn workflow_task(session: &Session) -> WorkflowTask {
    let task = given(session, |item| match item {
        WorkItem::Workflow(task) => Some(*task),
        _ => None,
    });
    let task = task.await;
    session.ack(&[task.delivery_id]);
    task
}

/// Completes a workflow task that was given everything; the worker keeps the
/// run in its cache.
pub async fn complete(session: &Session, task: &WorkflowTask, commands: Vec<Command>) {
    let body = ResultBody::TaskCompleted {
        token: task.token,
        seen: task.through,
        commands,
        cached: true,
    };
    let result = TaskResult {
        result_id: 1,
        root: task.root.clone(),
        body,
    };
    session.report(vec![result]).await;
}

/// Asks again until the answer is right.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < DEADLINE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
