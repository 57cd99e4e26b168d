//! The coordinator of a simulation: it is killed and started again, and its
//! clients find the one that runs.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use everturn_engine::rejection::Rejection;
use everturn_engine::value::Time;
use everturn_runtime::{Error, Handle, MemoryReader, Options, Runtime, WallClock};
use everturn_store::Store;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::{Instant, sleep, timeout};

use crate::faulty_store::{Disk, FaultyStore};

/// Simulated time within which everything has to succeed.
pub const DEADLINE: Duration = Duration::from_secs(600);
/// How long a client waits for an answer of a coordinator that may be dead.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Between two attempts of a client.
const AGAIN: Duration = Duration::from_millis(5);
/// Where simulated wall time begins: in September 2001.
const EPOCH: Time = Time(1_000_000_000_000_000);

/// The coordinator that runs, and how to kill it. Cheap to clone.
#[derive(Clone)]
pub struct Coordinator(Rc<RefCell<Inner>>);

struct Inner {
    disk: Arc<Disk>,
    seeds: StdRng,
    clock: WallClock,
    /// None while it is down.
    running: Option<(Runtime, Arc<FaultyStore>)>,
    reloads: u64,
}

/// Bytes, of which only parts count.
const MEMORY_LIMIT: u64 = 3_000;

fn options(seed: u64, clock: WallClock) -> Options {
    Options {
        flush_interval: Duration::from_millis(30),
        evict_after: Duration::from_millis(60),
        workflow_task_timeout: Duration::from_millis(500),
        ack_timeout: Duration::from_millis(500),
        orphan_grace: Duration::from_millis(300),
        seed: Some(seed),
        clock,
        memory_limit: MEMORY_LIMIT,
        memory: scarce_memory(),
        ..Options::default()
    }
}

/// Memory is short half of the time, so that everything that may leave does at
/// once.
fn scarce_memory() -> MemoryReader {
    let reads = AtomicU64::new(0);
    MemoryReader::from_fn(move || match reads.fetch_add(1, Ordering::Relaxed) % 6 {
        0..3 => MEMORY_LIMIT * 2 / 3,
        _ => 0,
    })
}

impl Coordinator {
    /// Starts it on a disk.
    pub async fn start(disk: Arc<Disk>, seeds: StdRng) -> Self {
        let begin = Instant::now();
        let clock = WallClock::from_fn(move || {
            let elapsed = begin.elapsed().as_micros();
            Time(EPOCH.0 + i64::try_from(elapsed).expect("a short simulation"))
        });
        let coordinator = Self(Rc::new(RefCell::new(Inner {
            disk,
            seeds,
            clock,
            running: None,
            reloads: 0,
        })));
        coordinator.start_again().await;
        coordinator
    }

    /// Simulated wall time.
    pub fn now(&self) -> Time {
        self.0.borrow().clock.now()
    }

    /// Partitions that were reloaded after faults of the store.
    pub fn reloads(&self) -> u64 {
        let inner = self.0.borrow();
        let running = inner.running.as_ref();
        let last = running.map_or(0, |(it, _)| it.handle().metrics().partition_reloads);
        inner.reloads + last
    }

    /// Kills it, and starts it again: what is not on the disk is gone, and
    /// nobody is told.
    pub async fn crash(&self) {
        let reloads = self.reloads();
        let running = self.0.borrow_mut().running.take();
        self.0.borrow_mut().reloads = reloads;
        let (runtime, store) = running.expect("it runs");
        store.cut_off();
        // Ends sessions. Partitions wait for a store that does not answer.
        runtime.stop(Instant::now()).await;
        self.start_again().await;
    }

    async fn start_again(&self) {
        let begin = Instant::now();
        loop {
            let (store, options) = {
                let mut inner = self.0.borrow_mut();
                let seed = inner.seeds.next_u64();
                let store = Arc::new(FaultyStore::on(Arc::clone(&inner.disk)));
                (store, options(seed, inner.clock.clone()))
            };
            let shared = Arc::clone(&store) as Arc<dyn Store>;
            match Runtime::start(shared, options).await {
                Ok(runtime) => {
                    self.0.borrow_mut().running = Some((runtime, store));
                    return;
                }
                Err(error) => assert!(begin.elapsed() < DEADLINE, "start: {error}"),
            }
        }
    }

    /// Stops it; everything has to be in the view then.
    pub async fn stop(self) {
        let running = self.0.borrow_mut().running.take();
        let (runtime, _) = running.expect("it runs");
        let written = runtime.stop(Instant::now() + DEADLINE).await;
        assert!(written, "everything is in the view");
    }

    /// The one that runs, as soon as one does.
    pub async fn handle(&self) -> Handle {
        loop {
            if let Some((runtime, _)) = &self.0.borrow().running {
                return runtime.handle();
            }
            sleep(AGAIN).await;
        }
    }

    /// Repeats a call until it is answered: by a success, or by a refusal.
    pub async fn call<T>(
        &self,
        what: &str,
        mut call: impl AsyncFnMut(Handle) -> Result<T, Error>,
    ) -> Result<T, Rejection> {
        let begin = Instant::now();
        loop {
            let handle = self.handle().await;
            match timeout(ANSWER_TIMEOUT, call(handle)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(Error::Rejected(rejection))) => return Err(rejection),
                Ok(Err(error)) => assert!(begin.elapsed() < DEADLINE, "{what}: {error}"),
                Err(_) => assert!(begin.elapsed() < DEADLINE, "{what}: no answer"),
            }
            sleep(AGAIN).await;
        }
    }
}

/// Random choices of one part of a simulation, of their own.
pub fn branch(random: &mut StdRng) -> StdRng {
    StdRng::seed_from_u64(random.next_u64())
}
