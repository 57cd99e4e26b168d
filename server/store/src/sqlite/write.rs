//! Statements that write. Rows go in groups: a statement costs far more than
//! a row.

use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::Result;
use crate::error::Error;
use crate::row::{Append, ApprovalRow, HistoryChunk, MessageChunk, RootKey, RootRow, RunRow};
use crate::sqlite::flush::FlushProgress;
use crate::sqlite::owners::Owners;

/// Rows in one statement: 17 values each at most, under SQLite's bound of
/// 32,766 (<https://sqlite.org/limits.html>). A power of two.
const ROWS_PER_STATEMENT: usize = 64;
/// What a commit, and what a row of the log, adds to the write-ahead log
/// besides payloads: whole pages.
const COMMIT_BYTES: usize = 8 * 1024;
const LOG_ROW_BYTES: usize = 4 * 1024;

/// Bits of a log row's key that are its sequence.
const SEQUENCE_BITS: u32 = 48;

/// The key of a log row.
pub(super) fn log_id(partition: u32, sequence: u64) -> i64 {
    i64::from(partition) << SEQUENCE_BITS | int(sequence)
}

/// The key that all log rows of a partition are below.
pub(super) fn log_end(partition: u32) -> i64 {
    log_id(partition, 0).saturating_add(1 << SEQUENCE_BITS)
}

/// The sequence of a log row.
pub(super) fn log_sequence(id: i64) -> u64 {
    id.cast_unsigned() & ((1 << SEQUENCE_BITS) - 1)
}

/// Takes a partition: a new epoch, and where its log ends.
pub(super) async fn acquire(
    connection: &mut SqliteConnection,
    partition: u32,
) -> Result<(u32, u64)> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    let taken = take(connection, partition).await;
    finish(connection, taken).await
}

async fn take(connection: &mut SqliteConnection, partition: u32) -> Result<(u32, u64)> {
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
        .bind(log_end(partition))
        .fetch_one(connection)
        .await?
        .try_get::<Option<i64>, _>(0)?;
    let epoch = u32::try_from(row.try_get::<i64, _>(0)?);
    let epoch = epoch.map_err(|_| Error::Corrupt("an epoch is out of range".into()))?;
    let noted = row.try_get::<i64, _>(1)?.unsigned_abs();
    Ok((epoch, noted.max(end.map_or(0, log_sequence))))
}

/// One transaction with everything that is appended. Returns roughly how much
/// the write-ahead log grew.
pub(super) async fn append(connection: &mut SqliteConnection, appends: &[&Append]) -> Result<u64> {
    let appended = appends.iter().map(|a| a.payload.len() + LOG_ROW_BYTES);
    let bytes = COMMIT_BYTES + appended.sum::<usize>();
    if appends.len().is_power_of_two() && appends.len() <= ROWS_PER_STATEMENT {
        // A statement is a transaction of its own: two round trips to
        // SQLite's thread less, which counts when little waits.
        log(connection, appends).await?;
        return Ok(bytes as u64);
    }
    execute(connection, "BEGIN IMMEDIATE").await?;
    let written = log_all(connection, appends).await;
    finish(connection, written).await?;
    Ok(bytes as u64)
}

async fn log_all(connection: &mut SqliteConnection, appends: &[&Append]) -> Result<()> {
    for group in groups(appends) {
        log(connection, group).await?;
    }
    Ok(())
}

/// One transaction with the next part of a flush. Returns roughly how much the
/// write-ahead log grew.
pub(super) async fn flush_part(
    connection: &mut SqliteConnection,
    progress: &mut FlushProgress,
    owners: &Owners,
    rows: usize,
) -> Result<u64> {
    execute(connection, "BEGIN IMMEDIATE").await?;
    let written = write_part(connection, progress, owners, rows).await;
    let bytes = finish(connection, written).await?;
    Ok((COMMIT_BYTES + bytes) as u64)
}

/// How much a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fsync {
    /// Until it is on the disk, and all before it.
    Full,
    /// Until the operating system has it: a crash of the machine may take it
    /// back, but nothing that came before it.
    Later,
}

