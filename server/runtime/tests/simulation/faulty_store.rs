//! A store that is slow and fails by the random choices of a seed: before it
//! has written, or after, so that the caller cannot know. What it writes is a
//! real SQLite file. It can be cut off from the coordinator that uses it, as
//! if that one had been killed.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use everturn_store::{
    Append, ApprovalRow, Cursor, Due, DuePage, Error, Filter, Flush, HistoryChunk, LogRow,
    MessageChunk, QueueUse, Result, RootKey, RootKind, RootRow, RunRow, SqliteStore, Store,
    WaitColumns,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rand::RngExt as _;
use rand::rngs::StdRng;

/// Longest delay of a call before it reaches the file, and of its answer.
const DELAY_MAX: Duration = Duration::from_millis(4);

/// What all coordinators of a simulation have written to, one after another.
pub struct Disk {
    sqlite: SqliteStore,
    /// Runs the store while the simulation stands still: real I/O takes no
    /// simulated time, and nothing depends on how long it takes.
    executor: Option<tokio::runtime::Runtime>,
    random: Mutex<StdRng>,
    healthy: AtomicBool,
    /// Calls that failed so far.
    pub faults: AtomicU64,
    trace: Mutex<DefaultHasher>,
    started: tokio::time::Instant,
}

/// The store as one coordinator sees it.
pub struct FaultyStore {
    disk: Arc<Disk>,
    cut_off: AtomicBool,
}

/// Where a call fails.
enum Fault {
    Before(Error),
    After(Error),
}

impl Disk {
    /// A disk with a new database in a folder, by these random choices.
    pub fn new(folder: &std::path::Path, random: StdRng) -> Self {
        let executor = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let file = folder.join("everturn.db");
        let open = SqliteStore::open(everturn_store::SqliteOptions::new(file));
        let sqlite = outside(&executor, open).expect("it opens");
        Self {
            sqlite,
            executor: Some(executor),
            random: Mutex::new(random),
            healthy: AtomicBool::new(true),
            faults: AtomicU64::new(0),
            trace: Mutex::new(DefaultHasher::new()),
            started: tokio::time::Instant::now(),
        }
    }

    /// From here on it fails, or does not.
    pub fn set_healthy(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::Relaxed);
    }

    /// A number that stands for all calls so far, their arguments and times.
    pub fn trace(&self) -> u64 {
        let trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.finish()
    }

    /// Does a call now, in no simulated time.
    fn perform<'a, T: Send + 'a>(
        &'a self,
        call: impl FnOnce(&'a SqliteStore) -> BoxFuture<'a, Result<T>> + Send,
    ) -> Result<T> {
        let executor = self.executor.as_ref().expect("until it is dropped");
        outside(executor, async { call(&self.sqlite).await })
    }

    fn note(&self, call: &dyn Debug) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        self.started.elapsed().hash(&mut *trace);
        format!("{call:?}").hash(&mut *trace);
    }

    fn fault(&self, probability: f64) -> Option<Fault> {
        if !self.healthy.load(Ordering::Relaxed) {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            if random.random_bool(probability) {
                self.faults.fetch_add(1, Ordering::Relaxed);
                let error = if random.random() {
                    Error::Busy("simulated".to_owned())
                } else {
                    Error::Other("simulated".to_owned())
                };
                return Some(if random.random() {
                    Fault::Before(error)
                } else {
                    Fault::After(error)
                });
            }
        }
        None
    }

    async fn delay(&self) {
        let micros = {
            let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
            random.random_range(0..DELAY_MAX.as_micros() as u64)
        };
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Some(executor) = self.executor.take() {
            executor.shutdown_background();
        }
    }
}

/// Runs a future on a runtime with a clock of its own, and lets the caller's
/// stand still meanwhile.
fn outside<T: Send>(
    executor: &tokio::runtime::Runtime,
    future: impl Future<Output = T> + Send,
) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| executor.block_on(future));
        thread.join().expect("the store does not panic")
    })
}

impl FaultyStore {
    /// The store for a new coordinator.
    pub fn on(disk: Arc<Disk>) -> Self {
        Self {
            disk,
            cut_off: AtomicBool::new(false),
        }
    }

    /// No call returns any more, and none that has not reached the file does.
    pub fn cut_off(&self) {
        self.cut_off.store(true, Ordering::Relaxed);
    }

    async fn is_there(&self) {
        if self.cut_off.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        probability: f64,
        what: impl Debug + Send + 'a,
        call: impl FnOnce(&'a SqliteStore) -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        async move {
            let disk = &*self.disk;
            self.is_there().await;
            disk.note(&what);
            let fault = disk.fault(probability);
            disk.delay().await;
            self.is_there().await;
            let outcome = match fault {
                Some(Fault::Before(error)) => Err(error),
                Some(Fault::After(error)) => disk.perform(call).and(Err(error)),
                None => disk.perform(call),
            };
            disk.delay().await;
            self.is_there().await;
            outcome
        }
        .boxed()
    }
}

