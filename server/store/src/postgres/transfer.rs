//! Reading and filling a whole database.

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::Result;
use crate::error::Error;
use crate::postgres::PostgresStore;
use crate::row::{ApprovalRow, HistoryChunk, MessageChunk, RootKey, RunRow};
use crate::sql::int;
use crate::sql::transfer as sql;
use crate::transfer::{PartitionState, RootPage, Totals, Transfer};

impl Transfer for PostgresStore {
    fn must_be_idle(&self) -> BoxFuture<'_, Result<()>> {
        async move {
            let node: Option<String> = sqlx::query_scalar(
                "SELECT node_id FROM nodes WHERE node_id <> $1
                 AND seen_at > clock_timestamp() - $2 * interval '1 microsecond' LIMIT 1",
            )
            .bind(&self.node.id)
            .bind(i64::try_from(self.lease.as_micros()).unwrap_or(i64::MAX))
            .fetch_optional(&self.readers)
            .await?;
            match node {
                None => Ok(()),
                Some(node) => Err(Error::Unusable(format!(
                    "the node {node} uses the database: stop it first"
                ))),
            }
        }
        .boxed()
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
            let found: Option<(i64, i64)> = sqlx::query_as(
                "SELECT owner_epoch, greatest(
                     coalesce((SELECT last_sequence FROM log_ends WHERE partition = $1), 0),
                     coalesce((SELECT max(sequence) FROM log WHERE partition = $1), 0))
                 FROM leases WHERE partition = $1",
            )
            .bind(i64::from(partition))
            .fetch_optional(&self.readers)
            .await?;
            let (epoch, last) = found
                .ok_or_else(|| Error::Unusable(format!("there is no partition {partition}")))?;
            Ok(PartitionState {
                owner_epoch: u32::try_from(epoch).unwrap_or(u32::MAX),
                last_sequence: last.unsigned_abs(),
            })
        }
        .boxed()
    }

    fn set_partition_state(
        &self,
        partition: u32,
        state: PartitionState,
    ) -> BoxFuture<'_, Result<()>> {
        async move {
            sqlx::query(
                "WITH epoch AS (UPDATE leases SET owner_epoch = $2 WHERE partition = $1)
                 UPDATE log_ends SET last_sequence = $3 WHERE partition = $1",
            )
            .bind(i64::from(partition))
            .bind(i64::from(state.owner_epoch))
            .bind(int(state.last_sequence))
            .execute(&self.readers)
            .await?;
            Ok(())
        }
        .boxed()
    }
}
