//! Statements that read, on connections of their own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool};

use crate::row::{
    ApprovalRow, Cursor, Due, Filter, HistoryChunk, LogRow, MessageChunk, RootKey, RootKind,
    RootRow, RunRow, StateValue, WaitColumns,
};
use crate::sqlite::rows;
use crate::sqlite::write::{int, log_end, log_id, log_sequence, signed, unsigned};
use crate::{DuePage, QueueUse, Result};

/// Lists leave the states out.
const LISTED_ROOTS: &str = "SELECT namespace, root_id, kind, type_name, status, create_time,
     update_time, next_deadline, work_since, wait, wait_queue, unanswered_since, applied_sequence, x'' AS snapshot, summary
     FROM roots WHERE namespace = ";
/// Keys in one statement.
const KEYS_PER_STATEMENT: usize = 200;

pub(super) async fn log(
    pool: &SqlitePool,
    partition: u32,
    after: u64,
    max_bytes: usize,
) -> Result<Vec<LogRow>> {
    let mut rows = sqlx::query("SELECT id, payload FROM log WHERE id > ? AND id < ? ORDER BY id")
        .bind(log_id(partition, after))
        .bind(log_end(partition))
        .fetch(pool);
    let mut read = Vec::new();
    let mut bytes = 0;
    while (bytes < max_bytes || read.is_empty())
        && let Some(row) = rows.try_next().await?
    {
        let payload: &[u8] = row.try_get("payload")?;
        bytes += payload.len();
        read.push(LogRow {
            sequence: log_sequence(row.try_get("id")?),
            payload: Bytes::copy_from_slice(payload),
        });
    }
    Ok(read)
}

pub(super) async fn roots(
    pool: &SqlitePool,
    partition: u32,
    keys: Vec<RootKey>,
) -> Result<Vec<RootRow>> {
    let mut found = Vec::with_capacity(keys.len());
    for keys in keys.chunks(KEYS_PER_STATEMENT) {
        let wanted: HashSet<&RootKey> = keys.iter().collect();
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT * FROM roots WHERE partition = ");
        query.push_bind(i64::from(partition)).push(" AND hash IN (");
        let mut list = query.separated(", ");
        for key in keys {
            list.push_bind(signed(key.hash64()));
        }
        query.push(")");
        // One reader sees roots and values as they were at one time.
        let mut reader = pool.begin().await?;
        let mut ids = HashMap::with_capacity(keys.len());
        for row in query.build().fetch_all(&mut *reader).await? {
            let root = rows::root(&row)?;
            // Another one may have the same hash.
            if wanted.contains(&root.key) {
                ids.insert(row.try_get("id")?, found.len());
                found.push(root);
            }
        }
        for (id, value) in values(&mut reader, ids.keys()).await? {
            if let Some(root) = ids.get(&id).and_then(|at| found.get_mut(*at)) {
                root.values.push(value);
            }
        }
    }
    Ok(found)
}

/// The values of roots, by their rows.
async fn values(
    reader: &mut SqliteConnection,
    roots: impl ExactSizeIterator<Item = &i64>,
) -> Result<Vec<(i64, StateValue)>> {
    if roots.len() == 0 {
        return Ok(Vec::new());
    }
    let mut query: QueryBuilder<Sqlite> =
        QueryBuilder::new("SELECT root, version, payload FROM state_values WHERE root IN (");
    let mut list = query.separated(", ");
    for root in roots {
        list.push_bind(*root);
    }
    query.push(") ORDER BY root, version");
    let rows = query.build().fetch_all(reader).await?;
    rows.iter().map(rows::value).collect()
}

