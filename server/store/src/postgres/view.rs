//! Statements that write the view. Each reads its fence `FOR SHARE` and does
//! nothing without it; a row that knows more than what is written stays.

use std::collections::BTreeMap;

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row as _};

use crate::Result;
use crate::error::Error;
use crate::postgres::text;
use crate::row::{ApprovalRow, HistoryChunk, MessageChunk, RootKey, RootRow, RunRow};
use crate::sql::{int, signed};

/// Rows of the log that one statement forgets.
const TRIMMED_PER_STATEMENT: i64 = 4_096;

/// Under which epoch of which partition something is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fence {
    pub partition: u32,
    pub epoch: u32,
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// A statement whose first line reads the fence: its partition is `$1`, its
/// epoch `$2`.
macro_rules! fenced {
    ($fence:expr, $written:literal) => {
        sqlx::query(concat!(
            "WITH fence AS MATERIALIZED (
                 SELECT FROM leases WHERE partition = $1 AND owner_epoch = $2 AND owner_epoch > 0
                 FOR SHARE
             ), ",
            $written,
            " SELECT (SELECT count(*) FROM fence) AS fence"
        ))
        .bind(i64::from($fence.partition))
        .bind(i64::from($fence.epoch))
    };
}

/// Carries a statement out.
///
/// # Errors
/// `OwnershipLost` when its fence did not hold.
async fn execute(
    connection: &mut PgConnection,
    fence: Fence,
    statement: Statement<'_>,
) -> Result<PgRow> {
    let row = statement.fetch_one(&mut *connection).await?;
    if row.try_get::<i64, _>("fence")? == 1 {
        return Ok(row);
    }
    let current: Option<i64> =
        sqlx::query_scalar("SELECT owner_epoch FROM leases WHERE partition = $1")
            .bind(i64::from(fence.partition))
            .fetch_optional(connection)
            .await?;
    Err(Error::OwnershipLost {
        partition: fence.partition,
        ours: fence.epoch,
        current: current.map_or(0, |epoch| u32::try_from(epoch).unwrap_or(0)),
    })
}

pub(super) async fn history(
    connection: &mut PgConnection,
    fence: Fence,
    rows: &[HistoryChunk],
) -> Result<()> {
    let statement = fenced!(
        fence,
        "written AS (
             INSERT INTO history (run_id, first_event_id, last_event_id, payload)
             SELECT * FROM UNNEST($3::bytea[], $4::bigint[], $5::bigint[], $6::bytea[])
             WHERE EXISTS (SELECT FROM fence)
             ON CONFLICT (run_id, first_event_id) DO UPDATE
             SET last_event_id = excluded.last_event_id, payload = excluded.payload
             WHERE history.last_event_id <= excluded.last_event_id
         )"
    )
    .bind(all(rows, |row| &row.run_id[..]))
    .bind(all(rows, |row| int(row.first_event_id)))
    .bind(all(rows, |row| int(row.last_event_id)))
    .bind(all(rows, |row| &row.payload[..]));
    execute(connection, fence, statement).await.map(drop)
}

pub(super) async fn messages(
    connection: &mut PgConnection,
    fence: Fence,
    rows: &[MessageChunk],
) -> Result<()> {
    let statement = fenced!(
        fence,
        "written AS (
             INSERT INTO messages (namespace, root_id, first_sequence, last_sequence, payload)
             SELECT * FROM UNNEST($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bytea[])
             WHERE EXISTS (SELECT FROM fence)
             ON CONFLICT (namespace, root_id, first_sequence) DO UPDATE
             SET last_sequence = excluded.last_sequence, payload = excluded.payload
             WHERE messages.last_sequence <= excluded.last_sequence
         )"
    )
    .bind(all(rows, |row| text::write(&row.key.namespace)))
    .bind(all(rows, |row| text::write(&row.key.root_id)))
    .bind(all(rows, |row| int(row.first_sequence)))
    .bind(all(rows, |row| int(row.last_sequence)))
    .bind(all(rows, |row| &row.payload[..]));
    execute(connection, fence, statement).await.map(drop)
}

