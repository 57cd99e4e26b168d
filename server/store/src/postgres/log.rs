//! Reading the log.

use bytes::Bytes;
use futures::TryStreamExt as _;
use sqlx::{PgPool, Row as _};

use crate::Result;
use crate::row::LogRow;
use crate::sql::int;

/// Rows in one statement: PostgreSQL sends what was asked for, whether it is
/// read or not.
const ROWS_PER_STATEMENT: i64 = 64;

/// Rows after a sequence, as many as fit.
pub(super) async fn read(
    pool: &PgPool,
    partition: u32,
    after: u64,
    max_bytes: usize,
) -> Result<Vec<LogRow>> {
    let mut read = Vec::new();
    let mut bytes = 0;
    let mut after = int(after);
    loop {
        let mut rows = sqlx::query(
            "SELECT sequence, payload FROM log WHERE partition = $1 AND sequence > $2
             ORDER BY sequence LIMIT $3",
        )
        .bind(i64::from(partition))
        .bind(after)
        .bind(ROWS_PER_STATEMENT)
        .fetch(pool);
        let mut found = 0;
        while let Some(row) = rows.try_next().await? {
            if bytes >= max_bytes && !read.is_empty() {
                return Ok(read);
            }
            let payload: &[u8] = row.try_get("payload")?;
            after = row.try_get("sequence")?;
            bytes += payload.len();
            found += 1;
            read.push(LogRow {
                sequence: after.unsigned_abs(),
                payload: Bytes::copy_from_slice(payload),
            });
        }
        if found < ROWS_PER_STATEMENT || bytes >= max_bytes {
            return Ok(read);
        }
    }
}