pub(super) async fn hashes(
    pool: &SqlitePool,
    partition: u32,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<u64>> {
    let Some(first) = after.map_or(Some(0), |after| after.checked_add(1)) else {
        return Ok(Vec::new());
    };
    // A hash that two roots share is listed once, so that the next page cannot
    // skip one of them.
    let rows = sqlx::query(
        "SELECT DISTINCT hash FROM roots WHERE partition = ? AND hash >= ? ORDER BY hash LIMIT ?",
    )
    .bind(i64::from(partition))
    .bind(signed(first))
    .bind(int(limit as u64))
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| Ok(unsigned(row.try_get(0)?)))
        .collect()
}

pub(super) async fn due(
    pool: &SqlitePool,
    partition: u32,
    due: Due,
    after: Option<Cursor>,
    limit: usize,
) -> Result<DuePage> {
    let (column, before) = match due {
        Due::Before(before) => ("next_deadline", Some(before)),
        Due::Work => ("work_since", None),
    };
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new("SELECT namespace, root_id, id, ");
    query
        .push(column)
        .push(" AS due FROM roots WHERE partition = ");
    query.push_bind(i64::from(partition));
    query.push(" AND ").push(column).push(" IS NOT NULL");
    if let Some(before) = before {
        query
            .push(" AND ")
            .push(column)
            .push(" < ")
            .push_bind(before);
    }
    if let Some(after) = &after {
        let id = after.id.as_slice().try_into().unwrap_or_default();
        query.push(" AND (").push(column).push(", id) > (");
        query.push_bind(after.time).push(", ");
        query.push_bind(i64::from_be_bytes(id)).push(")");
    }
    query.push(" ORDER BY ").push(column).push(", id LIMIT ");
    query.push_bind(int((limit as u64).saturating_add(1)));
    let rows = query.build().fetch_all(pool).await?;
    let read = |row: &SqliteRow| {
        let id: i64 = row.try_get("id")?;
        Ok(((rows::key(row)?, row.try_get("due")?), id))
    };
    let read = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let (read, next) = page(read, limit, |((_, time), id)| Cursor {
        time: *time,
        id: id.to_be_bytes().to_vec(),
    });
    Ok((read.into_iter().map(|(due, _)| due).collect(), next))
}

pub(super) async fn beginnings(
    pool: &SqlitePool,
    run_ids: Vec<[u8; 16]>,
    max_bytes: usize,
) -> Result<Vec<HistoryChunk>> {
    let mut read = Vec::with_capacity(run_ids.len());
    let mut bytes = 0;
    for run_ids in run_ids.chunks(KEYS_PER_STATEMENT) {
        let mut query: QueryBuilder<Sqlite> =
            QueryBuilder::new("SELECT * FROM history WHERE first_event_id = 1 AND run_id IN (");
        let mut list = query.separated(", ");
        for run_id in run_ids {
            list.push_bind(run_id.to_vec());
        }
        query.push(")");
        let mut rows = query.build().fetch(pool);
        while let Some(row) = rows.try_next().await? {
            let chunk = rows::history(&row)?;
            bytes += chunk.payload.len();
            if bytes > max_bytes && !read.is_empty() {
                return Ok(read);
            }
            read.push(chunk);
        }
    }
    Ok(read)
}

pub(super) async fn history(
    pool: &SqlitePool,
    run_id: [u8; 16],
    after: u64,
    max_bytes: usize,
) -> Result<Vec<HistoryChunk>> {
    let mut rows = sqlx::query(
        "SELECT * FROM history WHERE run_id = ? AND first_event_id >=
         coalesce((SELECT max(first_event_id) FROM history
                   WHERE run_id = ?1 AND first_event_id <= ?2), 0)
         AND last_event_id >= ?2 ORDER BY first_event_id",
    )
    .bind(run_id.to_vec())
    .bind(int(after.saturating_add(1)))
    .fetch(pool);
    let mut read = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        let chunk = rows::history(&row)?;
        bytes += chunk.payload.len();
        if bytes > max_bytes && !read.is_empty() {
            break;
        }
        read.push(chunk);
    }
    Ok(read)
}