/// What commits wait for from here on.
pub(super) async fn set_sync(connection: &mut SqliteConnection, sync: Fsync) -> Result<()> {
    let statement = match sync {
        Fsync::Full => "PRAGMA synchronous = FULL",
        Fsync::Later => "PRAGMA synchronous = NORMAL",
    };
    execute(connection, statement).await
}

/// Ends a transaction. Not with sqlx's own: SQLite takes a transaction that met
/// a full disk back by itself, and sqlx, whose rollback then fails, would take
/// it for open for ever and begin no other.
async fn finish<T>(connection: &mut SqliteConnection, outcome: Result<T>) -> Result<T> {
    let committed = match outcome {
        Ok(value) => execute(connection, "COMMIT").await.map(|()| value),
        Err(error) => Err(error),
    };
    if committed.is_err() {
        // Fails when there is nothing left to take back.
        let _ = execute(connection, "ROLLBACK").await;
    }
    committed
}

async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> Result<()> {
    sqlx::query(statement).execute(connection).await?;
    Ok(())
}

/// Writes the next part of a flush. What is written is taken out only in
/// memory: if the commit fails the whole flush is given up and repeated.
async fn write_part(
    tx: &mut SqliteConnection,
    progress: &mut FlushProgress,
    owners: &Owners,
    rows: usize,
) -> Result<usize> {
    let part = progress.next_part(rows);
    for key in &part.erased {
        erase(tx, key).await?;
    }
    for rows in groups(&part.history) {
        history(tx, rows).await?;
    }
    for rows in groups(&part.messages) {
        messages(tx, rows).await?;
    }
    for rows in groups(&part.runs) {
        runs(tx, rows).await?;
    }
    for rows in groups(&part.approvals) {
        approvals(tx, rows).await?;
    }
    for rows in groups(&part.roots) {
        roots(tx, progress.partition, rows).await?;
    }
    if let Some(through) = progress.trim_through
        && progress.rows_are_written()
    {
        let last = owners.last_sequence(progress.partition);
        if trim(tx, progress.partition, through.min(last), last, rows).await? {
            progress.trim_through = None;
        }
    }
    Ok(part.bytes)
}

/// Forgets a bounded part of the log; whether that was all. The end of the log
/// is noted first: it must survive its rows.
async fn trim(
    tx: &mut SqliteConnection,
    partition: u32,
    through: u64,
    last: u64,
    rows: usize,
) -> Result<bool> {
    sqlx::query("UPDATE partitions SET last_sequence = ? WHERE partition = ?")
        .bind(int(last))
        .bind(i64::from(partition))
        .execute(&mut *tx)
        .await?;
    let deleted = sqlx::query(
        "DELETE FROM log WHERE id IN
         (SELECT id FROM log WHERE id > ? AND id <= ? ORDER BY id LIMIT ?)",
    )
    .bind(log_id(partition, 0))
    .bind(log_id(partition, through))
    .bind(int(rows as u64))
    .execute(&mut *tx)
    .await?;
    Ok(deleted.rows_affected() < rows as u64)
}

/// Cuts rows into groups of 64, 32, 16 and so on down to 1, so that there are
/// few different statements to keep prepared.
fn groups<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = 1 << rows.len().min(ROWS_PER_STATEMENT).checked_ilog2()?;
        let (group, rest) = rows.split_at(size);
        rows = rest;
        Some(group)
    })
}

async fn log(connection: &mut SqliteConnection, rows: &[&Append]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("INSERT INTO log (id, payload) ");
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(log_id(row.partition, row.sequence))
            .push_bind(&row.payload[..]);
    });
    query.build().execute(connection).await?;
    Ok(())
}

async fn history(tx: &mut SqliteConnection, rows: &[HistoryChunk]) -> Result<()> {
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
    query.build().execute(&mut *tx).await?;
    Ok(())
}

async fn messages(tx: &mut SqliteConnection, rows: &[MessageChunk]) -> Result<()> {
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
    query.build().execute(&mut *tx).await?;
    Ok(())
}

