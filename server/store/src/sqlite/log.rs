//! Reading the log: partition and sequence are one number in SQLite.

use bytes::Bytes;
use futures::TryStreamExt as _;
use sqlx::{Row as _, SqlitePool};

use crate::Result;
use crate::row::LogRow;
use crate::sqlite::write::{log_end, log_id, log_sequence};

/// Rows after a sequence, as many as fit.
pub(super) async fn read(
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