pub(super) async fn messages(
    pool: &SqlitePool,
    key: RootKey,
    after: u64,
    max_bytes: usize,
) -> Result<Vec<MessageChunk>> {
    let mut rows = sqlx::query(
        "SELECT * FROM messages WHERE namespace = ?1 AND root_id = ?2 AND first_sequence >=
         coalesce((SELECT max(first_sequence) FROM messages
                   WHERE namespace = ?1 AND root_id = ?2 AND first_sequence <= ?3), 0)
         AND last_sequence >= ?3 ORDER BY first_sequence",
    )
    .bind(key.namespace.to_string())
    .bind(key.root_id.to_string())
    .bind(int(after.saturating_add(1)))
    .fetch(pool);
    let mut read = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        let chunk = rows::messages(&row)?;
        bytes += chunk.payload.len();
        if bytes > max_bytes && !read.is_empty() {
            break;
        }
        read.push(chunk);
    }
    Ok(read)
}

pub(super) async fn run(pool: &SqlitePool, run_id: [u8; 16]) -> Result<Option<RunRow>> {
    let row = sqlx::query("SELECT * FROM runs WHERE run_id = ?")
        .bind(run_id.to_vec())
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(rows::run).transpose()
}

pub(super) async fn latest_run(
    pool: &SqlitePool,
    namespace: Arc<str>,
    workflow_id: Arc<str>,
) -> Result<Option<RunRow>> {
    let row = sqlx::query(
        "SELECT * FROM runs WHERE namespace = ? AND workflow_id = ?
         ORDER BY start_time DESC, run_id DESC LIMIT 1",
    )
    .bind(namespace.to_string())
    .bind(workflow_id.to_string())
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(rows::run).transpose()
}