pub(super) async fn runs(
    connection: &mut PgConnection,
    fence: Fence,
    rows: &[RunRow],
) -> Result<()> {
    let statement = fenced!(
        fence,
        "written AS (
             INSERT INTO runs (run_id, namespace, root_id, workflow_id, type_name, task_queue,
                 status, parent_workflow_id, start_time, close_time, event_count, wait, wait_queue,
                 detail)
             SELECT * FROM UNNEST($3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[],
                 $8::text[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[],
                 $13::bigint[], $14::bigint[], $15::text[], $16::bytea[])
             WHERE EXISTS (SELECT FROM fence)
             ON CONFLICT (run_id) DO UPDATE SET status = excluded.status,
                 close_time = excluded.close_time, event_count = excluded.event_count,
                 wait = excluded.wait, wait_queue = excluded.wait_queue, detail = excluded.detail
             WHERE runs.event_count <= excluded.event_count
         )"
    )
    .bind(all(rows, |row| &row.run_id[..]))
    .bind(all(rows, |row| text::write(&row.key.namespace)))
    .bind(all(rows, |row| text::write(&row.key.root_id)))
    .bind(all(rows, |row| text::write(&row.workflow_id)))
    .bind(all(rows, |row| text::write(&row.type_name)))
    .bind(all(rows, |row| text::write(&row.task_queue)))
    .bind(all(rows, |row| i64::from(row.status)))
    .bind(all(rows, |row| {
        row.parent_workflow_id.as_deref().map(text::write)
    }))
    .bind(all(rows, |row| row.start_time))
    .bind(all(rows, |row| row.close_time))
    .bind(all(rows, |row| int(row.event_count)))
    .bind(all(rows, |row| i64::from(row.wait.reason)))
    .bind(all(rows, |row| text::write(&row.wait.queue)))
    .bind(all(rows, |row| &row.detail[..]));
    execute(connection, fence, statement).await.map(drop)
}

pub(super) async fn approvals(
    connection: &mut PgConnection,
    fence: Fence,
    rows: &[ApprovalRow],
) -> Result<()> {
    // One statement changes a row once: the last of several with an id.
    let last: BTreeMap<_, _> = rows
        .iter()
        .map(|row| ((&row.key.namespace, &row.approval_id), row))
        .collect();
    let rows: Vec<&ApprovalRow> = last.into_values().collect();
    let statement = fenced!(
        fence,
        "written AS (
             INSERT INTO approvals (namespace, approval_id, root_id, status, request_time, detail)
             SELECT * FROM UNNEST($3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                 $8::bytea[])
             WHERE EXISTS (SELECT FROM fence)
             ON CONFLICT (namespace, approval_id) DO UPDATE SET root_id = excluded.root_id,
                 status = excluded.status, request_time = excluded.request_time,
                 detail = excluded.detail
             WHERE (approvals.request_time, approvals.status)
                 <= (excluded.request_time, excluded.status)
         )"
    )
    .bind(all(&rows, |row| text::write(&row.key.namespace)))
    .bind(all(&rows, |row| text::write(&row.approval_id)))
    .bind(all(&rows, |row| text::write(&row.key.root_id)))
    .bind(all(&rows, |row| i64::from(row.status)))
    .bind(all(&rows, |row| row.request_time))
    .bind(all(&rows, |row| &row.detail[..]));
    execute(connection, fence, statement).await.map(drop)
}

/// Roots, together with the values of their states that are stored apart: no
/// root ever names one that is not there.
pub(super) async fn roots(
    connection: &mut PgConnection,
    fence: Fence,
    rows: &[RootRow],
) -> Result<()> {
    let new = rows
        .iter()
        .flat_map(|row| row.values.iter().map(|it| (&row.key, it)));
    let new: Vec<_> = new.collect();
    let gone = rows
        .iter()
        .flat_map(|row| row.forgotten_values.iter().map(|it| (&row.key, *it)));
    let gone: Vec<_> = gone.collect();
    let statement = fenced!(
        fence,
        "written AS (
             INSERT INTO roots (partition, hash, namespace, root_id, kind, type_name, status,
                 create_time, update_time, next_deadline, work_since, unanswered_since, wait,
                 wait_queue, applied_sequence, snapshot, summary)
             SELECT $1, * FROM UNNEST($3::bigint[], $4::text[], $5::text[], $6::bigint[],
                 $7::text[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
                 $12::bigint[], $13::bigint[], $14::bigint[], $15::text[], $16::bigint[],
                 $17::bytea[], $18::bytea[])
             WHERE EXISTS (SELECT FROM fence)
             ON CONFLICT (namespace, root_id) DO UPDATE SET kind = excluded.kind,
                 type_name = excluded.type_name, status = excluded.status,
                 update_time = excluded.update_time, next_deadline = excluded.next_deadline,
                 work_since = excluded.work_since, unanswered_since = excluded.unanswered_since,
                 wait = excluded.wait, wait_queue = excluded.wait_queue,
                 applied_sequence = excluded.applied_sequence, snapshot = excluded.snapshot,
                 summary = excluded.summary
             WHERE roots.applied_sequence <= excluded.applied_sequence
             RETURNING id, namespace, root_id
         ), new_values AS (
             INSERT INTO state_values (root, version, payload)
             SELECT written.id, new.version, new.payload
             FROM UNNEST($19::text[], $20::text[], $21::bigint[], $22::bytea[])
                 AS new (namespace, root_id, version, payload)
             JOIN written USING (namespace, root_id)
             ON CONFLICT (root, version) DO NOTHING
         ), gone_values AS (
             DELETE FROM state_values USING written,
                 UNNEST($23::text[], $24::text[], $25::bigint[]) AS gone (namespace, root_id, version)
             WHERE written.namespace = gone.namespace AND written.root_id = gone.root_id
                 AND state_values.root = written.id AND state_values.version = gone.version
         )"
    )
    .bind(all(rows, |row| signed(row.key.hash64())))
    .bind(all(rows, |row| text::write(&row.key.namespace)))
    .bind(all(rows, |row| text::write(&row.key.root_id)))
    .bind(all(rows, |row| row.kind.code()))
    .bind(all(rows, |row| text::write(&row.type_name)))
    .bind(all(rows, |row| i64::from(row.status)))
    .bind(all(rows, |row| row.create_time))
    .bind(all(rows, |row| row.update_time))
    .bind(all(rows, |row| row.next_deadline))
    .bind(all(rows, |row| row.work_since))
    .bind(all(rows, |row| row.wait.unanswered_since))
    .bind(all(rows, |row| i64::from(row.wait.reason)))
    .bind(all(rows, |row| text::write(&row.wait.queue)))
    .bind(all(rows, |row| int(row.applied_sequence)))
    .bind(all(rows, |row| &row.snapshot[..]))
    .bind(all(rows, |row| &row.summary[..]))
    .bind(all(&new, |(key, _)| text::write(&key.namespace)))
    .bind(all(&new, |(key, _)| text::write(&key.root_id)))
    .bind(all(&new, |(_, value)| int(value.version)))
    .bind(all(&new, |(_, value)| &value.payload[..]))
    .bind(all(&gone, |(key, _)| text::write(&key.namespace)))
    .bind(all(&gone, |(key, _)| text::write(&key.root_id)))
    .bind(all(&gone, |(_, version)| int(*version)));
    execute(connection, fence, statement).await.map(drop)
}

