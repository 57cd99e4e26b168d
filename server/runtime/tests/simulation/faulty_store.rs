//! A store that fails now and then: before it has written, or after, so that
//! the caller cannot know. What it writes is a real SQLite file.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use everturn_store::{
    Append, ApprovalRow, Cursor, Error, Flush, HistoryChunk, LogRow, MessageChunk, Result, RootKey,
    RootKind, RootRow, RunRow, SqliteStore, Store,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rand::RngExt as _;
use rand::rngs::StdRng;

/// Where a call fails.
enum Fault {
    Before(Error),
    After(Error),
}

/// A store over another one.
pub struct FaultyStore {
    inner: SqliteStore,
    random: Mutex<StdRng>,
    healthy: AtomicBool,
    /// Calls that failed so far.
    pub faults: AtomicU64,
}

impl FaultyStore {
    /// A store that fails by these random choices.
    pub fn new(inner: SqliteStore, random: StdRng) -> Self {
        Self {
            inner,
            random: Mutex::new(random),
            healthy: AtomicBool::new(true),
            faults: AtomicU64::new(0),
        }
    }

    /// From here on it fails, or does not.
    pub fn set_healthy(&self, healthy: bool) {
        self.healthy.store(healthy, Ordering::Relaxed);
    }

    fn fault(&self, probability: f64) -> Option<Fault> {
        if self.healthy.load(Ordering::Relaxed) {
            return None;
        }
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        if !random.random_bool(probability) {
            return None;
        }
        self.faults.fetch_add(1, Ordering::Relaxed);
        let error = if random.random() {
            Error::Busy("simulated".to_owned())
        } else {
            Error::Other("simulated".to_owned())
        };
        Some(if random.random() {
            Fault::Before(error)
        } else {
            Fault::After(error)
        })
    }

    fn call<'a, T: Send + 'a>(
        &self,
        probability: f64,
        call: BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        let fault = self.fault(probability);
        async move {
            match fault {
                None => call.await,
                Some(Fault::Before(error)) => Err(error),
                Some(Fault::After(error)) => call.await.and(Err(error)),
            }
        }
        .boxed()
    }
}

impl Store for FaultyStore {
    fn partition_count(&self) -> u32 {
        self.inner.partition_count()
    }

    fn kind(&self) -> &'static str {
        "faulty"
    }

    fn acquire(&self, partition: u32) -> BoxFuture<'_, Result<(u32, u64)>> {
        self.call(0.2, self.inner.acquire(partition))
    }

    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<()>> {
        self.call(0.02, self.inner.append(appends))
    }

    fn flush(&self, flush: Flush) -> BoxFuture<'_, Result<()>> {
        self.call(0.1, self.inner.flush(flush))
    }

    fn read_log(
        &self,
        partition: u32,
        after_sequence: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<LogRow>>> {
        let call = self.inner.read_log(partition, after_sequence, max_bytes);
        self.call(0.1, call)
    }

    fn load_roots(
        &self,
        partition: u32,
        keys: Vec<RootKey>,
    ) -> BoxFuture<'_, Result<Vec<RootRow>>> {
        self.call(0.1, self.inner.load_roots(partition, keys))
    }

    fn root_hashes(
        &self,
        partition: u32,
        after: Option<u64>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<u64>>> {
        self.call(0.1, self.inner.root_hashes(partition, after, limit))
    }

    fn due_roots(
        &self,
        partition: u32,
        before: i64,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<(RootKey, i64)>>> {
        self.call(0.1, self.inner.due_roots(partition, before, limit))
    }

    fn load_history(
        &self,
        run_id: [u8; 16],
        after_event_id: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryChunk>>> {
        let call = self.inner.load_history(run_id, after_event_id, max_bytes);
        self.call(0.1, call)
    }

    fn load_messages(
        &self,
        key: RootKey,
        after_sequence: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<MessageChunk>>> {
        let call = self.inner.load_messages(key, after_sequence, max_bytes);
        self.call(0.1, call)
    }

    fn load_run(&self, run_id: [u8; 16]) -> BoxFuture<'_, Result<Option<RunRow>>> {
        self.call(0.1, self.inner.load_run(run_id))
    }

    fn find_run(
        &self,
        namespace: Arc<str>,
        workflow_id: Arc<str>,
    ) -> BoxFuture<'_, Result<Option<RunRow>>> {
        self.call(0.1, self.inner.find_run(namespace, workflow_id))
    }

    fn list_roots(
        &self,
        namespace: Arc<str>,
        kind: RootKind,
        type_name: Option<Arc<str>>,
        status: Option<u8>,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<(Vec<RootRow>, Option<Cursor>)>> {
        let inner = &self.inner;
        let call = inner.list_roots(namespace, kind, type_name, status, after, limit);
        self.call(0.1, call)
    }

    fn list_runs(
        &self,
        namespace: Arc<str>,
        type_name: Option<Arc<str>>,
        status: Option<u8>,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<(Vec<RunRow>, Option<Cursor>)>> {
        let inner = &self.inner;
        let call = inner.list_runs(namespace, type_name, status, after, limit);
        self.call(0.1, call)
    }

    fn list_approvals(
        &self,
        namespace: Arc<str>,
        root_id: Option<Arc<str>>,
        status: Option<u8>,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<(Vec<ApprovalRow>, Option<Cursor>)>> {
        let inner = &self.inner;
        let call = inner.list_approvals(namespace, root_id, status, after, limit);
        self.call(0.1, call)
    }

    fn size_bytes(&self) -> BoxFuture<'_, Result<u64>> {
        self.inner.size_bytes()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.close()
    }
}