pub(super) async fn list_roots(
    pool: &SqlitePool,
    kind: RootKind,
    filter: Filter,
) -> Result<(Vec<RootRow>, Option<Cursor>)> {
    let mut query: QueryBuilder<Sqlite> = QueryBuilder::new(LISTED_ROOTS);
    query.push_bind(filter.namespace.to_string());
    query.push(" AND kind = ").push_bind(kind.code());
    restrict(&mut query, &filter);
    if let Some(after) = &filter.after {
        // Ids of roots are texts in SQLite's byte order.
        let id = String::from_utf8_lossy(&after.id).into_owned();
        query
            .push(" AND (create_time, root_id) < (")
            .push_bind(after.time);
        query.push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY create_time DESC, root_id DESC LIMIT ");
    query.push_bind(int((filter.limit as u64).saturating_add(1)));
    let rows = query.build().fetch_all(pool).await?;
    let read = rows.iter().map(rows::root).collect::<Result<Vec<_>>>()?;
    Ok(page(read, filter.limit, |row| Cursor {
        time: row.create_time,
        id: row.key.root_id.as_bytes().to_vec(),
    }))
}

pub(super) async fn list_runs(
    pool: &SqlitePool,
    filter: Filter,
) -> Result<(Vec<RunRow>, Option<Cursor>)> {
    let mut query: QueryBuilder<Sqlite> =
        QueryBuilder::new("SELECT * FROM runs WHERE namespace = ");
    query.push_bind(filter.namespace.to_string());
    restrict(&mut query, &filter);
    if let Some(after) = &filter.after {
        query
            .push(" AND (start_time, run_id) < (")
            .push_bind(after.time);
        query.push(", ").push_bind(after.id.clone()).push(")");
    }
    query.push(" ORDER BY start_time DESC, run_id DESC LIMIT ");
    query.push_bind(int((filter.limit as u64).saturating_add(1)));
    let rows = query.build().fetch_all(pool).await?;
    let read = rows.iter().map(rows::run).collect::<Result<Vec<_>>>()?;
    Ok(page(read, filter.limit, |row| Cursor {
        time: row.start_time,
        id: row.run_id.to_vec(),
    }))
}

pub(super) async fn list_approvals(
    pool: &SqlitePool,
    root_id: Option<Arc<str>>,
    filter: Filter,
) -> Result<(Vec<ApprovalRow>, Option<Cursor>)> {
    let mut query: QueryBuilder<Sqlite> =
        QueryBuilder::new("SELECT * FROM approvals WHERE namespace = ");
    query.push_bind(filter.namespace.to_string());
    if let Some(root_id) = root_id {
        query.push(" AND root_id = ").push_bind(root_id.to_string());
    }
    restrict(&mut query, &filter);
    if let Some(after) = &filter.after {
        // Ids of approvals are texts in SQLite's byte order.
        let id = String::from_utf8_lossy(&after.id).into_owned();
        query
            .push(" AND (request_time, approval_id) < (")
            .push_bind(after.time);
        query.push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY request_time DESC, approval_id DESC LIMIT ");
    query.push_bind(int((filter.limit as u64).saturating_add(1)));
    let rows = query.build().fetch_all(pool).await?;
    let read = rows
        .iter()
        .map(rows::approval)
        .collect::<Result<Vec<_>>>()?;
    Ok(page(read, filter.limit, |row| Cursor {
        time: row.request_time,
        id: row.approval_id.as_bytes().to_vec(),
    }))
}

fn restrict(query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    if let Some(type_name) = &filter.type_name {
        query
            .push(" AND type_name = ")
            .push_bind(type_name.to_string());
    }
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(i64::from(status));
    }
    if let Some(before) = filter.unanswered_before {
        query.push(" AND unanswered_since < ").push_bind(before);
    }
    if let Some(waits) = &filter.waits {
        query.push(" AND (wait IN (");
        let mut reasons = query.separated(", ");
        for reason in &waits.reasons {
            reasons.push_bind(i64::from(*reason));
        }
        query.push(")");
        if let Some((reason, queues)) = &waits.queued {
            query.push(" OR wait = ").push_bind(i64::from(*reason));
            query.push(" AND wait_queue IN (");
            let mut names = query.separated(", ");
            for queue in queues {
                names.push_bind(queue.to_string());
            }
            query.push(")");
        }
        query.push(")");
    }
}

pub(super) async fn count_waits(
    pool: &SqlitePool,
    partition: u32,
) -> Result<Vec<(RootKind, WaitColumns, u64)>> {
    let rows = sqlx::query(
        "SELECT kind, wait, wait_queue, min(unanswered_since) AS unanswered_since,
         count(*) AS count FROM roots
         WHERE partition = ? AND (wait > 0 OR unanswered_since IS NOT NULL)
         GROUP BY kind, wait, wait_queue, unanswered_since IS NULL",
    )
    .bind(i64::from(partition))
    .fetch_all(pool)
    .await?;
    let read = |row: &SqliteRow| {
        let kind = RootKind::from_code(row.try_get("kind")?);
        Ok((kind, rows::root_wait(row)?, rows::number(row, "count")?))
    };
    rows.iter().map(read).collect()
}

/// Cuts off the row that only shows that there is another page.
fn page<T>(
    mut rows: Vec<T>,
    limit: usize,
    cursor: impl Fn(&T) -> Cursor,
) -> (Vec<T>, Option<Cursor>) {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    (rows, next)
}

/// Stored number of the status of an open conversation.
const OPEN: i64 = 1;

pub(super) async fn used_queues(pool: &SqlitePool, namespace: Arc<str>) -> Result<Vec<QueueUse>> {
    let rows = sqlx::query(
        "SELECT DISTINCT wait_queue, type_name FROM roots
         WHERE namespace = ? AND kind = ? AND status = ? LIMIT 10000",
    )
    .bind(namespace.to_string())
    .bind(RootKind::Conversation.code())
    .bind(OPEN)
    .fetch_all(pool)
    .await?;
    let read = |row: &SqliteRow| {
        let queue = rows::text(row, "wait_queue")?;
        Ok((queue, rows::text(row, "type_name")?))
    };
    rows.iter().map(read).collect()
}
