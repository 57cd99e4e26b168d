//! The durable log and the view behind it: the trait that every store
//! implements, the stores of SQLite and PostgreSQL, and the suite that all stores must pass.
//!
//! What is stored is opaque here: the runtime encodes it.

mod error;
mod flush_progress;
mod members;
mod owners;
mod postgres;
mod row;
mod sql;
mod sqlite;
mod stats;
mod transfer;

#[cfg(feature = "conformance")]
pub mod conformance;

use futures::future::BoxFuture;
use std::sync::Arc;

pub use error::Error;
pub use members::{Beat, Lease, Members, Node, NodeIdentity, Roster};
pub use postgres::{PostgresOptions, PostgresStore};
pub use row::{
    Append, ApprovalRow, Cursor, Due, Filter, Flush, HistoryChunk, LogRow, MessageChunk, RootKey,
    RootKind, RootRow, RunRow, StateValue, WaitColumns, WaitFilter,
};
pub use sqlite::{SqliteOptions, SqliteStore};
pub use stats::{KindStats, StoreStats};
pub use transfer::{
    CheckProgress, CopyOptions, CopyProgress, Finding, PartitionState, RootPage, Totals, Transfer,
    check, copy,
};

/// Result of a store.
pub type Result<T> = std::result::Result<T, Error>;

/// A task queue, and a type of the conversations that use it.
pub type QueueUse = (Arc<str>, Arc<str>);

/// A page of roots with something to do, each with its time, and where the next
/// page begins, if there is one.
pub type DuePage = (Vec<(RootKey, i64)>, Option<Cursor>);

/// A durable log per partition, and a view that is written behind it.
///
/// Every write carries the epoch of the partition's owner; one with an epoch
/// that is not the latest is refused whole with `OwnershipLost`.
pub trait Store: Send + Sync + 'static {
    /// Number of partitions; fixed when the store is created.
    fn partition_count(&self) -> u32;

    /// Name of the kind of store, for people and metrics.
    fn kind(&self) -> &'static str;

    /// The cluster that shares the store, if several nodes can.
    fn members(&self) -> Option<&dyn Members> {
        None
    }

    /// Takes ownership of a partition; earlier owners are fenced from here on.
    /// Gives the new epoch and the sequence of the last append. Of several
    /// nodes, one that lives is not robbed: `Held`.
    fn acquire(&self, partition: u32) -> BoxFuture<'_, Result<(u32, u64)>>;

    /// Appends to the logs. All are durable when it returns, or none is. The
    /// sequences of a partition are dense. Calls that wait at the same time
    /// have no order among each other.
    fn append(&self, appends: Vec<Append>) -> BoxFuture<'_, Result<()>>;

    /// Writes rows to the view and trims the log. Repeating it is harmless;
    /// what is erased goes first, journals and transcripts are written before
    /// the roots that rely on them, the log is trimmed last. A chunk replaces the one that began where
    /// it begins.
    fn flush(&self, flush: Flush) -> BoxFuture<'_, Result<()>>;

    /// Reads the log after a sequence: at least one row if there is one, and
    /// no more once `max_bytes` are reached.
    fn read_log(
        &self,
        partition: u32,
        after_sequence: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<LogRow>>>;

    /// Reads roots by key; those that do not exist are left out.
    fn load_roots(&self, partition: u32, keys: Vec<RootKey>)
    -> BoxFuture<'_, Result<Vec<RootRow>>>;

    /// Reads the hashes of all roots of a partition in ascending order, those
    /// after `after`; fewer than `limit` are the last.
    fn root_hashes(
        &self,
        partition: u32,
        after: Option<u64>,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<u64>>>;

    /// Roots that have something to do and since or until when, earliest first;
    /// where the next page begins, if there is one.
    fn due_roots(
        &self,
        partition: u32,
        due: Due,
        after: Option<Cursor>,
        limit: usize,
    ) -> BoxFuture<'_, Result<DuePage>>;

    /// Reads the journal of a run after an event, in order: the chunk that
    /// holds the next one and as many more as fit into `max_bytes`.
    fn load_history(
        &self,
        run_id: [u8; 16],
        after_event_id: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryChunk>>>;

    /// Reads the chunks that the journals of runs begin with, together: as many
    /// as fit into `max_bytes`, at least one if there is one.
    fn load_beginnings(
        &self,
        run_ids: Vec<[u8; 16]>,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<HistoryChunk>>>;

    /// Reads a transcript after a message, in the same way as a journal.
    fn load_messages(
        &self,
        key: RootKey,
        after_sequence: u64,
        max_bytes: usize,
    ) -> BoxFuture<'_, Result<Vec<MessageChunk>>>;

    /// Reads one run.
    fn load_run(&self, run_id: [u8; 16]) -> BoxFuture<'_, Result<Option<RunRow>>>;

    /// Reads the latest run of a workflow id.
    fn find_run(
        &self,
        namespace: Arc<str>,
        workflow_id: Arc<str>,
    ) -> BoxFuture<'_, Result<Option<RunRow>>>;

    /// Lists roots of a kind, last created first, without their snapshots; the
    /// cursor of the next page if there is one. What exists throughout is
    /// listed once, however it changes meanwhile.
    fn list_roots(
        &self,
        kind: RootKind,
        filter: Filter,
    ) -> BoxFuture<'_, Result<(Vec<RootRow>, Option<Cursor>)>>;

    /// Lists runs, last started first; the cursor of the next page if there
    /// is one.
    fn list_runs(&self, filter: Filter) -> BoxFuture<'_, Result<(Vec<RunRow>, Option<Cursor>)>>;

    /// Counts the roots of a partition that wait, or whose customer does, by
    /// kind and by how they do; of several times the earliest is given.
    fn count_waits(
        &self,
        partition: u32,
    ) -> BoxFuture<'_, Result<Vec<(RootKind, WaitColumns, u64)>>>;

    /// The task queues of the open conversations of a namespace, each with
    /// their types; once each, at most 10,000.
    fn used_queues(&self, namespace: Arc<str>) -> BoxFuture<'_, Result<Vec<QueueUse>>>;

    /// Lists approvals, last requested first; the cursor of the next page if
    /// there is one. They have no types and no reasons to wait.
    fn list_approvals(
        &self,
        root_id: Option<Arc<str>>,
        filter: Filter,
    ) -> BoxFuture<'_, Result<(Vec<ApprovalRow>, Option<Cursor>)>>;

    /// Bytes that the store takes, log included.
    fn size_bytes(&self) -> BoxFuture<'_, Result<u64>>;

    /// Writes back what is buffered and lets go of the store.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}
