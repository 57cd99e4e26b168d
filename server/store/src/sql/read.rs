//! Statements that read the view: the same for all SQL databases.

use std::collections::HashSet;
use std::sync::Arc;

use futures::TryStreamExt as _;
use sqlx::Pool;

use crate::row::{
    ApprovalRow, Cursor, Due, Filter, HistoryChunk, MessageChunk, RootKey, RootKind, RootRow,
    RunRow, WaitColumns,
};
use crate::sql::rows::Columns as _;
use crate::sql::statement::Statement;
use crate::sql::{Sql, int, rows, signed, unsigned};
use crate::{DuePage, QueueUse, Result};

/// Keys in one statement.
const KEYS_PER_STATEMENT: usize = 200;

pub(crate) async fn roots<DB: Sql>(
    pool: &Pool<DB>,
    partition: u32,
    keys: Vec<RootKey>,
) -> Result<Vec<RootRow>> {
    let mut found: Vec<RootRow> = Vec::with_capacity(keys.len());
    for keys in keys.chunks(KEYS_PER_STATEMENT) {
        let wanted: HashSet<&RootKey> = keys.iter().collect();
        // Roots and their values in one statement, as they are at one time. A
        // root with values apart is small itself.
        let rows = Statement::<DB>::new(
            "SELECT roots.*, state_values.version, state_values.payload FROM roots
             LEFT JOIN state_values ON state_values.root = roots.id WHERE partition = ",
        )
        .int(partition)
        .sql(" AND hash")
        .one_of_ints(keys.iter().map(|key| signed(key.hash64())))
        .sql(" ORDER BY roots.id, version")
        .rows(pool)
        .await?;
        let read = with_values(&rows)?.into_iter().map(|(_, root)| root);
        // Another one may have the same hash.
        found.extend(read.filter(|root| wanted.contains(&root.key)));
    }
    Ok(found)
}

/// Roots, each in as many rows as it has values, with their ids.
pub(crate) fn with_values(rows: &[impl rows::Columns]) -> Result<Vec<(i64, RootRow)>> {
    let mut found: Vec<(i64, RootRow)> = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.int("id")?;
        if found.last().is_none_or(|(last, _)| *last != id) {
            found.push((id, rows::root(row)?));
        }
        if let (Some((_, root)), Some(version)) = (found.last_mut(), row.int_if_any("version")?) {
            root.values.push(rows::value(row, version)?);
        }
    }
    Ok(found)
}

