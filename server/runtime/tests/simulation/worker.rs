//! A worker inside the process: every turn runs one activity and then lists
//! the messages that it was given in its reply.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use everturn_dispatch::TaskKind;
use everturn_engine::command::{Command, CommandKind, Draft};
use everturn_engine::event::RunEvent;
use everturn_engine::policy::ActivityOptions;
use everturn_engine::value::{MessageContent, Payload};
use everturn_runtime::{
    ActivityTask, Error, Handle, ResultBody, Session, SessionOptions, TaskResult, WorkItem,
    WorkflowTask,
};

/// How long a result may stay without an answer on an open session.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);
const CREDITS: u32 = 16;

/// A worker; it connects again whenever its session ends.
pub struct Worker {
    handle: Handle,
    next_result_id: u64,
    /// Results without an answer.
    unanswered: HashMap<u64, (Instant, TaskResult)>,
}

impl Worker {
    pub fn new(handle: Handle) -> Self {
        Self {
            handle,
            next_result_id: 1,
            unanswered: HashMap::new(),
        }
    }

    /// Serves for ever.
    ///
    /// # Panics
    /// When a result gets no answer on a session that goes on.
    pub async fn run(mut self) {
        loop {
            let options = SessionOptions {
                namespace: "default".into(),
                queues: vec![
                    ("default".into(), TaskKind::Workflow),
                    ("default".into(), TaskKind::Activity),
                ],
                reconciles: Vec::new(),
                identity: "simulated".into(),
                running: Vec::new(),
            };
            let opened = self.handle.open_session(options).await;
            let (session, _) = opened.expect("claims nothing, so that nothing can fail");
            self.unanswered.clear();
            for kind in [TaskKind::Workflow, TaskKind::Activity] {
                let granted = session.grant(kind, CREDITS);
                granted.expect("within bounds");
            }
            self.serve(&session).await;
        }
    }

    async fn serve(&mut self, session: &Session) {
        loop {
            let step = Duration::from_millis(200);
            match tokio::time::timeout(step, session.next()).await {
                Ok(Some(items)) => {
                    for item in items {
                        self.take(session, item).await;
                    }
                }
                Ok(None) => return,
                Err(_) => {}
            }
            for (id, (since, result)) in &self.unanswered {
                let waited = since.elapsed();
                assert!(
                    waited < ANSWER_DEADLINE,
                    "result {id} got no answer in {waited:?}: {result:?}"
                );
            }
        }
    }

    async fn take(&mut self, session: &Session, item: WorkItem) {
        match item {
            WorkItem::Activity(task) => {
                session.ack(&[task.delivery_id]);
                let _ = session.grant(TaskKind::Activity, 1);
                self.report(session, echo(&task)).await;
            }
            WorkItem::Workflow(task) => {
                session.ack(&[task.delivery_id]);
                let _ = session.grant(TaskKind::Workflow, 1);
                self.report(session, turn(&task)).await;
            }
            WorkItem::Accepted(id) => {
                self.unanswered.remove(&id);
            }
            WorkItem::Rejected {
                result_id, error, ..
            } => {
                let result = self.unanswered.remove(&result_id);
                match (error, result) {
                    (Error::PartitionMoved, Some((_, result)))
                        if matches!(result.body, ResultBody::ActivityCompleted { .. }) =>
                    {
                        self.report(session, result).await;
                    }
                    (Error::PartitionMoved | Error::Rejected(_), _) => {}
                    (error, _) => panic!("unexpected answer to a result: {error}"),
                }
            }
            WorkItem::Cancel { .. } | WorkItem::Evict(_) | WorkItem::Draining => {}
        }
    }

    async fn report(&mut self, session: &Session, mut result: TaskResult) {
        result.result_id = self.next_result_id;
        self.next_result_id += 1;
        let entry = (Instant::now(), result.clone());
        self.unanswered.insert(result.result_id, entry);
        session.report(vec![result]).await;
    }
}

fn echo(task: &ActivityTask) -> TaskResult {
    TaskResult {
        result_id: 0,
        root: task.root.clone(),
        body: ResultBody::ActivityCompleted {
            token: task.token,
            result: task.start.activity.input.clone(),
            usage: None,
        },
    }
}

fn turn(task: &WorkflowTask) -> TaskResult {
    assert_eq!(task.previous, 0, "nothing is cached");
    let ids: Vec<u64> = task.entries.iter().map(|entry| entry.id).collect();
    let dense: Vec<u64> = (1..=task.through).collect();
    assert!(task.complete && ids == dense, "a whole journal: {ids:?}");
    let done = |entry: &Arc<everturn_runtime::Entry>| {
        matches!(entry.event, RunEvent::ActivityCompleted { .. })
    };
    let command = |key: &str, kind| Command {
        key: key.into(),
        kind,
    };
    let commands = if task.entries.iter().any(done) {
        let input = task.entries[0].turn.as_ref().expect("a turn");
        let given = input.context.messages.iter().map(|it| it.sequence);
        let text = format!("{:?}", given.collect::<Vec<u64>>());
        let content = MessageContent {
            text: text.into(),
            data: None,
            attributes: Default::default(),
        };
        let draft = Draft {
            channel: Default::default(),
            author_name: Default::default(),
            content,
        };
        let result = Payload::default();
        vec![
            command("reply", CommandKind::SendMessage(draft)),
            command("", CommandKind::Complete { result }),
        ]
    } else {
        let options = ActivityOptions::on("default".into());
        let schedule = CommandKind::ScheduleActivity {
            activity_type: "draft".into(),
            input: Payload::default(),
            options: Box::new(options),
        };
        vec![command("draft", schedule)]
    };
    TaskResult {
        result_id: 0,
        root: task.root.clone(),
        body: ResultBody::TaskCompleted {
            token: task.token,
            seen: task.through,
            commands,
            cached: false,
        },
    }
}
