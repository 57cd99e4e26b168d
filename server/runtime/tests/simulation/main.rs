//! The runtime over a store that fails at random, by a printed seed: at most
//! one turn of a conversation is open, and no acknowledged message is lost or
//! answered twice, whatever the store did. `EVERTURN_TEST_SEED` repeats a run.

mod faulty_store;
mod worker;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use everturn_engine::decide::{Opening, SubmitMessage};
use everturn_engine::policy::TurnPolicy;
use everturn_engine::text::RootKey;
use everturn_engine::value::{AuthorKind, MessageContent};
use everturn_runtime::{Error, Handle, Options, RunRecord, Runtime};
use everturn_store::{SqliteOptions, SqliteStore, Store};
use faulty_store::FaultyStore;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;

const CONVERSATIONS: usize = 6;
const MESSAGES: usize = 150;
const DEADLINE: Duration = Duration::from_secs(60);

fn options() -> Options {
    Options {
        flush_interval: Duration::from_millis(30),
        evict_after: Duration::from_millis(60),
        workflow_task_timeout: Duration::from_millis(500),
        ack_timeout: Duration::from_millis(500),
        orphan_grace: Duration::from_millis(300),
        ..Options::default()
    }
}

fn key(number: usize) -> RootKey {
    RootKey {
        namespace: "default".into(),
        id: format!("customer-{number}").into(),
    }
}

fn message(name: &str) -> SubmitMessage {
    SubmitMessage {
        opening: Opening {
            type_name: "chat".into(),
            task_queue: "default".into(),
            policy: TurnPolicy::default(),
            labels: Default::default(),
        },
        channel: "chat".into(),
        provider_message_id: name.into(),
        author_name: Default::default(),
        content: MessageContent {
            text: "hello".into(),
            data: None,
            attributes: Default::default(),
        },
        customer_address: Default::default(),
    }
}

/// Repeats a call until the store lets it through.
async fn persist<T>(what: &str, mut call: impl AsyncFnMut() -> Result<T, Error>) -> T {
    let begin = Instant::now();
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(Error::Rejected(rejection)) => panic!("{what}: {rejection}"),
            Err(error) => assert!(begin.elapsed() < DEADLINE, "{what}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Submits to one conversation; names and acknowledged positions.
async fn submit(handle: Handle, number: usize, mut random: StdRng) -> Vec<(String, u64)> {
    let mut acknowledged = Vec::new();
    for message_number in 0..MESSAGES {
        let name = format!("m-{message_number}");
        let begin = Instant::now();
        let accepted = loop {
            match handle.submit_message(key(number), message(&name)).await {
                Ok(accepted) => break accepted,
                Err(Error::Rejected(rejection)) => panic!("{name}: {rejection}"),
                Err(error) => assert!(begin.elapsed() < DEADLINE, "{name}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        acknowledged.push((name, accepted.sequence));
        let pause = random.random_range(0..25);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    acknowledged
}

/// Checks the transcript of a quiet conversation.
async fn check(handle: &Handle, number: usize, acknowledged: &[(String, u64)]) {
    let begin = Instant::now();
    loop {
        let read = async || handle.conversation(key(number)).await;
        let conversation = persist("read", read).await;
        if conversation.turn.is_none() && conversation.waiting_count == 0 {
            break;
        }
        let turn = conversation.turn.is_some();
        let waiting = conversation.waiting_count;
        let stuck = begin.elapsed() > DEADLINE;
        assert!(
            !stuck,
            "customer-{number} is stuck: turn {turn}, {waiting} wait"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let read = async || handle.messages(key(number), 0, 10_000).await;
    let page = persist("read", read).await;
    assert!(!page.more);
    let mut inbound = HashMap::new();
    let (mut answered, mut turns) = (HashSet::new(), HashSet::new());
    for (message, sequence) in page.messages.iter().zip(1..) {
        assert_eq!(message.sequence, sequence, "positions are dense");
        if message.author == AuthorKind::Customer {
            let name = message.provider_message_id.to_string();
            let twice = inbound.insert(name, sequence);
            assert_eq!(twice, None, "a message is there once");
            continue;
        }
        assert!(turns.insert(message.turn), "a turn replies once");
        let text = message.content.text.to_string();
        let given = text.trim_matches(['[', ']']).split(", ");
        for sequence in given.map(|it| it.parse::<u64>().expect("a position")) {
            assert!(answered.insert(sequence), "{sequence} is answered once");
        }
    }
    for (name, sequence) in acknowledged {
        let found = inbound.get(name);
        assert_eq!(found, Some(sequence), "customer-{number}: {name}");
    }
    let all: HashSet<u64> = inbound.values().copied().collect();
    assert_eq!(answered, all, "every message is answered");
}

/// Checks that no turn of a conversation began before the one before it ended.
async fn check_turns(handle: &Handle) {
    tokio::time::sleep(options().flush_interval * 10).await;
    let list = async || {
        handle
            .list_runs("default".into(), None, None, None, 100_000)
            .await
    };
    let runs = persist("list", list).await.runs;
    let mut by_root: HashMap<RootKey, Vec<RunRecord>> = HashMap::new();
    for run in runs {
        by_root.entry(run.root.clone()).or_default().push(run);
    }
    assert_eq!(by_root.len(), CONVERSATIONS);
    for turns in by_root.values_mut() {
        turns.sort_by_key(|run| run.turn);
        for pair in turns.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            let closed = before.closed.expect("only the last may be open");
            let (first, second) = (&before.workflow_id, &after.workflow_id);
            assert!(
                closed <= after.started,
                "{first} and {second} were both open"
            );
            assert_ne!(before.turn, after.turn, "{first} was started twice");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_turns_never_overlap_over_a_store_that_fails() {
    let seed = match std::env::var("EVERTURN_TEST_SEED") {
        Ok(text) => text.parse().expect("EVERTURN_TEST_SEED is a number"),
        Err(_) => rand::random::<u64>(),
    };
    println!("simulation: EVERTURN_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("everturn.db");
    let sqlite = SqliteStore::open(SqliteOptions::new(&file)).await;
    let own = StdRng::seed_from_u64(random.random());
    let store = Arc::new(FaultyStore::new(sqlite.expect("it opens"), own));
    let shared = Arc::clone(&store) as Arc<dyn Store>;
    let runtime = Runtime::start(shared, options()).await.expect("it starts");
    let handle = runtime.handle();
    store.set_healthy(false);
    let mut workers = JoinSet::new();
    for _ in 0..2 {
        workers.spawn(worker::Worker::new(handle.clone()).run());
    }
    let mut submitters = JoinSet::new();
    for number in 0..CONVERSATIONS {
        let own = StdRng::seed_from_u64(random.random());
        let submitting = submit(handle.clone(), number, own);
        submitters.spawn(async move { (number, submitting.await) });
    }
    let checked = async {
        let submitted = submitters.join_all().await;
        store.set_healthy(true);
        for (number, acknowledged) in submitted {
            check(&handle, number, &acknowledged).await;
        }
        check_turns(&handle).await;
    };
    tokio::select! {
        () = checked => {}
        ended = workers.join_next() => panic!("a worker ended: {ended:?}"),
    }
    let faults = store.faults.load(Ordering::Relaxed);
    let reloads = handle.metrics().partition_reloads;
    println!("simulation: {faults} faults, {reloads} reloads");
    assert!(reloads > 3, "the store did fail: {faults} faults");
    workers.shutdown().await;
    let deadline = tokio::time::Instant::now() + DEADLINE;
    assert!(runtime.stop(deadline).await, "everything is in the view");
}
