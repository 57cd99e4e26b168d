//! Reading and filling a whole file.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::Row as _;

use crate::Result;
use crate::error::Error;
use crate::row::{ApprovalRow, HistoryChunk, MessageChunk, RootKey, RunRow};
use crate::sql::transfer as sql;
use crate::sqlite::writer::Job;
use crate::sqlite::{SqliteStore, write};
use crate::transfer::{PartitionState, RootPage, Totals, Transfer};

impl Transfer for SqliteStore {
    fn must_be_idle(&self) -> BoxFuture<'_, Result<()>> {
        // Whoever has it open has it alone.
        async { Ok(()) }.boxed()
    }

    fn totals(&self) -> BoxFuture<'_, Result<Totals>> {
        sql::totals(&self.readers).boxed()
    }

    fn all_roots(&self, after: i64, limit: usize) -> BoxFuture<'_, Result<RootPage>> {
        sql::all_roots(&self.readers, after, limit).boxed()
    }

    fn runs_of(&self, keys: Vec<RootKey>) -> BoxFuture<'_, Result<Vec<RunRow>>> {
        sql::runs_of(&self.readers, keys).boxed()
    }

    fn journals_of(&self, run_ids: Vec<[u8; 16]>) -> BoxFuture<'_, Result<Vec<HistoryChunk>>> {
        sql::journals_of(&self.readers, run_ids).boxed()
    }

    fn transcripts_of(&self, keys: Vec<RootKey>) -> BoxFuture<'_, Result<Vec<MessageChunk>>> {
        sql::transcripts_of(&self.readers, keys).boxed()
    }

    fn approvals_of(&self, keys: Vec<RootKey>) -> BoxFuture<'_, Result<Vec<ApprovalRow>>> {
        sql::approvals_of(&self.readers, keys).boxed()
    }

    fn partition_state(&self, partition: u32) -> BoxFuture<'_, Result<PartitionState>> {
        async move {
            let row = sqlx::query(
                "SELECT owner_epoch, last_sequence,
                 (SELECT max(id) FROM log WHERE id > ? AND id < ?) FROM partitions
                 WHERE partition = ?",
            )
            .bind(write::log_id(partition, 0))
            .bind(write::log_end(partition))
            .bind(i64::from(partition))
            .fetch_optional(&self.readers)
            .await?
            .ok_or_else(|| Error::Unusable(format!("there is no partition {partition}")))?;
            let noted = row.try_get::<i64, _>(1)?.unsigned_abs();
            let end: Option<i64> = row.try_get(2)?;
            Ok(PartitionState {
                owner_epoch: u32::try_from(row.try_get::<i64, _>(0)?).unwrap_or(u32::MAX),
                last_sequence: noted.max(end.map_or(0, write::log_sequence)),
            })
        }
        .boxed()
    }

    fn set_partition_state(
        &self,
        partition: u32,
        state: PartitionState,
    ) -> BoxFuture<'_, Result<()>> {
        self.write(move |caller| Job::SetState(partition, state, caller))
            .boxed()
    }
}
