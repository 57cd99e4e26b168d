//! The runtime on simulated time, over a store that is slow and fails, with
//! workers that vanish and a coordinator that is killed: in every history, at
//! most one turn of a conversation is open, no acknowledged message is lost or
//! answered twice, and agents are silent while they must be.
//!
//! A history is a function of its seed. `EVERTURN_TEST_SEED` repeats one.

mod check;
mod coordinator;
mod faulty_store;
mod people;
mod states;
mod turn;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use everturn_engine::event::RunStatus;
use everturn_engine::text::RootKey;
use everturn_runtime::{Handle, ListQuery, RunRecord};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep};

use check::Seen;
use coordinator::{Coordinator, DEADLINE, branch};
use faulty_store::Disk;
use people::{Acknowledged, Customer, Silence};
use states::States;
use worker::{Provider, Worker};

/// Histories of one test run, unless `EVERTURN_TEST_HISTORIES` says otherwise.
const HISTORIES: u64 = 30;
const CONVERSATIONS: usize = 6;
const SENDERS: usize = 2;
const WORKERS: usize = 3;
/// How often the coordinator is killed.
const CRASHES: usize = 3;

/// What a history came to.
#[derive(Debug, PartialEq, Eq)]
struct History {
    /// Stands for every call of the store.
    trace: u64,
    messages: usize,
    turns: usize,
    /// Turns that newer messages superseded.
    canceled: usize,
    /// What fences kept in.
    suppressed: usize,
    /// Messages that the provider was handed.
    sent: usize,
    faults: u64,
    reloads: u64,
    /// Simulated time that it took.
    took: Duration,
}

/// Plays a history on a clock of its own.
fn play(seed: u64) -> History {
    println!("simulation: EVERTURN_TEST_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let history = LocalSet::new().block_on(&runtime, history(StdRng::seed_from_u64(seed)));
    println!("simulation: {history:?}");
    history
}

async fn history(mut random: StdRng) -> History {
    let begin = Instant::now();
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Arc::new(Disk::new(folder.path(), branch(&mut random)));
    let coordinator = Coordinator::start(Arc::clone(&disk), branch(&mut random)).await;
    let customers: Vec<Customer> = (0..CONVERSATIONS)
        .map(|number| Customer::random(number, &mut random))
        .collect();
    let provider = Provider::default();
    let states = States::default();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let shared = (Provider::clone(&provider), states.clone());
        let worker = Worker::new(coordinator.clone(), branch(&mut random), shared);
        workers.spawn_local(worker.run());
    }
    disk.set_healthy(false);
    let mut told = tell(&customers, &coordinator, &mut random).await;
    disk.set_healthy(true);
    let mut messages = 0;
    for (customer, told) in customers.iter().zip(&mut told) {
        settle(customer, &coordinator, &mut told.acknowledged).await;
        messages += told.acknowledged.len();
    }
    if let Some(ended) = workers.try_join_next() {
        panic!("a worker ended: {ended:?}");
    }
    let runs = runs(&coordinator).await;
    let mut suppressed = 0;
    for (
        customer,
        Told {
            acknowledged,
            silences,
        },
    ) in customers.iter().zip(&told)
    {
        let seen = Seen {
            customer,
            acknowledged,
            silences,
        };
        // None, if a person wrote before the first turn could begin.
        let runs = runs.get(&customer.key).map_or(&[][..], Vec::as_slice);
        let kept_in = seen.check(&coordinator, runs).await;
        suppressed += kept_in.len();
    }
    for ((root, sequence), count) in &*provider.borrow() {
        assert_eq!(*count, 1, "{:?} {sequence} was sent twice", root.id);
    }
    workers.shutdown().await;
    let turns = || runs.values().flatten();
    let history = History {
        trace: disk.trace(),
        messages,
        turns: turns().count(),
        canceled: turns()
            .filter(|run| run.status == RunStatus::Canceled)
            .count(),
        suppressed,
        sent: provider.borrow().len(),
        faults: disk.faults.load(Ordering::Relaxed),
        reloads: coordinator.reloads(),
        took: begin.elapsed(),
    };
    coordinator.stop().await;
    history
}

/// What customers and staff were told in one conversation.
#[derive(Default)]
struct Told {
    acknowledged: Vec<Acknowledged>,
    silences: Vec<Silence>,
}

