//! Statements that write. Rows go in groups: a statement costs far more than
//! a row.

use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use crate::Result;
use crate::error::Error;
use crate::flush_progress::{FlushProgress, Part};
use crate::owners::Owners;
use crate::row::{Append, ApprovalRow, HistoryChunk, MessageChunk, RootKey, RootRow, RunRow};
use crate::sql::{int, signed};
use crate::transfer::PartitionState;

/// Rows in one statement: 17 values each at most, under SQLite's bound of
/// 32,766 (<https://sqlite.org/limits.html>). A power of two.
const ROWS_PER_STATEMENT: usize = 128;
/// Rows of the log that are forgotten in the time that it takes to write one to
/// the view: they lie side by side, and no index knows them.
const TRIMMED_PER_ROW: usize = 8;
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
    sync: Option<Fsync>,
    partition: u32,
) -> Result<(u32, u64)> {
    begin(connection, sync).await?;
    let taken = take(connection, partition).await;
    finish(connection, taken).await
}

/// Makes a partition stand somewhere, before anything is appended to it.
pub(super) async fn set_state(
    connection: &mut SqliteConnection,
    sync: Option<Fsync>,
    partition: u32,
    state: PartitionState,
) -> Result<()> {
    begin(connection, sync).await?;
    let set =
        sqlx::query("UPDATE partitions SET owner_epoch = ?, last_sequence = ? WHERE partition = ?")
            .bind(i64::from(state.owner_epoch))
            .bind(int(state.last_sequence))
            .bind(i64::from(partition))
            .execute(&mut *connection)
            .await;
    finish(connection, set.map(drop).map_err(Into::into)).await
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
pub(super) async fn append(
    connection: &mut SqliteConnection,
    sync: Option<Fsync>,
    appends: &[&Append],
) -> Result<u64> {
    let appended = appends.iter().map(|a| a.payload.len() + LOG_ROW_BYTES);
    let bytes = COMMIT_BYTES + appended.sum::<usize>();
    if appends.len() <= ROWS_PER_STATEMENT {
        // A statement is a transaction of its own: two round trips to
        // SQLite's thread less, which counts when little waits.
        log(connection, sync, appends).await?;
        return Ok(bytes as u64);
    }
    begin(connection, sync).await?;
    let written = log_all(connection, appends).await;
    finish(connection, written).await?;
    Ok(bytes as u64)
}

async fn log_all(connection: &mut SqliteConnection, appends: &[&Append]) -> Result<()> {
    for group in appends.chunks(ROWS_PER_STATEMENT) {
        log(connection, None, group).await?;
    }
    Ok(())
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

/// What a statement begins with so that its commit waits as it should: in the
/// same round trip.
fn pragma(sync: Option<Fsync>) -> &'static str {
    match sync {
        None => "",
        Some(Fsync::Full) => "PRAGMA synchronous = FULL; ",
        Some(Fsync::Later) => "PRAGMA synchronous = NORMAL; ",
    }
}

async fn begin(connection: &mut SqliteConnection, sync: Option<Fsync>) -> Result<()> {
    let statement = match sync {
        None => "BEGIN IMMEDIATE",
        Some(Fsync::Full) => "PRAGMA synchronous = FULL; BEGIN IMMEDIATE",
        Some(Fsync::Later) => "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE",
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

/// Writes the next part of a flush, in one statement where that is possible.
/// What is written is taken out only in memory: if the commit fails the whole
/// flush is given up and repeated. Returns roughly how much the write-ahead log
/// grew.
pub(super) async fn flush_part(
    connection: &mut SqliteConnection,
    sync: Option<Fsync>,
    progress: &mut FlushProgress,
    owners: &Owners,
    rows_max: usize,
) -> Result<u64> {
    let partition = progress.partition;
    let (part, bytes) = progress.next_part(rows_max.min(ROWS_PER_STATEMENT));
    match part {
        Part::Erased(key) => {
            begin(connection, sync).await?;
            let erased = erase(connection, &key).await;
            finish(connection, erased).await?;
        }
        Part::History(rows) => history(connection, sync, &rows).await?,
        Part::Messages(rows) => messages(connection, sync, &rows).await?,
        Part::Runs(rows) => runs(connection, sync, &rows).await?,
        Part::Approvals(rows) => approvals(connection, sync, &rows).await?,
        Part::Roots(rows) if rows.iter().all(has_old_values) => {
            roots(connection, sync, partition, &rows).await?;
        }
        Part::Roots(rows) => {
            begin(connection, sync).await?;
            let written = roots_with_values(connection, partition, &rows).await;
            finish(connection, written).await?;
        }
        Part::Trim(through) => {
            let last = owners.last_sequence(partition);
            begin(connection, sync).await?;
            let rows = rows_max * TRIMMED_PER_ROW;
            let trimmed = trim(connection, partition, through.min(last), last, rows).await;
            if finish(connection, trimmed).await? {
                progress.trimmed();
            }
        }
        Part::Nothing => {}
    }
    Ok((COMMIT_BYTES + bytes) as u64)
}

/// Whether the values of its state are as they are stored.
fn has_old_values(row: &RootRow) -> bool {
    row.values.is_empty() && row.forgotten_values.is_empty()
}

async fn roots_with_values(
    tx: &mut SqliteConnection,
    partition: u32,
    rows: &[RootRow],
) -> Result<()> {
    roots(tx, None, partition, rows).await?;
    for row in rows {
        values(tx, row).await?;
    }
    Ok(())
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

async fn log(
    connection: &mut SqliteConnection,
    sync: Option<Fsync>,
    rows: &[&Append],
) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(pragma(sync));
    query.push("INSERT INTO log (id, payload) ");
    query.push_values(rows, |mut values, row| {
        values
            .push_bind(log_id(row.partition, row.sequence))
            .push_bind(&row.payload[..]);
    });
    query.build().execute(connection).await?;
    Ok(())
}

async fn history(
    tx: &mut SqliteConnection,
    sync: Option<Fsync>,
    rows: &[HistoryChunk],
) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(pragma(sync));
    query.push("INSERT OR REPLACE INTO history (run_id, first_event_id, last_event_id, payload) ");
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

async fn messages(
    tx: &mut SqliteConnection,
    sync: Option<Fsync>,
    rows: &[MessageChunk],
) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(pragma(sync));
    query.push(
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

async fn runs(tx: &mut SqliteConnection, sync: Option<Fsync>, rows: &[RunRow]) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(pragma(sync));
    query.push(
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

async fn approvals(
    tx: &mut SqliteConnection,
    sync: Option<Fsync>,
    rows: &[ApprovalRow],
) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(pragma(sync));
    query.push(
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

async fn roots(
    tx: &mut SqliteConnection,
    sync: Option<Fsync>,
    partition: u32,
    rows: &[RootRow],
) -> Result<()> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(pragma(sync));
    query.push(
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

#[cfg(test)]
mod tests;
