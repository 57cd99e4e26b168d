//! A worker: it runs turns, their activities, and the adapter of a channel.
//! Now and then it vanishes with everything it has, and comes back with
//! nothing.

use everturn_engine::decide::Completion;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::text::RootKey;
use everturn_engine::value::{Failure, FailureKind};
use everturn_runtime::{
    ActivityTask, Entry, Error, ResultBody, Session, SessionOptions, SessionTypes, TaskResult,
    WorkItem, WorkflowTask,
};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep, timeout};

use crate::coordinator::Coordinator;
use crate::states::{KEPT_BYTES, Kept, States};
use crate::turn::Story;

/// How long a result may stay without an answer on an open session.
const ANSWER_DEADLINE: Duration = Duration::from_secs(20);
const CREDITS: u32 = 4;
/// Longest time that a task takes, in milliseconds.
const TASK_MS_MAX: u64 = 40;
const FAILURES: f64 = 0.1;
const CRASHES: f64 = 0.02;
/// How often it says that it has lost what it kept.
const FORGETS: f64 = 0.02;

/// How often the provider of a channel was handed each message. It does not
/// know what it had before.
pub type Provider = Rc<std::cell::RefCell<BTreeMap<(RootKey, u64), u32>>>;

/// A worker; it connects again whenever its session ends.
pub struct Worker {
    coordinator: Coordinator,
    random: StdRng,
    provider: Provider,
    states: States,
    /// Of the session.
    kept: Kept,
    next_result_id: u64,
    /// Results without an answer.
    unanswered: HashMap<u64, Unanswered>,
}

struct Unanswered {
    since: Instant,
    result: TaskResult,
    /// Of a workflow task: what its commands were made from.
    journal: Vec<Arc<Entry>>,
}

/// The worker is gone.
struct Crashed;

