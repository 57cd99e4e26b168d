//! Moving everything from one store to another, while no coordinator uses
//! either: root by root, each compared by a checksum once it is written.

mod bundle;
mod check;
mod copy;

use futures::future::BoxFuture;

use crate::row::{ApprovalRow, HistoryChunk, MessageChunk, RootKey, RootRow, RunRow};
use crate::{Result, Store};

pub use check::{CheckProgress, Finding, check};
pub use copy::{CopyOptions, CopyProgress, copy};

/// Where a partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// The epoch of its last owner; 0 if it never had one.
    pub owner_epoch: u32,
    /// The last sequence that was appended.
    pub last_sequence: u64,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Roots.
    pub roots: u64,
    /// Runs.
    pub runs: u64,
    /// Approvals.
    pub approvals: u64,
    /// Rows of the log.
    pub log: u64,
}

/// A page of roots with their partitions, and the number after which the next
/// page begins.
pub type RootPage = (Vec<(u32, RootRow)>, Option<i64>);

/// What is read of a whole store, and written of a new one.
pub trait Transfer: Store {
    /// Fails while a coordinator uses the store. A file is held by whoever has
    /// it open; a database says who was seen last.
    fn must_be_idle(&self) -> BoxFuture<'_, Result<()>>;

    /// How many rows there are.
    fn totals(&self) -> BoxFuture<'_, Result<Totals>>;

    /// Roots with their values in the order in which they came into being.
    fn all_roots(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<RootPage>>;

    /// The runs of roots of a namespace.
    fn runs_of(&self, keys: Vec<RootKey>) -> BoxFuture<'_, Result<Vec<RunRow>>>;

    /// The whole journals of runs, in order.
    fn journals_of(&self, run_ids: Vec<[u8; 16]>) -> BoxFuture<'_, Result<Vec<HistoryChunk>>>;

    /// The whole transcripts of roots, in order.
    fn transcripts_of(&self, keys: Vec<RootKey>) -> BoxFuture<'_, Result<Vec<MessageChunk>>>;

    /// The approvals of roots.
    fn approvals_of(&self, keys: Vec<RootKey>) -> BoxFuture<'_, Result<Vec<ApprovalRow>>>;

    /// Where a partition stands.
    fn partition_state(&self, partition: u32) -> BoxFuture<'_, Result<PartitionState>>;

    /// Makes a partition stand where that of another store does, before
    /// anything is appended to it.
    fn set_partition_state(
        &self,
        partition: u32,
        state: PartitionState,
    ) -> BoxFuture<'_, Result<()>>;
}

impl Totals {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
