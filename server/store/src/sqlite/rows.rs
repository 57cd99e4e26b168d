//! Rows as they come out of SQLite.

use std::sync::Arc;

use bytes::Bytes;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::Result;
use crate::error::Error;
use crate::row::{
    ApprovalRow, HistoryChunk, MessageChunk, RootKey, RootKind, RootRow, RunRow, StateValue,
    WaitColumns,
};

pub(super) fn text(row: &SqliteRow, column: &str) -> Result<Arc<str>> {
    Ok(row.try_get::<&str, _>(column)?.into())
}

pub(super) fn blob(row: &SqliteRow, column: &str) -> Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.try_get::<&[u8], _>(column)?))
}

pub(super) fn number(row: &SqliteRow, column: &str) -> Result<u64> {
    let value: i64 = row.try_get(column)?;
    u64::try_from(value).map_err(|_| Error::Corrupt(format!("{column} is negative")))
}

fn status(row: &SqliteRow) -> Result<u8> {
    let value: i64 = row.try_get("status")?;
    u8::try_from(value).map_err(|_| Error::Corrupt("status is out of range".into()))
}

fn run_id(row: &SqliteRow) -> Result<[u8; 16]> {
    let bytes: &[u8] = row.try_get("run_id")?;
    let wrong = |_| Error::Corrupt("a run id has not 16 bytes".into());
    bytes.try_into().map_err(wrong)
}

pub(super) fn key(row: &SqliteRow) -> Result<RootKey> {
    Ok(RootKey {
        namespace: text(row, "namespace")?,
        root_id: text(row, "root_id")?,
    })
}

pub(super) fn wait(row: &SqliteRow) -> Result<WaitColumns> {
    Ok(WaitColumns {
        reason: row.try_get::<i64, _>("wait")?.try_into().unwrap_or(0),
        queue: text(row, "wait_queue")?,
        unanswered_since: None,
    })
}

/// The same of a root, whose customer may wait for an answer.
pub(super) fn root_wait(row: &SqliteRow) -> Result<WaitColumns> {
    Ok(WaitColumns {
        unanswered_since: row.try_get("unanswered_since")?,
        ..wait(row)?
    })
}

pub(super) fn root(row: &SqliteRow) -> Result<RootRow> {
    Ok(RootRow {
        key: key(row)?,
        kind: RootKind::from_code(row.try_get("kind")?),
        type_name: text(row, "type_name")?,
        status: status(row)?,
        create_time: row.try_get("create_time")?,
        update_time: row.try_get("update_time")?,
        next_deadline: row.try_get("next_deadline")?,
        work_since: row.try_get("work_since")?,
        wait: root_wait(row)?,
        applied_sequence: number(row, "applied_sequence")?,
        snapshot: blob(row, "snapshot")?,
        values: Vec::new(),
        forgotten_values: Vec::new(),
        summary: blob(row, "summary")?,
    })
}

/// A value, and the row of the root that it belongs to.
pub(super) fn value(row: &SqliteRow) -> Result<(i64, StateValue)> {
    let value = StateValue {
        version: number(row, "version")?,
        payload: blob(row, "payload")?,
    };
    Ok((row.try_get("root")?, value))
}

pub(super) fn run(row: &SqliteRow) -> Result<RunRow> {
    let parent: Option<&str> = row.try_get("parent_workflow_id")?;
    Ok(RunRow {
        run_id: run_id(row)?,
        key: key(row)?,
        workflow_id: text(row, "workflow_id")?,
        type_name: text(row, "type_name")?,
        task_queue: text(row, "task_queue")?,
        status: status(row)?,
        parent_workflow_id: parent.map(Into::into),
        start_time: row.try_get("start_time")?,
        close_time: row.try_get("close_time")?,
        event_count: number(row, "event_count")?,
        wait: wait(row)?,
        detail: blob(row, "detail")?,
    })
}

pub(super) fn history(row: &SqliteRow) -> Result<HistoryChunk> {
    Ok(HistoryChunk {
        run_id: run_id(row)?,
        first_event_id: number(row, "first_event_id")?,
        last_event_id: number(row, "last_event_id")?,
        payload: blob(row, "payload")?,
    })
}

pub(super) fn messages(row: &SqliteRow) -> Result<MessageChunk> {
    Ok(MessageChunk {
        key: key(row)?,
        first_sequence: number(row, "first_sequence")?,
        last_sequence: number(row, "last_sequence")?,
        payload: blob(row, "payload")?,
    })
}

pub(super) fn approval(row: &SqliteRow) -> Result<ApprovalRow> {
    Ok(ApprovalRow {
        key: key(row)?,
        approval_id: text(row, "approval_id")?,
        status: status(row)?,
        request_time: row.try_get("request_time")?,
        detail: blob(row, "detail")?,
    })
}