async fn runs(tx: &mut SqliteConnection, rows: &[RunRow]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT INTO runs (run_id, namespace, root_id, workflow_id, type_name, task_queue, status,
         parent_workflow_id, start_time, close_time, event_count, wait, wait_queue, detail) ",
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
            .push_bind(i64::from(row.wait.reason))
            .push_bind(&*row.wait.queue)
            .push_bind(&row.detail[..]);
    });
    query.push(
        " ON CONFLICT (run_id) DO UPDATE SET status = excluded.status,
         close_time = excluded.close_time, event_count = excluded.event_count,
         wait = excluded.wait, wait_queue = excluded.wait_queue, detail = excluded.detail",
    );
    query.build().execute(&mut *tx).await?;
    Ok(())
}

async fn approvals(tx: &mut SqliteConnection, rows: &[ApprovalRow]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT OR REPLACE INTO approvals
         (namespace, approval_id, root_id, status, request_time, detail) ",
    );
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(&*row.key.namespace)
            .push_bind(&*row.approval_id)
            .push_bind(&*row.key.root_id)
            .push_bind(i64::from(row.status))
            .push_bind(row.request_time)
            .push_bind(&row.detail[..]);
    });
    query.build().execute(&mut *tx).await?;
    Ok(())
}

/// Removes everything below a root.
async fn erase(tx: &mut SqliteConnection, key: &RootKey) -> Result<()> {
    for statement in [
        "DELETE FROM state_values WHERE root =
         (SELECT id FROM roots WHERE namespace = ? AND root_id = ?)",
        "DELETE FROM history WHERE run_id IN
         (SELECT run_id FROM runs WHERE namespace = ? AND root_id = ?)",
        "DELETE FROM runs WHERE namespace = ? AND root_id = ?",
        "DELETE FROM messages WHERE namespace = ? AND root_id = ?",
        "DELETE FROM approvals WHERE namespace = ? AND root_id = ?",
    ] {
        sqlx::query(statement)
            .bind(&*key.namespace)
            .bind(&*key.root_id)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn roots(tx: &mut SqliteConnection, partition: u32, rows: &[RootRow]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(
        "INSERT INTO roots (partition, hash, namespace, root_id, kind, type_name, status,
         create_time, update_time, next_deadline, work_since, wait, wait_queue, unanswered_since,
         applied_sequence, snapshot, summary) ",
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
            .push_bind(row.work_since)
            .push_bind(i64::from(row.wait.reason))
            .push_bind(&*row.wait.queue)
            .push_bind(row.wait.unanswered_since)
            .push_bind(int(row.applied_sequence))
            .push_bind(&row.snapshot[..])
            .push_bind(&row.summary[..]);
    });
    query.push(
        " ON CONFLICT (namespace, root_id) DO UPDATE SET kind = excluded.kind,
         type_name = excluded.type_name, status = excluded.status,
         update_time = excluded.update_time, next_deadline = excluded.next_deadline,
         work_since = excluded.work_since,
         wait = excluded.wait, wait_queue = excluded.wait_queue,
         unanswered_since = excluded.unanswered_since,
         applied_sequence = excluded.applied_sequence, snapshot = excluded.snapshot,
         summary = excluded.summary",
    );
    query.build().execute(&mut *tx).await?;
    for row in rows {
        values(tx, row).await?;
    }
    Ok(())
}

/// Writes the new values of a root and removes those that it does not refer to
/// any more: with the root, so that it never refers to one that is not there.
async fn values(tx: &mut SqliteConnection, row: &RootRow) -> Result<()> {
    for value in &row.values {
        sqlx::query(
            "INSERT OR REPLACE INTO state_values (root, version, payload)
             SELECT id, ?, ? FROM roots WHERE namespace = ? AND root_id = ?",
        )
        .bind(int(value.version))
        .bind(&value.payload[..])
        .bind(&*row.key.namespace)
        .bind(&*row.key.root_id)
        .execute(&mut *tx)
        .await?;
    }
    for version in &row.forgotten_values {
        sqlx::query(
            "DELETE FROM state_values WHERE version = ? AND root =
             (SELECT id FROM roots WHERE namespace = ? AND root_id = ?)",
        )
        .bind(int(*version))
        .bind(&*row.key.namespace)
        .bind(&*row.key.root_id)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Numbers beyond SQLite's integers count as the largest one.
pub(super) fn int(value: u64) -> i64 {
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