impl Store for FaultyStore {
    fn partition_count(&self) -> u32 {
        self.disk.sqlite.partition_count()
    }

    fn kind(&self) -> &'static str {
        "faulty"
    }

    fn acquire(&self, partition: u32) -> BoxFuture<'_, Result<(u32, u64)>> {
        self.call(0.1, partition, move |it| it.acquire(partition))
    }

    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<()>> {
        self.call(0.01, appends.clone(), |it| it.append(appends))
    }

    fn flush(&self, flush: Flush) -> BoxFuture<'_, Result<()>> {
        let what = format!("{flush:?}");
        self.call(0.1, what, |it| it.flush(flush))
    }

    fn read_log(
        &self,
        partition: u32,
        after: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<LogRow>>> {
        self.call(0.05, (partition, after), move |it| {
            it.read_log(partition, after, max_bytes)
        })
    }

    fn load_roots(
        &self,
        partition: u32,
        keys: Vec<RootKey>,
    ) -> BoxFuture<'_, Result<Vec<RootRow>>> {
        let what = (partition, keys.clone());
        self.call(0.1, what, move |it| it.load_roots(partition, keys))
    }

    fn root_hashes(
        &self,
        partition: u32,
        after: Option<u64>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<u64>>> {
        let what = (partition, after);
        self.call(0.05, what, move |it| {
            it.root_hashes(partition, after, limit)
        })
    }

    fn due_roots(
        &self,
        partition: u32,
        due: Due,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<DuePage>> {
        let what = (partition, due, after.clone());
        self.call(0.1, what, move |it| {
            it.due_roots(partition, due, after, limit)
        })
    }

    fn load_history(
        &self,
        run_id: [u8; 16],
        after: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryChunk>>> {
        let what = (run_id, after);
        self.call(0.1, what, move |it| {
            it.load_history(run_id, after, max_bytes)
        })
    }

    fn load_beginnings(
        &self,
        run_ids: Vec<[u8; 16]>,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryChunk>>> {
        self.call(0.1, run_ids.clone(), move |it| {
            it.load_beginnings(run_ids, max_bytes)
        })
    }

    fn load_messages(
        &self,
        key: RootKey,
        after: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<MessageChunk>>> {
        let what = (key.clone(), after);
        self.call(0.1, what, move |it| it.load_messages(key, after, max_bytes))
    }

    fn load_run(&self, run_id: [u8; 16]) -> BoxFuture<'_, Result<Option<RunRow>>> {
        self.call(0.1, run_id, move |it| it.load_run(run_id))
    }

    fn find_run(
        &self,
        namespace: Arc<str>,
        workflow_id: Arc<str>,
    ) -> BoxFuture<'_, Result<Option<RunRow>>> {
        let what = Arc::clone(&workflow_id);
        self.call(0.1, what, |it| it.find_run(namespace, workflow_id))
    }

    fn list_roots(
        &self,
        kind: RootKind,
        filter: Filter,
    ) -> BoxFuture<'_, Result<(Vec<RootRow>, Option<Cursor>)>> {
        self.call(0.1, "list_roots", move |it| it.list_roots(kind, filter))
    }

    fn list_runs(&self, filter: Filter) -> BoxFuture<'_, Result<(Vec<RunRow>, Option<Cursor>)>> {
        self.call(0.1, "list_runs", move |it| it.list_runs(filter))
    }

    fn count_waits(
        &self,
        partition: u32,
    ) -> BoxFuture<'_, Result<Vec<(RootKind, WaitColumns, u64)>>> {
        self.call(0.1, "count_waits", move |it| it.count_waits(partition))
    }

    fn used_queues(&self, namespace: Arc<str>) -> BoxFuture<'_, Result<Vec<QueueUse>>> {
        self.call(0.1, "used_queues", move |it| it.used_queues(namespace))
    }

    fn list_approvals(
        &self,
        root_id: Option<Arc<str>>,
        filter: Filter,
    ) -> BoxFuture<'_, Result<(Vec<ApprovalRow>, Option<Cursor>)>> {
        self.call(0.1, "list_approvals", move |it| {
            it.list_approvals(root_id, filter)
        })
    }

    fn size_bytes(&self) -> BoxFuture<'_, Result<u64>> {
        self.call(0.0, "size_bytes", |it| it.size_bytes())
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.call(0.0, "close", |_| async { Ok(()) }.boxed())
    }
}
