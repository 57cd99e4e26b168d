//! Rows as they come out of a database.

use std::sync::Arc;

use bytes::Bytes;

use crate::Result;
use crate::error::Error;
use crate::row::{
    ApprovalRow, HistoryChunk, MessageChunk, RootKey, RootKind, RootRow, RunRow, StateValue,
    WaitColumns,
};

/// A row, whatever database it comes from.
pub(crate) trait Columns {
    /// A number.
    fn int(&self, column: &str) -> Result<i64>;
    /// A number, if there is one.
    fn int_if_any(&self, column: &str) -> Result<Option<i64>>;
    /// A text.
    fn text(&self, column: &str) -> Result<Arc<str>>;
    /// A text, if there is one.
    fn text_if_any(&self, column: &str) -> Result<Option<Arc<str>>>;
    /// Bytes.
    fn bytes(&self, column: &str) -> Result<&[u8]>;
}

/// Rows of a database, whose texts are stored as this function reads them.
macro_rules! columns {
    ($row:ty, $read_text:path) => {
        impl $crate::sql::rows::Columns for $row {
            fn int(&self, column: &str) -> $crate::Result<i64> {
                Ok(sqlx::Row::try_get(self, column)?)
            }
            fn int_if_any(&self, column: &str) -> $crate::Result<Option<i64>> {
                Ok(sqlx::Row::try_get(self, column)?)
            }
            fn text(&self, column: &str) -> $crate::Result<std::sync::Arc<str>> {
                let text: &str = sqlx::Row::try_get(self, column)?;
                Ok($read_text(text))
            }
            fn text_if_any(&self, column: &str) -> $crate::Result<Option<std::sync::Arc<str>>> {
                let text: Option<&str> = sqlx::Row::try_get(self, column)?;
                Ok(text.map($read_text))
            }
            fn bytes(&self, column: &str) -> $crate::Result<&[u8]> {
                Ok(sqlx::Row::try_get(self, column)?)
            }
        }
    };
}
pub(crate) use columns;

pub(crate) fn blob(row: &impl Columns, column: &str) -> Result<Bytes> {
    Ok(Bytes::copy_from_slice(row.bytes(column)?))
}

pub(crate) fn number(row: &impl Columns, column: &str) -> Result<u64> {
    let value = row.int(column)?;
    u64::try_from(value).map_err(|_| Error::Corrupt(format!("{column} is negative")))
}

fn status(row: &impl Columns) -> Result<u8> {
    let value = row.int("status")?;
    u8::try_from(value).map_err(|_| Error::Corrupt("status is out of range".into()))
}

fn run_id(row: &impl Columns) -> Result<[u8; 16]> {
    let bytes = row.bytes("run_id")?;
    let wrong = |_| Error::Corrupt("a run id has not 16 bytes".into());
    bytes.try_into().map_err(wrong)
}

pub(crate) fn key(row: &impl Columns) -> Result<RootKey> {
    Ok(RootKey {
        namespace: row.text("namespace")?,
        root_id: row.text("root_id")?,
    })
}

pub(crate) fn wait(row: &impl Columns) -> Result<WaitColumns> {
    Ok(WaitColumns {
        reason: row.int("wait")?.try_into().unwrap_or(0),
        queue: row.text("wait_queue")?,
        unanswered_since: None,
    })
}

/// The same of a root, whose customer may wait for an answer.
pub(crate) fn root_wait(row: &impl Columns) -> Result<WaitColumns> {
    Ok(WaitColumns {
        unanswered_since: row.int_if_any("unanswered_since")?,
        ..wait(row)?
    })
}

pub(crate) fn root(row: &impl Columns) -> Result<RootRow> {
    Ok(RootRow {
        key: key(row)?,
        kind: RootKind::from_code(row.int("kind")?),
        type_name: row.text("type_name")?,
        status: status(row)?,
        create_time: row.int("create_time")?,
        update_time: row.int("update_time")?,
        next_deadline: row.int_if_any("next_deadline")?,
        work_since: row.int_if_any("work_since")?,
        wait: root_wait(row)?,
        applied_sequence: number(row, "applied_sequence")?,
        snapshot: blob(row, "snapshot")?,
        values: Vec::new(),
        forgotten_values: Vec::new(),
        summary: blob(row, "summary")?,
    })
}

/// A value of a root's state.
pub(crate) fn value(row: &impl Columns, version: i64) -> Result<StateValue> {
    Ok(StateValue {
        version: version.unsigned_abs(),
        payload: blob(row, "payload")?,
    })
}

pub(crate) fn run(row: &impl Columns) -> Result<RunRow> {
    let parent_workflow_id = row.text_if_any("parent_workflow_id")?;
    Ok(RunRow {
        run_id: run_id(row)?,
        key: key(row)?,
        workflow_id: row.text("workflow_id")?,
        type_name: row.text("type_name")?,
        task_queue: row.text("task_queue")?,
        status: status(row)?,
        parent_workflow_id,
        start_time: row.int("start_time")?,
        close_time: row.int_if_any("close_time")?,
        event_count: number(row, "event_count")?,
        wait: wait(row)?,
        detail: blob(row, "detail")?,
    })
}

pub(crate) fn history(row: &impl Columns) -> Result<HistoryChunk> {
    Ok(HistoryChunk {
        run_id: run_id(row)?,
        first_event_id: number(row, "first_event_id")?,
        last_event_id: number(row, "last_event_id")?,
        payload: blob(row, "payload")?,
    })
}

pub(crate) fn messages(row: &impl Columns) -> Result<MessageChunk> {
    Ok(MessageChunk {
        key: key(row)?,
        first_sequence: number(row, "first_sequence")?,
        last_sequence: number(row, "last_sequence")?,
        payload: blob(row, "payload")?,
    })
}

pub(crate) fn approval(row: &impl Columns) -> Result<ApprovalRow> {
    Ok(ApprovalRow {
        key: key(row)?,
        approval_id: row.text("approval_id")?,
        status: status(row)?,
        request_time: row.int("request_time")?,
        detail: blob(row, "detail")?,
    })
}
