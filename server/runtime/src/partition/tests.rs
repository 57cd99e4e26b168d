//! A partition step by step: what follows a batch in which one thing overtakes
//! another, and what a reload leaves.

use everturn_dispatch::{AckMode, DeliveryId, QueueKey, TaskKind};
use everturn_engine::command::{Command as Step, CommandKind, Draft, ScheduleActivity};
use everturn_engine::decide::{
    self, Completion, Opening, RunRef, StartWorkflow, SubmitMessage, TaskToken,
};
use everturn_engine::policy::{ActivityOptions, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::transition::Transaction;
use everturn_engine::value::{MessageContent, Payload};
use everturn_store::{SqliteOptions, SqliteStore};
use tokio::sync::mpsc;

use super::*;
use crate::session::{Connecting, SessionCore, SessionTypes};
use crate::task::WorkItem;

fn key() -> RootKey {
    RootKey {
        namespace: "default".into(),
        id: "r".into(),
    }
}

/// A partition whose batches the test settles.
struct Stepped {
    partition: Partition,
    _folder: tempfile::TempDir,
}

impl Stepped {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(SqliteOptions::new(folder.path().join("e.db"))).await;
        let options = Options::default();
        let (sender, mailbox) = mpsc::channel(16);
        let shared = Arc::new(Shared {
            waits: vec![Counts::default()],
            store: Arc::new(store.expect("it opens")),
            workers: Workers::new(&options),
            metrics: Metrics::default(),
            serving: Serving::default(),
            lease: LeaseClock::endless(),
            owned: vec![AtomicU32::new(1)],
            replaced: CancellationToken::new(),
            memory: Memory::new(options.memory.clone(), options.memory_limit),
            options,
            mailboxes: vec![sender],
        });
        Self {
            partition: Partition::new(0, shared, mailbox),
            _folder: folder,
        }
    }

    fn must<T, A>(&mut self, act: A)
    where
        A: FnOnce(&mut Transaction<'_>) -> Result<T, Rejection> + Send + 'static,
    {
        self.partition.visit(Visit {
            key: key(),
            admission: false,
            act: Box::new(|scope| {
                let mut scope = scope.unwrap_or_else(|error| panic!("{error}"));
                assert!(act(&mut scope.transaction()).is_ok(), "accepted");
            }),
        });
    }

    /// The code of the first run asks for this.
    fn code(&mut self, key: &str, kind: CommandKind) {
        let step = Step {
            key: key.into(),
            kind,
        };
        self.must(move |tx| {
            let epoch = decide::begin_task(tx, 1, &"w".into())?.epoch;
            decide::complete_task(
                tx,
                TaskToken { slot: 1, epoch },
                Completion::new(1, vec![step]),
            )
        });
    }

    /// What was decided so far is durable.
    fn settle(&mut self) {
        let batch = std::mem::take(&mut self.partition.batch);
        self.partition.settle_batch(batch);
    }

    /// What was decided so far is appended and carried out.
    async fn commit(&mut self) {
        self.partition.seal();
        while self.partition.in_flight.is_some() {
            let internal = self.partition.internal.next().await;
            let internal = internal.expect("an append is under way");
            self.partition.come_back(internal).expect("it is durable");
        }
    }

    /// A new worker takes an attempt.
    fn take(&mut self, queue: &str, slot: u32, activity: u64) -> Arc<SessionCore> {
        let queue = QueueKey {
            namespace: "default".into(),
            name: queue.into(),
            kind: TaskKind::Activity,
        };
        let workers = &self.partition.shared.workers;
        let session = workers.connect(worker("w", queue), AckMode::Explicit);
        let session = session.expect("within bounds");
        let task = TaskRef {
            partition: 0,
            root: key(),
            slot,
            activity,
            attempt: 1,
        };
        self.partition.begin_all(vec![Assigned {
            task,
            delivery: DeliveryId(1),
            session: Arc::clone(&session),
        }]);
        session
    }
}

/// Whether a worker was given an attempt.
fn was_given(session: &SessionCore) -> bool {
    let items = session.close();
    items.iter().any(|it| matches!(it, WorkItem::Activity(_)))
}

fn message(channel: &str, address: &str) -> SubmitMessage {
    SubmitMessage {
        opening: Opening {
            type_name: "chat".into(),
            task_queue: "default".into(),
            policy: TurnPolicy::default(),
            labels: Default::default(),
            retention: None,
        },
        channel: channel.into(),
        provider_message_id: Default::default(),
        author_name: Default::default(),
        content: content(),
        customer_address: address.into(),
        is_automatic: false,
        opt_out: None,
    }
}

fn content() -> MessageContent {
    MessageContent {
        text: "hello".into(),
        data: None,
        attributes: Default::default(),
        attachments: Vec::new(),
    }
}

#[tokio::test]
async fn a_message_that_is_erased_before_its_adapter_has_it_is_not_handed_over() {
    for erases in [false, true] {
        let mut it = Stepped::new().await;
        it.must(|tx| decide::submit_message(tx, message("email", "ada@example.org")));
        let draft = Draft {
            channel: Default::default(),
            author_name: Default::default(),
            content: content(),
            change: None,
        };
        it.code("reply", CommandKind::SendMessage(draft));
        it.settle();
        let adapter = it.take("deliver.email", 0, 2);
        if erases {
            it.must(decide::erase_conversation);
        }
        it.settle();
        assert_eq!(was_given(&adapter), !erases);
    }
}

#[tokio::test]
async fn the_only_attempt_of_a_run_that_closes_first_is_not_handed_over() {
    for closes in [false, true] {
        let mut it = Stepped::new().await;
        let request = StartWorkflow {
            type_name: "order".into(),
            task_queue: "default".into(),
            input: Payload::default(),
            execution_timeout: None,
            labels: Default::default(),
            request: 0.into(),
        };
        it.must(|tx| decide::start_workflow(tx, request));
        let mut options = Box::new(ActivityOptions::on("default".into()));
        options.retry.maximum_attempts = 1;
        let activity = CommandKind::ScheduleActivity(ScheduleActivity {
            activity_type: "pay".into(),
            input: Payload::default(),
            options,
        });
        it.code("pay", activity);
        it.settle();
        let worker = it.take("default", 1, 2);
        if closes {
            let target = RunRef {
                workflow_id: "r".into(),
                run_id: None,
            };
            it.must(move |tx| decide::terminate_workflow(tx, &target, &"".into()));
        }
        it.settle();
        assert_eq!(was_given(&worker), !closes);
    }
}

#[tokio::test]
async fn watchers_connect_again_after_a_reload_since_they_may_have_missed_something() {
    let mut it = Stepped::new().await;
    it.must(|tx| decide::submit_message(tx, message("chat", "")));
    it.settle();
    let (updates, mut told) = mpsc::channel(8);
    let watcher = Watcher {
        updates,
        skipped: Arc::default(),
        outputs: true,
    };
    it.partition.watchers.insert(key(), vec![watcher]);
    // This may be in the log or not: its append failed.
    it.must(|tx| decide::submit_message(tx, message("chat", "")));
    it.partition
        .reload(everturn_store::Error::Other("the append failed".to_owned()))
        .await;
    let end = tokio::time::timeout(Duration::from_secs(5), told.recv()).await;
    assert!(matches!(end, Ok(None)), "{end:?}");
}

#[tokio::test]
async fn what_waits_in_a_queue_is_there_once_after_a_reload() {
    let mut it = Stepped::new().await;
    it.partition.recover().await.expect("the store is well");
    it.must(|tx| decide::submit_message(tx, message("email", "ada@example.org")));
    let draft = Draft {
        channel: Default::default(),
        author_name: Default::default(),
        content: content(),
        change: None,
    };
    it.code("reply", CommandKind::SendMessage(draft));
    it.commit().await;
    it.partition
        .reload(everturn_store::Error::Other(
            "a decider panicked".to_owned(),
        ))
        .await;
    it.commit().await;
    let queue = QueueKey {
        namespace: "default".into(),
        name: "deliver.email".into(),
        kind: TaskKind::Activity,
    };
    let workers = &it.partition.shared.workers;
    let adapter = workers.connect(worker("a", queue), AckMode::Explicit);
    let adapter = adapter.expect("within bounds");
    let given = workers.grant(adapter.id, TaskKind::Activity, 2);
    assert_eq!(given.expect("within bounds").len(), 1);
}

fn worker(identity: &str, queue: QueueKey) -> Connecting {
    Connecting {
        queues: vec![queue],
        identity: identity.into(),
        reconciles: Vec::new(),
        shows_typing: Vec::new(),
        types: SessionTypes::default(),
        state_cache_bytes: 0,
    }
}