impl Worker {
    /// One that shares with others what was delivered, and what runs were given.
    pub fn new(
        coordinator: Coordinator,
        random: StdRng,
        (provider, states): (Provider, States),
    ) -> Self {
        Self {
            coordinator,
            random,
            provider,
            states,
            kept: Kept::default(),
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
                state_cache_bytes: KEPT_BYTES,
                types: SessionTypes::default(),
                namespace: "default".into(),
                queues: vec![
                    ("default".into(), TaskKind::Workflow),
                    ("default".into(), TaskKind::Activity),
                    ("deliver.sms".into(), TaskKind::Activity),
                ],
                reconciles: Vec::new(),
                shows_typing: Vec::new(),
                identity: "simulated".into(),
                running: Vec::new(),
            };
            let handle = self.coordinator.handle().await;
            self.unanswered.clear();
            self.kept = Kept::default();
            // Fails while the coordinator drains.
            if let Ok((session, _)) = handle.open_session(options).await {
                for kind in [TaskKind::Workflow, TaskKind::Activity] {
                    let granted = session.grant(kind, CREDITS);
                    granted.expect("within bounds");
                }
                let _ = self.serve(&session).await;
            }
            sleep(Duration::from_millis(self.random.random_range(1..20))).await;
        }
    }

    async fn serve(&mut self, session: &Session) -> Result<(), Crashed> {
        loop {
            let step = Duration::from_millis(200);
            match timeout(step, session.next()).await {
                Ok(Some(items)) => {
                    for item in items {
                        self.take(session, item).await?;
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => {}
            }
            for (id, Unanswered { since, result, .. }) in &self.unanswered {
                let waited = since.elapsed();
                assert!(
                    waited < ANSWER_DEADLINE,
                    "result {id} got no answer in {waited:?}: {result:?}"
                );
            }
        }
    }

    async fn take(&mut self, session: &Session, item: WorkItem) -> Result<(), Crashed> {
        match item {
            WorkItem::Activity(task) => {
                session.ack(&[task.delivery_id]);
                let _ = session.grant(TaskKind::Activity, 1);
                let body = self.act(&task).await?;
                self.report(session, task.root, body, Vec::new()).await;
            }
            WorkItem::Workflow(task) => {
                session.ack(&[task.delivery_id]);
                let _ = session.grant(TaskKind::Workflow, 1);
                self.work().await?;
                check_whole(&task);
                self.states.check(&mut self.kept, &task);
                if self.random.random_bool(FORGETS) {
                    // As if the code had not been run.
                    let token = task.token;
                    let body = ResultBody::TaskNeedsJournal { token };
                    self.report(session, task.root, body, Vec::new()).await;
                    return Ok(());
                }
                let body = completed(&task.entries, task.token);
                self.report(session, task.root, body, task.entries).await;
            }
            WorkItem::Accepted(id) => {
                self.unanswered.remove(&id);
            }
            WorkItem::Rejected {
                result_id,
                error,
                unread,
            } => {
                if let Some(rejected) = self.unanswered.remove(&result_id) {
                    self.rejected(session, rejected, error, unread).await;
                }
            }
            WorkItem::Cancel { .. }
            | WorkItem::Typing(_)
            | WorkItem::Evict(_)
            | WorkItem::Draining => {}
        }
        Ok(())
    }

    async fn rejected(
        &mut self,
        session: &Session,
        Unanswered {
            result, journal, ..
        }: Unanswered,
        error: Error,
        unread: Vec<Arc<Entry>>,
    ) {
        let TaskResult { root, body, .. } = result;
        match (error, body) {
            // Whether it was taken is unknown: it is reported again.
            (
                Error::PartitionMoved,
                body @ (ResultBody::ActivityCompleted { .. }
                | ResultBody::ActivityFailed { .. }
                | ResultBody::DeliveryAccepted { .. }),
            ) => {
                self.report(session, root, body, journal).await;
            }
            (Error::Rejected(_), ResultBody::TaskCompleted { token, .. }) if !unread.is_empty() => {
                let journal = [journal, unread].concat();
                let body = completed(&journal, token);
                self.report(session, root, body, journal).await;
            }
            (Error::PartitionMoved | Error::Rejected(_), _) => {}
            (error, _) => panic!("unexpected answer to a result: {error}"),
        }
    }

    /// Takes its time, and possibly does not survive it.
    async fn work(&mut self) -> Result<(), Crashed> {
        let time = self.random.random_range(0..TASK_MS_MAX);
        sleep(Duration::from_millis(time)).await;
        if self.random.random_bool(CRASHES) {
            return Err(Crashed);
        }
        Ok(())
    }

    async fn act(&mut self, task: &ActivityTask) -> Result<ResultBody, Crashed> {
        self.work().await?;
        let token = task.token;
        if self.random.random_bool(FAILURES) {
            let failure = Failure::new(FailureKind::Application, "Simulated", "on purpose");
            return Ok(ResultBody::ActivityFailed {
                token,
                failure,
                usage: None,
            });
        }
        if token.slot != 0 {
            return Ok(ResultBody::ActivityCompleted {
                token,
                result: task.start.activity.input.clone(),
                usage: None,
            });
        }
        let message = (task.root.clone(), token.activity);
        *self.provider.borrow_mut().entry(message).or_default() += 1;
        self.work().await?;
        Ok(ResultBody::DeliveryAccepted {
            token,
            provider_message_id: Default::default(),
        })
    }

    async fn report(
        &mut self,
        session: &Session,
        root: RootKey,
        body: ResultBody,
        journal: Vec<Arc<Entry>>,
    ) {
        let result = TaskResult {
            result_id: self.next_result_id,
            root,
            body,
        };
        self.next_result_id += 1;
        let unanswered = Unanswered {
            since: Instant::now(),
            result: result.clone(),
            journal,
        };
        self.unanswered.insert(result.result_id, unanswered);
        session.report(vec![result]).await;
    }
}

fn check_whole(task: &WorkflowTask) {
    assert_eq!(task.previous, 0, "nothing is cached");
    let ids: Vec<u64> = task.entries.iter().map(|entry| entry.id).collect();
    let dense: Vec<u64> = (1..=task.through).collect();
    assert!(task.complete && ids == dense, "a whole journal: {ids:?}");
}

fn completed(journal: &[Arc<Entry>], token: everturn_engine::decide::TaskToken) -> ResultBody {
    let number = journal[0].turn.as_ref().map_or(0, |turn| turn.number);
    ResultBody::TaskCompleted {
        token,
        completion: Completion::new(
            journal.last().map_or(0, |entry| entry.id),
            Story::of(journal).next(number),
        ),
        cached: false,
    }
}
