//! The PostgreSQL store: several nodes, each the owner of some partitions. Only
//! an append that was committed under the epoch of a partition's lease counts;
//! everything else that nodes believe may be wrong for a while.

mod append;
mod flush;
mod lane;
mod lease;
mod link;
mod log;
mod members;
mod open;
mod queries;
mod sizes;
mod text;
mod transfer;
mod view;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::members::{Members, NodeIdentity};
use crate::owners::Owners;
use crate::row::{
    Append, ApprovalRow, Cursor, Due, Filter, Flush, HistoryChunk, LogRow, MessageChunk, RootKey,
    RootKind, RootRow, RunRow, WaitColumns,
};
use crate::sql::read;
use crate::stats::StoreStats;
use crate::{DuePage, QueueUse, Result, Store};
use lane::{Job, Lane};
use link::Link;

/// How a PostgreSQL store is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    /// Where it is: a URL such as `postgres://user@host:5432/everturn`, with the
    /// parameters of libpq (`sslmode`, `sslrootcert`). A password that it does
    /// not hold comes from `PGPASSWORD` or the file of `PGPASSFILE`.
    pub url: String,
    /// A file that holds the password, alone on its first line.
    pub password_file: Option<PathBuf>,
    /// Number of partitions. `None`: what the database has, or 16 for a new
    /// one. From 1 to 1,024.
    pub partitions: Option<u32>,
    /// Connections that append, each for a share of the partitions. Default 2.
    pub lanes: u32,
    /// Connections that write the view. Default 2.
    pub view_writers: u32,
    /// Connections that read. Default 4.
    pub readers: u32,
    /// How long a statement may take before its connection counts as lost, and
    /// a reader may wait for a connection. Default 5 s.
    pub timeout: Duration,
    /// Appends that may wait for a lane. Default 1,024.
    pub queue: usize,
    /// Who this node is.
    pub node: NodeIdentity,
    /// How long a node that is not heard of keeps its partitions. Default 5 s.
    pub lease: Duration,
}

impl PostgresOptions {
    /// The defaults, for a URL.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            password_file: None,
            partitions: None,
            lanes: 2,
            view_writers: 2,
            readers: 4,
            timeout: Duration::from_secs(5),
            queue: 1_024,
            node: NodeIdentity {
                id: "single".into(),
                incarnation: 1,
            },
            lease: Duration::from_secs(5),
        }
    }
}

impl std::fmt::Debug for PostgresOptions {
    // A URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("node", &self.node)
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    partitions: u32,
    lanes: Vec<mpsc::Sender<Job>>,
    readers: PgPool,
    pulse: PgPool,
    /// Connections that write the view, each for a share of the partitions.
    writers: Vec<tokio::sync::Mutex<Link>>,
    node: NodeIdentity,
    lease: Duration,
    closed: CancellationToken,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore")
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Connects, brings the tables up to date and starts the lanes.
    ///
    /// # Errors
    /// `Unusable` when the server cannot be reached or is older than version 15,
    /// the database belongs to another application, its settings would lose
    /// what was acknowledged, or the number of partitions differs.
    pub async fn open(options: PostgresOptions) -> Result<Self> {
        let opened = open::open(&options).await?;
        let owners = Arc::new(Mutex::new(Owners::new(opened.partitions)));
        let closed = CancellationToken::new();
        let writers = (0..options.view_writers.max(1)).map(|_| {
            let connect = opened.connect.clone();
            let link = Link::new("view", connect, options.timeout, closed.clone());
            tokio::sync::Mutex::new(link)
        });
        let writers = writers.collect();
        let lanes = (0..options.lanes.max(1)).map(|_| {
            let (jobs, queue) = mpsc::channel(options.queue);
            let lane = Lane::new(&opened, &options, queue, &owners, &closed);
            tokio::spawn(lane.run());
            jobs
        });
        Ok(Self {
            partitions: opened.partitions,
            lanes: lanes.collect(),
            readers: opened.readers,
            pulse: opened.pulse,
            writers,
            node: options.node,
            lease: options.lease,
            closed,
        })
    }

    /// What a database holds, by kind; coordinators may use it. All rows are
    /// counted.
    ///
    /// # Errors
    /// When the server cannot be reached, or holds no store.
    pub async fn stats(options: &PostgresOptions) -> Result<StoreStats> {
        sizes::stats(options).await
    }

    /// Hands a job to the lane of a partition and waits for its answer.
    async fn write<T>(
        &self,
        partition: u32,
        job: impl FnOnce(oneshot::Sender<Result<T>>) -> Job,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let lane = &self.lanes[partition as usize % self.lanes.len()];
        let sent = lane.send(job(caller)).await;
        sent.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    async fn close_all(&self) -> Result<()> {
        self.closed.cancel();
        for lane in &self.lanes {
            let (caller, answer) = oneshot::channel();
            if lane.send(Job::Close(caller)).await.is_ok() {
                // A lane that is gone has closed its connection.
                let _ = answer.await;
            }
        }
        self.readers.close().await;
        self.pulse.close().await;
        Ok(())
    }
}

impl Store for PostgresStore {
    fn partition_count(&self) -> u32 {
        self.partitions
    }

    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn members(&self) -> Option<&dyn Members> {
        Some(self)
    }

    fn acquire(&self, partition: u32) -> BoxFuture<'_, Result<(u32, u64)>> {
        self.write(partition, move |caller| Job::Acquire(partition, caller))
            .boxed()
    }

    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<()>> {
        // Those of one call go together, in the lane of the first.
        let partition = appends.first().map_or(0, |append| append.partition);
        self.write(partition, move |caller| Job::Append(appends, caller))
            .boxed()
    }

    fn flush(&self, flush: Flush) -> BoxFuture<'_, Result<()>> {
        async move {
            let writer = &self.writers[flush.partition as usize % self.writers.len()];
            flush::flush(&mut *writer.lock().await, flush).await
        }
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
        sizes::total(&self.readers).boxed()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.close_all().boxed()
    }
}
