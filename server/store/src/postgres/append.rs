//! The append: one statement for everything that a lane has, fenced by the
//! leases.

use std::collections::BTreeMap;

use sqlx::postgres::PgConnection;

use crate::Result;
use crate::error::Error;
use crate::row::Append;
use crate::sql::int;

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it is durable.
    Durable,
    /// Nothing was written: these partitions have other owners, with their epochs.
    Fenced(BTreeMap<u32, u32>),
}

/// Appends a batch. Repeating it after its answer was lost is harmless: rows
/// that are there already are ours, or another owner's.
///
/// The fence reads the leases `FOR SHARE`, so that whoever takes a partition
/// waits for this statement, or this one sees the new epoch. It also wants the
/// row before: a database that came back without its last rows, as a standby
/// may, gets no log with a gap. A row that another
/// statement of ours is still writing is waited for by the primary key.
pub(super) async fn append(connection: &mut PgConnection, rows: &[&Append]) -> Result<Outcome> {
    // Of each partition its epoch, and what its first row continues.
    let mut epochs = BTreeMap::new();
    let mut before = BTreeMap::new();
    for row in rows {
        epochs.insert(row.partition, row.owner_epoch);
        before
            .entry(row.partition)
            .or_insert_with(|| int(row.sequence) - 1);
    }
    let partitions: Vec<i64> = rows.iter().map(|row| row.partition.into()).collect();
    let sequences: Vec<i64> = rows.iter().map(|row| int(row.sequence)).collect();
    let row_epochs: Vec<i64> = rows.iter().map(|row| row.owner_epoch.into()).collect();
    let payloads: Vec<&[u8]> = rows.iter().map(|row| &row.payload[..]).collect();
    let fenced: Vec<i64> = epochs.keys().map(|partition| (*partition).into()).collect();
    let fences: Vec<i64> = epochs.values().map(|epoch| (*epoch).into()).collect();
    let (fence, written): (i64, i64) = sqlx::query_as(
        "WITH fence AS MATERIALIZED (
             SELECT FROM leases
             JOIN UNNEST($5::bigint[], $6::bigint[], $7::bigint[]) AS ours (partition, epoch, before)
             ON leases.partition = ours.partition AND leases.owner_epoch = ours.epoch
             WHERE EXISTS (SELECT FROM log
                           WHERE log.partition = ours.partition AND log.sequence = ours.before)
                OR EXISTS (SELECT FROM log_ends WHERE log_ends.partition = ours.partition
                           AND log_ends.last_sequence >= ours.before)
             FOR SHARE OF leases
         ), written AS (
             INSERT INTO log (partition, sequence, owner_epoch, payload)
             SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])
             WHERE (SELECT count(*) FROM fence) = cardinality($5)
             ON CONFLICT (partition, sequence) DO NOTHING
             RETURNING 1
         )
         SELECT (SELECT count(*) FROM fence), (SELECT count(*) FROM written)",
    )
    .bind(&partitions)
    .bind(&sequences)
    .bind(&row_epochs)
    .bind(&payloads)
    .bind(&fenced)
    .bind(&fences)
    .bind(before.into_values().collect::<Vec<i64>>())
    .fetch_one(&mut *connection)
    .await?;
    if fence == int(epochs.len() as u64) && written == int(rows.len() as u64) {
        return Ok(Outcome::Durable);
    }
    // Read after the fence has waited for whoever was taking a partition, or the
    // rows for whoever was writing them: what is there now is how it went.
    let there: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM log JOIN UNNEST($1::bigint[], $2::bigint[], $3::bigint[])
             AS ours (partition, sequence, epoch)
         ON log.partition = ours.partition AND log.sequence = ours.sequence
             AND log.owner_epoch = ours.epoch",
    )
    .bind(&partitions)
    .bind(&sequences)
    .bind(&row_epochs)
    .fetch_one(&mut *connection)
    .await?;
    if there == int(rows.len() as u64) {
        return Ok(Outcome::Durable);
    }
    others(connection, &epochs).await
}

/// The partitions that have other owners.
async fn others(connection: &mut PgConnection, ours: &BTreeMap<u32, u32>) -> Result<Outcome> {
    let partitions: Vec<i64> = ours.keys().map(|partition| (*partition).into()).collect();
    let found: Vec<(i64, i64)> =
        sqlx::query_as("SELECT partition, owner_epoch FROM leases WHERE partition = ANY($1)")
            .bind(&partitions)
            .fetch_all(connection)
            .await?;
    let found = found.into_iter().filter_map(|(partition, epoch)| {
        let partition = u32::try_from(partition).ok()?;
        Some((partition, u32::try_from(epoch).ok()?))
    });
    let others: BTreeMap<u32, u32> = found
        .filter(|(partition, epoch)| ours.get(partition) != Some(epoch))
        .collect();
    if others.is_empty() {
        return Err(Error::Other(
            "the log does not end where this node knows its end: the database came back without \
             its last rows"
                .into(),
        ));
    }
    Ok(Outcome::Fenced(others))
}
