//! Statements that write. Rows go in groups: a statement costs far more than
//! a row.

use std::collections::HashMap;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, QueryBuilder, Row as _, Sqlite, SqliteTransaction};

use crate::Result;
use crate::error::Error;
use crate::row::{Append, Flush, HistoryChunk, MessageChunk, RootRow, RunRow};
use crate::sqlite::writer::Owner;

/// Rows in one statement: 14 values each at most, under SQLite's bound of
/// 32,766 (<https://sqlite.org/limits.html>).
const ROWS_PER_STATEMENT: usize = 64;
/// Rows for the view in one transaction, so that appends do not wait long.
const ROWS_PER_COMMIT: usize = 128;
/// Log rows that are trimmed in one transaction.
const TRIM_PER_COMMIT: i64 = 256;
/// What a transaction adds to the write-ahead log besides its payloads.
const COMMIT_BYTES: u64 = 8 * 1024;

/// The part of a log row's key that is its sequence.
pub(super) const SEQUENCE_BITS: i64 = (1 << 48) - 1;

/// The key of a log row.
pub(super) fn log_id(partition: u32, sequence: u64) -> i64 {
    i64::from(partition) << 48 | i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// A flush, and how far it is written.
pub(super) struct FlushProgress {
    flush: Flush,
    trimmed: bool,
}

impl FlushProgress {
    pub fn new(flush: Flush) -> Self {
        let trimmed = flush.trim_log_through.is_none();
        Self { flush, trimmed }
    }

    pub fn owner(&self) -> (u32, u32) {
        (self.flush.partition, self.flush.owner_epoch)
    }

    pub fn is_complete(&self) -> bool {
        self.rows_are_written() && self.trimmed
    }

    fn rows_are_written(&self) -> bool {
        let flush = &self.flush;
        flush.history.is_empty()
            && flush.messages.is_empty()
            && flush.runs.is_empty()
            && flush.roots.is_empty()
    }
}

/// Takes a partition: a new epoch, and where its log ends.
pub(super) async fn acquire(connection: &mut SqliteConnection, partition: u32) -> Result<Owner> {
    let row = sqlx::query(
        "UPDATE partitions SET owner_epoch = owner_epoch + 1 WHERE partition = ?
         RETURNING owner_epoch, last_sequence",
    )
    .bind(i64::from(partition))
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| Error::Unusable(format!("there is no partition {partition}")))?;
    let end = sqlx::query("SELECT max(id) FROM log WHERE id > ? AND id < ?")
        .bind(log_id(partition, 0))
        .bind(log_id(partition + 1, 0))
        .fetch_one(connection)
        .await?
        .get::<Option<i64>, _>(0);
    let appended = end.map_or(0, |id| (id & SEQUENCE_BITS).unsigned_abs());
    let noted = row.get::<i64, _>(1).unsigned_abs();
    Ok(Owner {
        epoch: u32::try_from(row.get::<i64, _>(0)).unwrap_or(u32::MAX),
        last_sequence: noted.max(appended),
    })
}

/// One transaction: appends, the ends of their logs, and a part of a flush.
/// Returns roughly how much the write-ahead log grew.
pub(super) async fn transaction(
    connection: &mut SqliteConnection,
    appends: impl Iterator<Item = &Append>,
    owners: &HashMap<u32, Owner>,
    flush: Option<&mut FlushProgress>,
) -> Result<u64> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut bytes = COMMIT_BYTES;
    for append in appends {
        bytes += append.payload.len() as u64;
        sqlx::query("INSERT INTO log (id, payload) VALUES (?, ?)")
            .bind(log_id(append.partition, append.sequence))
            .bind(&append.payload[..])
            .execute(&mut *tx)
            .await?;
    }
    if let Some(progress) = flush {
        bytes += write_part(&mut tx, progress, owners).await?;
    }
    tx.commit().await?;
    Ok(bytes)
}

/// Writes the next part of a flush. What is written is taken out only in
/// memory: if the commit fails the whole flush is given up and repeated.
async fn write_part(
    tx: &mut SqliteTransaction<'_>,
    progress: &mut FlushProgress,
    owners: &HashMap<u32, Owner>,
) -> Result<u64> {
    let mut room = ROWS_PER_COMMIT;
    let flush = &mut progress.flush;
    let mut bytes = 0;
    for chunk in take(&mut flush.history, &mut room).chunks(ROWS_PER_STATEMENT) {
        bytes += chunk.iter().map(|row| row.payload.len()).sum::<usize>();
        history(tx, chunk).await?;
    }
    for chunk in take(&mut flush.messages, &mut room).chunks(ROWS_PER_STATEMENT) {
        bytes += chunk.iter().map(|row| row.payload.len()).sum::<usize>();
        messages(tx, chunk).await?;
    }
    for chunk in take(&mut flush.runs, &mut room).chunks(ROWS_PER_STATEMENT) {
        bytes += chunk.iter().map(|row| row.detail.len() + 256).sum::<usize>();
        runs(tx, chunk).await?;
    }
    for chunk in take(&mut flush.roots, &mut room).chunks(ROWS_PER_STATEMENT) {
        bytes += chunk.iter().map(|row| row.snapshot.len() + 512).sum::<usize>();
        roots(tx, flush.partition, chunk).await?;
    }
    if let Some(through) = progress.flush.trim_log_through
        && progress.rows_are_written()
    {
        let partition = progress.flush.partition;
        trim(tx, partition, through, owners, &mut progress.trimmed).await?;
    }
    Ok(bytes as u64)
}