/// Customers write, staff intervenes, and the coordinator is killed.
async fn tell(customers: &[Customer], coordinator: &Coordinator, random: &mut StdRng) -> Vec<Told> {
    let mut tasks = JoinSet::new();
    for (number, customer) in customers.iter().enumerate() {
        for sender in 0..SENDERS {
            let own = branch(random);
            let writing = customer.clone().write(coordinator.clone(), sender, own);
            tasks.spawn_local(async move {
                let acknowledged = writing.await;
                let silences = Vec::new();
                (
                    number,
                    Told {
                        acknowledged,
                        silences,
                    },
                )
            });
        }
        let attending = customer.clone().attend(coordinator.clone(), branch(random));
        tasks.spawn_local(async move {
            let silences = attending.await;
            let acknowledged = Vec::new();
            (
                number,
                Told {
                    acknowledged,
                    silences,
                },
            )
        });
    }
    for _ in 0..CRASHES {
        sleep(Duration::from_millis(random.random_range(50..400))).await;
        coordinator.crash().await;
    }
    let mut told: Vec<Told> = customers.iter().map(|_| Told::default()).collect();
    for (number, part) in tasks.join_all().await {
        told[number].acknowledged.extend(part.acknowledged);
        told[number].silences.extend(part.silences);
    }
    told
}

/// Waits until a conversation is quiet: hands back what code hands over, and
/// answers what it asks.
async fn settle(
    customer: &Customer,
    coordinator: &Coordinator,
    acknowledged: &mut Vec<Acknowledged>,
) {
    let begin = Instant::now();
    let mut answered = 0;
    loop {
        let read = async |handle: Handle| handle.conversation(customer.key.clone()).await;
        let conversation = coordinator.call("read", read).await;
        let conversation = conversation.expect("it is there");
        let turn = &conversation.turn;
        if turn.is_none() && conversation.waiting_count == 0 {
            return;
        }
        let id = customer.key.id.as_str();
        let stuck = begin.elapsed() > DEADLINE;
        assert!(!stuck, "{id} is stuck: {conversation:?}");
        customer.hand_back(coordinator).await;
        if let Some(turn) = turn
            && turn.asking
            && turn.number != answered
        {
            answered = turn.number;
            let name = format!("answer-{answered}");
            let sequence = customer.say(coordinator, &name).await;
            acknowledged.push((name, sequence));
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// All turns by conversation, in order, once the view has them and all that is
/// to leave has left.
async fn runs(coordinator: &Coordinator) -> BTreeMap<RootKey, Vec<RunRecord>> {
    sleep(Duration::from_secs(60)).await;
    let list = async |handle: Handle| {
        let all = handle.list_runs(ListQuery::of("default".into(), 100_000));
        all.await
    };
    let page = coordinator.call("list", list).await;
    let mut by_root: BTreeMap<RootKey, Vec<RunRecord>> = BTreeMap::new();
    for run in page.expect("it can be listed").runs {
        by_root.entry(run.root.clone()).or_default().push(run);
    }
    for runs in by_root.values_mut() {
        runs.sort_by_key(|run| run.turn);
    }
    by_root
}

#[test]
fn every_history_keeps_every_message_once_and_one_turn_at_a_time() {
    let chosen = std::env::var("EVERTURN_TEST_SEED").ok();
    let chosen = chosen.map(|text| text.parse().expect("EVERTURN_TEST_SEED is a number"));
    let count = std::env::var("EVERTURN_TEST_HISTORIES").ok();
    let count = count.map_or(HISTORIES, |text| text.parse().expect("a number"));
    let seeds = match chosen {
        Some(seed) => vec![seed],
        None => (0..count).map(|_| rand::random()).collect(),
    };
    let histories: Vec<History> = seeds.into_iter().map(play).collect();
    let total = |of: fn(&History) -> usize| histories.iter().map(of).sum::<usize>();
    assert!(histories.iter().all(|it| it.faults > 0), "the store failed");
    assert!(total(|it| it.canceled) > 0, "turns were superseded");
    assert!(total(|it| it.suppressed) > 0, "some spoke all the same");
    assert!(total(|it| it.sent) > 0, "messages left");
}

#[test]
fn a_seed_gives_the_same_history_again() {
    let seed = rand::random();
    assert_eq!(play(seed), play(seed));
}
