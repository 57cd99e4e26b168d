//! Taking a partition.

use std::time::Duration;

use sqlx::postgres::PgConnection;

use crate::Result;
use crate::error::Error;
use crate::members::NodeIdentity;

/// Takes a partition that is free, ours, or of a node that was not seen for a
/// lease: a new epoch, and where the log ends. A heartbeat of that node waits
/// for this to be committed, so that it sees what it has lost. Once it is committed no append
/// of an earlier owner is, so the end is read afterwards.
pub(super) async fn acquire(
    connection: &mut PgConnection,
    node: &NodeIdentity,
    lease: Duration,
    partition: u32,
) -> Result<(u32, u64)> {
    let taken: Option<i64> = sqlx::query_scalar(
        "WITH holder AS MATERIALIZED (
             SELECT nodes.seen_at FROM nodes JOIN leases USING (node_id, incarnation)
             WHERE leases.partition = $1 FOR SHARE OF nodes
         )
         UPDATE leases SET owner_epoch = owner_epoch + 1, node_id = $2, incarnation = $3
         WHERE partition = $1 AND (node_id IS NULL OR node_id = $2 OR NOT EXISTS (
             SELECT FROM holder
             WHERE seen_at > clock_timestamp() - $4 * interval '1 microsecond'))
         RETURNING owner_epoch",
    )
    .bind(i64::from(partition))
    .bind(&node.id)
    .bind(node.incarnation.cast_signed())
    .bind(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(epoch) = taken else {
        return Err(holder(connection, partition).await?);
    };
    let end: i64 = sqlx::query_scalar(
        "SELECT greatest(
             coalesce((SELECT last_sequence FROM log_ends WHERE partition = $1), 0),
             coalesce((SELECT max(sequence) FROM log WHERE partition = $1), 0))",
    )
    .bind(i64::from(partition))
    .fetch_one(connection)
    .await?;
    let epoch = u32::try_from(epoch);
    let epoch = epoch.map_err(|_| Error::Corrupt("an epoch is out of range".into()))?;
    Ok((epoch, end.unsigned_abs()))
}

/// Why a partition could not be taken.
async fn holder(connection: &mut PgConnection, partition: u32) -> Result<Error> {
    let holder: Option<Option<String>> =
        sqlx::query_scalar("SELECT node_id FROM leases WHERE partition = $1")
            .bind(i64::from(partition))
            .fetch_optional(connection)
            .await?;
    Ok(match holder {
        None => Error::Unusable(format!("there is no partition {partition}")),
        Some(node) => Error::Held {
            partition,
            node: node.unwrap_or_default(),
        },
    })
}

/// Ends sessions that hold locks on leases although nothing was heard of them
/// for a lease: the last bytes of a statement that never came would keep its
/// locks until the network gives up.
pub(super) async fn end_holders(connection: &mut PgConnection, lease: Duration) -> Result<()> {
    sqlx::query(
        "SELECT pg_terminate_backend(locks.pid) FROM pg_locks locks
         JOIN pg_stat_activity sessions ON sessions.pid = locks.pid
         WHERE locks.relation = 'leases'::regclass AND locks.granted
         AND locks.pid <> pg_backend_pid()
         AND sessions.state_change < clock_timestamp() - $1 * interval '1 microsecond'",
    )
    .bind(i64::try_from(lease.as_micros()).unwrap_or(i64::MAX))
    .execute(connection)
    .await?;
    Ok(())
}