/// Writes nothing, under a fence.
pub(super) async fn nothing(connection: &mut PgConnection, fence: Fence) -> Result<()> {
    let statement = fenced!(fence, "written AS (SELECT)");
    execute(connection, fence, statement).await.map(drop)
}

/// Removes everything below a root.
pub(super) async fn erase(
    connection: &mut PgConnection,
    fence: Fence,
    key: &RootKey,
) -> Result<()> {
    let statement = fenced!(
        fence,
        "erased_values AS (
             DELETE FROM state_values WHERE EXISTS (SELECT FROM fence) AND root =
             (SELECT id FROM roots WHERE namespace = $3 AND root_id = $4)
         ), erased_history AS (
             DELETE FROM history WHERE EXISTS (SELECT FROM fence) AND run_id IN
             (SELECT run_id FROM runs WHERE namespace = $3 AND root_id = $4)
         ), erased_runs AS (
             DELETE FROM runs
             WHERE EXISTS (SELECT FROM fence) AND namespace = $3 AND root_id = $4
         ), erased_messages AS (
             DELETE FROM messages
             WHERE EXISTS (SELECT FROM fence) AND namespace = $3 AND root_id = $4
         ), erased_approvals AS (
             DELETE FROM approvals
             WHERE EXISTS (SELECT FROM fence) AND namespace = $3 AND root_id = $4
         )"
    )
    .bind(text::write(&key.namespace))
    .bind(text::write(&key.root_id));
    execute(connection, fence, statement).await.map(drop)
}

/// Forgets a bounded part of the log; whether that was all. The end of the log
/// is noted with it: it must survive its rows. It never goes beyond the log.
pub(super) async fn trim(
    connection: &mut PgConnection,
    fence: Fence,
    through: u64,
) -> Result<bool> {
    let statement = fenced!(
        fence,
        "noted AS (
             UPDATE log_ends SET last_sequence = ends.last
             FROM (SELECT least($3, max(sequence)) AS last FROM log WHERE partition = $1) ends
             WHERE EXISTS (SELECT FROM fence) AND partition = $1 AND ends.last > last_sequence
         ), trimmed AS (
             DELETE FROM log WHERE EXISTS (SELECT FROM fence) AND partition = $1 AND sequence = ANY(
                 ARRAY(SELECT sequence FROM log WHERE partition = $1 AND sequence <= $3
                       ORDER BY sequence LIMIT $4))
         )"
    )
    .bind(int(through))
    .bind(TRIMMED_PER_STATEMENT);
    execute(connection, fence, statement).await?;
    let left: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM log WHERE partition = $1 AND sequence <= $2)",
    )
    .bind(i64::from(fence.partition))
    .bind(int(through))
    .fetch_one(connection)
    .await?;
    Ok(!left)
}

/// One value of each row.
fn all<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