/// Forgets a bounded part of the log. The end of the log is noted first: it
/// must survive its rows.
async fn trim(
    tx: &mut SqliteTransaction<'_>,
    partition: u32,
    through: u64,
    owners: &HashMap<u32, Owner>,
    trimmed: &mut bool,
) -> Result<()> {
    let last = owners.get(&partition).map_or(0, |owner| owner.last_sequence);
    sqlx::query("UPDATE partitions SET last_sequence = ? WHERE partition = ?")
        .bind(i64::try_from(last).unwrap_or(i64::MAX))
        .bind(i64::from(partition))
        .execute(&mut **tx)
        .await?;
    let deleted = sqlx::query(
        "DELETE FROM log WHERE id IN
         (SELECT id FROM log WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)",
    )
    .bind(log_id(partition, 0))
    .bind(log_id(partition, through))
    .bind(TRIM_PER_COMMIT)
    .execute(&mut **tx)
    .await?;
    *trimmed = deleted.rows_affected() < TRIM_PER_COMMIT.unsigned_abs();
    Ok(())
}

fn take<T>(rows: &mut Vec<T>, room: &mut usize) -> Vec<T> {
    let count = rows.len().min(*room);
    *room -= count;
    rows.drain(..count).collect()
}

async fn history(tx: &mut SqliteTransaction<'_>, rows: &[HistoryChunk]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT OR REPLACE INTO history (run_id, first_event_id, last_event_id, payload) ",
    );
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(&row.run_id[..])
            .push_bind(int(row.first_event_id))
            .push_bind(int(row.last_event_id))
            .push_bind(&row.payload[..]);
    });
    query.build().execute(&mut **tx).await?;
    Ok(())
}

async fn messages(tx: &mut SqliteTransaction<'_>, rows: &[MessageChunk]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT OR REPLACE INTO messages
         (namespace, root_id, first_sequence, last_sequence, payload) ",
    );
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(&*row.key.namespace)
            .push_bind(&*row.key.root_id)
            .push_bind(int(row.first_sequence))
            .push_bind(int(row.last_sequence))
            .push_bind(&row.payload[..]);
    });
    query.build().execute(&mut **tx).await?;
    Ok(())
}

async fn runs(tx: &mut SqliteTransaction<'_>, rows: &[RunRow]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT INTO runs (run_id, namespace, root_id, workflow_id, type_name, task_queue, status,
         parent_workflow_id, start_time, close_time, event_count, detail) ",
    );
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(&row.run_id[..])
            .push_bind(&*row.key.namespace)
            .push_bind(&*row.key.root_id)
            .push_bind(&*row.workflow_id)
            .push_bind(&*row.type_name)
            .push_bind(&*row.task_queue)
            .push_bind(i64::from(row.status))
            .push_bind(row.parent_workflow_id.as_deref())
            .push_bind(row.start_time)
            .push_bind(row.close_time)
            .push_bind(int(row.event_count))
            .push_bind(&row.detail[..]);
    });
    query.push(
        " ON CONFLICT (run_id) DO UPDATE SET status = excluded.status,
         close_time = excluded.close_time, event_count = excluded.event_count,
         detail = excluded.detail",
    );
    query.build().execute(&mut **tx).await?;
    Ok(())
}

async fn roots(tx: &mut SqliteTransaction<'_>, partition: u32, rows: &[RootRow]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT INTO roots (partition, hash, namespace, root_id, kind, type_name, status,
         create_time, update_time, next_deadline, applied_sequence, snapshot, summary) ",
    );
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(i64::from(partition))
            .push_bind(signed(row.key.hash64()))
            .push_bind(&*row.key.namespace)
            .push_bind(&*row.key.root_id)
            .push_bind(row.kind.code())
            .push_bind(&*row.type_name)
            .push_bind(i64::from(row.status))
            .push_bind(row.create_time)
            .push_bind(row.update_time)
            .push_bind(row.next_deadline)
            .push_bind(int(row.applied_sequence))
            .push_bind(&row.snapshot[..])
            .push_bind(&row.summary[..]);
    });
    query.push(
        " ON CONFLICT (namespace, root_id) DO UPDATE SET kind = excluded.kind,
         type_name = excluded.type_name, status = excluded.status,
         update_time = excluded.update_time, next_deadline = excluded.next_deadline,
         applied_sequence = excluded.applied_sequence, snapshot = excluded.snapshot,
         summary = excluded.summary",
    );
    query.build().execute(&mut **tx).await?;
    Ok(())
}

fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Hashes use all 64 bits: the same bits as a signed number, shifted so that
/// the order is kept.
pub(super) fn signed(hash: u64) -> i64 {
    (hash ^ (1 << 63)).cast_signed()
}

/// The reverse of `signed`.
pub(super) fn unsigned(stored: i64) -> u64 {
    stored.cast_unsigned() ^ (1 << 63)
}
