//! The SQLite store: one file, one owner, group commit in front of one writer
//! connection.

mod backup;
mod checkpoint;
mod compact;
mod identity;
mod log;
mod open;
mod queries;
mod room;
mod sizes;
mod transfer;
mod write;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::row::{
    Append, ApprovalRow, Cursor, Due, Filter, Flush, HistoryChunk, LogRow, MessageChunk, RootKey,
    RootKind, RootRow, RunRow, WaitColumns,
};
use crate::sql::read;
use crate::stats::StoreStats;
use crate::{DuePage, QueueUse, Result, Store};
use writer::{Job, Writer};

/// How a SQLite store is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The database file; created if it does not exist.
    pub path: PathBuf,
    /// Number of partitions. `None`: what the database has, or 4 for a new
    /// one. From 1 to 1,024.
    pub partitions: Option<u32>,
    /// Connections for reads. Default 4.
    pub readers: u32,
    /// How long a statement may wait for a lock. Default 5 s.
    pub busy_timeout: Duration,
    /// Bytes of write-ahead log after which it is written back. Default
    /// 32 MiB.
    pub checkpoint_bytes: u64,
    /// Writes that may wait for the writer. Default 1,024.
    pub queue: usize,
}

impl SqliteOptions {
    /// The defaults, for a file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            partitions: None,
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            checkpoint_bytes: 32 * 1024 * 1024,
            queue: 1_024,
        }
    }
}

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    partitions: u32,
    path: PathBuf,
    jobs: mpsc::Sender<Job>,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, brings its tables up to date and starts the writer.
    ///
    /// # Errors
    /// `Unusable` when another process owns the file or the number of
    /// partitions differs or the file is of another application; `Corrupt` when
    /// it is not a database.
    pub async fn open(options: SqliteOptions) -> Result<Self> {
        let opened = open::open(&options).await?;
        let (jobs, queue) = mpsc::channel(options.queue);
        let store = Self {
            partitions: opened.partitions,
            path: open::resolve(&options.path),
            jobs,
            readers: opened.readers.clone(),
        };
        tokio::spawn(Writer::new(opened, queue, &options).run());
        Ok(store)
    }

    /// Rewrites the file of a store that nobody has open, so that nothing of
    /// what was removed is left in its bytes. While it works it takes the space
    /// of the file once beside it and once in the directory for temporary
    /// files. Returns the size before and after, in bytes.
    ///
    /// # Errors
    /// `Unusable` when there is no such file or another process owns it.
    pub async fn compact(options: &SqliteOptions) -> Result<(u64, u64)> {
        compact::compact(options).await
    }

    /// Copies a file that a coordinator may have open, as it is at one moment.
    /// Meanwhile its write-ahead log grows. Returns the size of the copy in
    /// bytes.
    ///
    /// # Errors
    /// `Unusable` when the target exists or cannot be written.
    pub async fn backup(options: &SqliteOptions, to: &std::path::Path) -> Result<u64> {
        backup::backup(options, to).await
    }

    /// What a file holds, by kind; a coordinator may have it open. Looks at all
    /// of its pages.
    ///
    /// # Errors
    /// When the file is not there, or not a store.
    pub async fn stats(options: &SqliteOptions) -> Result<StoreStats> {
        sizes::stats(options).await
    }

    /// Hands a job to the writer and waits for its answer.
    async fn write<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T>>) -> Job) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let sent = self.jobs.send(job(caller)).await;
        sent.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

impl Store for SqliteStore {
    fn partition_count(&self) -> u32 {
        self.partitions
    }

    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn acquire(&self, partition: u32) -> BoxFuture<'_, Result<(u32, u64)>> {
        self.write(move |caller| Job::Acquire(partition, caller))
            .boxed()
    }

    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<()>> {
        self.write(move |caller| Job::Append(appends, caller))
            .boxed()
    }

    fn flush(&self, flush: Flush) -> BoxFuture<'_, Result<()>> {
        self.write(move |caller| Job::Flush(Box::new(flush), caller))
            .boxed()
    }

    fn read_log(
        &self,
        partition: u32,
        after_sequence: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<LogRow>>> {
        log::read(&self.readers, partition, after_sequence, max_bytes).boxed()
    }

    fn load_roots(
        &self,
        partition: u32,
        keys: Vec<RootKey>,
    ) -> BoxFuture<'_, Result<Vec<RootRow>>> {
        read::roots(&self.readers, partition, keys).boxed()
    }

    fn root_hashes(
        &self,
        partition: u32,
        after: Option<u64>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<u64>>> {
        read::hashes(&self.readers, partition, after, limit).boxed()
    }

    fn due_roots(
        &self,
        partition: u32,
        due: Due,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<DuePage>> {
        read::due(&self.readers, partition, due, after, limit).boxed()
    }

    fn load_history(
        &self,
        run_id: [u8; 16],
        after_event_id: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryChunk>>> {
        read::history(&self.readers, run_id, after_event_id, max_bytes).boxed()
    }

    fn load_beginnings(
        &self,
        run_ids: Vec<[u8; 16]>,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryChunk>>> {
        read::beginnings(&self.readers, run_ids, max_bytes).boxed()
    }

    fn load_messages(
        &self,
        key: RootKey,
        after_sequence: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<MessageChunk>>> {
        read::messages(&self.readers, key, after_sequence, max_bytes).boxed()
    }

    fn load_run(&self, run_id: [u8; 16]) -> BoxFuture<'_, Result<Option<RunRow>>> {
        read::run(&self.readers, run_id).boxed()
    }

    fn find_run(
        &self,
        namespace: Arc<str>,
        workflow_id: Arc<str>,
    ) -> BoxFuture<'_, Result<Option<RunRow>>> {
        read::latest_run(&self.readers, namespace, workflow_id).boxed()
    }

    fn list_roots(
        &self,
        kind: RootKind,
        filter: Filter,
    ) -> BoxFuture<'_, Result<(Vec<RootRow>, Option<Cursor>)>> {
        read::list_roots(&self.readers, kind, filter).boxed()
    }

    fn list_runs(&self, filter: Filter) -> BoxFuture<'_, Result<(Vec<RunRow>, Option<Cursor>)>> {
        read::list_runs(&self.readers, filter).boxed()
    }

    fn count_waits(
        &self,
        partition: u32,
    ) -> BoxFuture<'_, Result<Vec<(RootKind, WaitColumns, u64)>>> {
        read::count_waits(&self.readers, partition).boxed()
    }

    fn used_queues(&self, namespace: Arc<str>) -> BoxFuture<'_, Result<Vec<QueueUse>>> {
        read::used_queues(&self.readers, namespace).boxed()
    }

    fn list_approvals(
        &self,
        root_id: Option<Arc<str>>,
        filter: Filter,
    ) -> BoxFuture<'_, Result<(Vec<ApprovalRow>, Option<Cursor>)>> {
        read::list_approvals(&self.readers, root_id, filter).boxed()
    }

    fn size_bytes(&self) -> BoxFuture<'_, Result<u64>> {
        let path = self.path.clone();
        async move {
            let mut bytes = 0;
            for suffix in ["", "-wal"] {
                let mut name = path.clone().into_os_string();
                name.push(suffix);
                // The write-ahead log is not always there.
                bytes += tokio::fs::metadata(&name).await.map_or(0, |m| m.len());
            }
            Ok(bytes)
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        async move {
            // A reader that is still open would keep part of the log alive.
            self.readers.close().await;
            self.write(Job::Close).await
        }
        .boxed()
    }
}