pub(crate) async fn hashes<DB: Sql>(
    pool: &Pool<DB>,
    partition: u32,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<u64>> {
    let Some(first) = after.map_or(Some(0), |after| after.checked_add(1)) else {
        return Ok(Vec::new());
    };
    // A hash that two roots share is listed once, so that the next page cannot
    // skip one of them.
    let rows = Statement::<DB>::new("SELECT DISTINCT hash FROM roots WHERE partition = ")
        .int(partition)
        .sql(" AND hash >= ")
        .int(signed(first))
        .sql(" ORDER BY hash LIMIT ")
        .int(int(limit as u64))
        .rows(pool)
        .await?;
    let hash = |row: &DB::Row| Ok(unsigned(row.int("hash")?));
    rows.iter().map(hash).collect()
}

pub(crate) async fn due<DB: Sql>(
    pool: &Pool<DB>,
    partition: u32,
    due: Due,
    after: Option<Cursor>,
    limit: usize,
) -> Result<DuePage> {
    let (column, before) = match due {
        Due::Before(before) => ("next_deadline", Some(before)),
        Due::Work => ("work_since", None),
    };
    let mut query = Statement::<DB>::new("SELECT namespace, root_id, id, ")
        .sql(column)
        .sql(" AS due FROM roots WHERE partition = ")
        .int(partition)
        .sql(" AND ")
        .sql(column)
        .sql(" IS NOT NULL");
    if let Some(before) = before {
        query = query.sql(" AND ").sql(column).sql(" < ").int(before);
    }
    if let Some(after) = &after {
        let id = after.id.as_slice().try_into().unwrap_or_default();
        query = query.sql(" AND (").sql(column).sql(", id) > (");
        query = query.int(after.time).sql(", ");
        query = query.int(i64::from_be_bytes(id)).sql(")");
    }
    let query = query.sql(" ORDER BY ").sql(column).sql(", id LIMIT ");
    let rows = query.int(one_more(limit)).rows(pool).await?;
    let read = |row: &DB::Row| Ok(((rows::key(row)?, row.int("due")?), row.int("id")?));
    let read = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let (read, next) = page(read, limit, |((_, time), id)| Cursor {
        time: *time,
        id: id.to_be_bytes().to_vec(),
    });
    Ok((read.into_iter().map(|(due, _)| due).collect(), next))
}

pub(crate) async fn beginnings<DB: Sql>(
    pool: &Pool<DB>,
    run_ids: Vec<[u8; 16]>,
    max_bytes: usize,
) -> Result<Vec<HistoryChunk>> {
    let mut read = Vec::with_capacity(run_ids.len());
    let mut bytes = 0;
    for run_ids in run_ids.chunks(KEYS_PER_STATEMENT) {
        let run_ids = run_ids.iter().map(|run_id| run_id.to_vec());
        let mut query =
            Statement::<DB>::new("SELECT * FROM history WHERE first_event_id = 1 AND run_id")
                .one_of_bytes(run_ids);
        let mut rows = query.stream(pool);
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

pub(crate) async fn history<DB: Sql>(
    pool: &Pool<DB>,
    run_id: [u8; 16],
    after: u64,
    max_bytes: usize,
) -> Result<Vec<HistoryChunk>> {
    let first = int(after.saturating_add(1));
    let query = Statement::<DB>::new("SELECT * FROM history WHERE run_id = ")
        .bytes(&run_id)
        .sql(
            " AND first_event_id >=
             coalesce((SELECT max(first_event_id) FROM history WHERE run_id = ",
        )
        .bytes(&run_id)
        .sql(" AND first_event_id <= ")
        .int(first)
        .sql("), 0) AND last_event_id >= ")
        .int(first)
        .sql(" ORDER BY first_event_id");
    chunks(pool, query, max_bytes, rows::history, |it| it.payload.len()).await
}

pub(crate) async fn messages<DB: Sql>(
    pool: &Pool<DB>,
    key: RootKey,
    after: u64,
    max_bytes: usize,
) -> Result<Vec<MessageChunk>> {
    let first = int(after.saturating_add(1));
    let query = Statement::<DB>::new("SELECT * FROM messages WHERE namespace = ")
        .text(&key.namespace)
        .sql(" AND root_id = ")
        .text(&key.root_id)
        .sql(
            " AND first_sequence >=
             coalesce((SELECT max(first_sequence) FROM messages WHERE namespace = ",
        )
        .text(&key.namespace)
        .sql(" AND root_id = ")
        .text(&key.root_id)
        .sql(" AND first_sequence <= ")
        .int(first)
        .sql("), 0) AND last_sequence >= ")
        .int(first)
        .sql(" ORDER BY first_sequence");
    chunks(pool, query, max_bytes, rows::messages, |it| {
        it.payload.len()
    })
    .await
}

/// The first chunk, and as many more as fit.
async fn chunks<DB: Sql, T>(
    pool: &Pool<DB>,
    mut query: Statement<DB>,
    max_bytes: usize,
    read_one: impl Fn(&DB::Row) -> Result<T>,
    bytes_of: impl Fn(&T) -> usize,
) -> Result<Vec<T>> {
    let mut rows = query.stream(pool);
    let mut read = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await? {
        let chunk = read_one(&row)?;
        bytes += bytes_of(&chunk);
        if bytes > max_bytes && !read.is_empty() {
            break;
        }
        read.push(chunk);
    }
    Ok(read)
}

pub(crate) async fn run<DB: Sql>(pool: &Pool<DB>, run_id: [u8; 16]) -> Result<Option<RunRow>> {
    let query = Statement::<DB>::new("SELECT * FROM runs WHERE run_id = ").bytes(&run_id);
    query.row(pool).await?.as_ref().map(rows::run).transpose()
}

pub(crate) async fn latest_run<DB: Sql>(
    pool: &Pool<DB>,
    namespace: Arc<str>,
    workflow_id: Arc<str>,
) -> Result<Option<RunRow>> {
    let query = Statement::<DB>::new("SELECT * FROM runs WHERE namespace = ")
        .text(&namespace)
        .sql(" AND workflow_id = ")
        .text(&workflow_id)
        .sql(" ORDER BY start_time DESC, run_id DESC LIMIT 1");
    query.row(pool).await?.as_ref().map(rows::run).transpose()
}

pub(crate) async fn list_roots<DB: Sql>(
    pool: &Pool<DB>,
    kind: RootKind,
    filter: Filter,
) -> Result<(Vec<RootRow>, Option<Cursor>)> {
    // Lists leave the states out.
    let query = Statement::<DB>::new(
        "SELECT namespace, root_id, kind, type_name, status, create_time, update_time,
         next_deadline, work_since, wait, wait_queue, unanswered_since, applied_sequence, ",
    )
    .sql(DB::NO_BYTES)
    .sql(" AS snapshot, summary FROM roots WHERE namespace = ")
    .text(&filter.namespace)
    .sql(" AND kind = ")
    .int(kind.code());
    let mut query = restrict(query, &filter);
    if let Some(after) = &filter.after {
        // Ids of roots are texts in the order of their bytes.
        query = query.sql(" AND (create_time, root_id) < (").int(after.time);
        let id = String::from_utf8_lossy(&after.id);
        query = query.sql(", ").text(&id).sql(")");
    }
    let query = query.sql(" ORDER BY create_time DESC, root_id DESC LIMIT ");
    let rows = query.int(one_more(filter.limit)).rows(pool).await?;
    let read = rows.iter().map(rows::root).collect::<Result<Vec<_>>>()?;
    Ok(page(read, filter.limit, |row| Cursor {
        time: row.create_time,
        id: row.key.root_id.as_bytes().to_vec(),
    }))
}

pub(crate) async fn list_runs<DB: Sql>(
    pool: &Pool<DB>,
    filter: Filter,
) -> Result<(Vec<RunRow>, Option<Cursor>)> {
    let query =
        Statement::<DB>::new("SELECT * FROM runs WHERE namespace = ").text(&filter.namespace);
    let mut query = restrict(query, &filter);
    if let Some(after) = &filter.after {
        query = query.sql(" AND (start_time, run_id) < (").int(after.time);
        query = query.sql(", ").bytes(&after.id).sql(")");
    }
    let query = query.sql(" ORDER BY start_time DESC, run_id DESC LIMIT ");
    let rows = query.int(one_more(filter.limit)).rows(pool).await?;
    let read = rows.iter().map(rows::run).collect::<Result<Vec<_>>>()?;
    Ok(page(read, filter.limit, |row| Cursor {
        time: row.start_time,
        id: row.run_id.to_vec(),
    }))
}

pub(crate) async fn list_approvals<DB: Sql>(
    pool: &Pool<DB>,
    root_id: Option<Arc<str>>,
    filter: Filter,
) -> Result<(Vec<ApprovalRow>, Option<Cursor>)> {
    let mut query =
        Statement::<DB>::new("SELECT * FROM approvals WHERE namespace = ").text(&filter.namespace);
    if let Some(root_id) = root_id {
        query = query.sql(" AND root_id = ").text(&root_id);
    }
    let mut query = restrict(query, &filter);
    if let Some(after) = &filter.after {
        // Ids of approvals are texts in the order of their bytes.
        query = query
            .sql(" AND (request_time, approval_id) < (")
            .int(after.time);
        let id = String::from_utf8_lossy(&after.id);
        query = query.sql(", ").text(&id).sql(")");
    }
    let query = query.sql(" ORDER BY request_time DESC, approval_id DESC LIMIT ");
    let rows = query.int(one_more(filter.limit)).rows(pool).await?;
    let read = rows
        .iter()
        .map(rows::approval)
        .collect::<Result<Vec<_>>>()?;
    Ok(page(read, filter.limit, |row| Cursor {
        time: row.request_time,
        id: row.approval_id.as_bytes().to_vec(),
    }))
}

fn restrict<DB: Sql>(mut query: Statement<DB>, filter: &Filter) -> Statement<DB> {
    if let Some(type_name) = &filter.type_name {
        query = query.sql(" AND type_name = ").text(type_name);
    }
    if let Some(status) = filter.status {
        query = query.sql(" AND status = ").int(status);
    }
    if let Some(before) = filter.unanswered_before {
        query = query.sql(" AND unanswered_since < ").int(before);
    }
    if let Some(waits) = &filter.waits {
        let reasons = waits.reasons.iter().map(|reason| i64::from(*reason));
        query = query.sql(" AND (wait").one_of_ints(reasons);
        if let Some((reason, queues)) = &waits.queued {
            query = query.sql(" OR wait = ").int(*reason);
            let queues = queues.iter().map(ToString::to_string);
            query = query.sql(" AND wait_queue").one_of_texts(queues);
        }
        query = query.sql(")");
    }
    query
}

pub(crate) async fn count_waits<DB: Sql>(
    pool: &Pool<DB>,
    partition: u32,
) -> Result<Vec<(RootKind, WaitColumns, u64)>> {
    let query = Statement::<DB>::new(
        "SELECT kind, wait, wait_queue, min(unanswered_since) AS unanswered_since,
         count(*) AS count FROM roots WHERE partition = ",
    )
    .int(partition)
    .sql(
        " AND (wait > 0 OR unanswered_since IS NOT NULL)
         GROUP BY kind, wait, wait_queue, unanswered_since IS NULL",
    );
    let read = |row: &DB::Row| {
        let kind = RootKind::from_code(row.int("kind")?);
        Ok((kind, rows::root_wait(row)?, rows::number(row, "count")?))
    };
    query.rows(pool).await?.iter().map(read).collect()
}

/// How many rows show whether there is another page.
fn one_more(limit: usize) -> i64 {
    int((limit as u64).saturating_add(1))
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

pub(crate) async fn used_queues<DB: Sql>(
    pool: &Pool<DB>,
    namespace: Arc<str>,
) -> Result<Vec<QueueUse>> {
    let query =
        Statement::<DB>::new("SELECT DISTINCT wait_queue, type_name FROM roots WHERE namespace = ")
            .text(&namespace)
            .sql(" AND kind = ")
            .int(RootKind::Conversation.code())
            .sql(" AND status = ")
            .int(OPEN)
            .sql(" LIMIT 10000");
    let read = |row: &DB::Row| {
        let queue = row.text("wait_queue")?;
        Ok((queue, row.text("type_name")?))
    };
    query.rows(pool).await?.iter().map(read).collect()
}
