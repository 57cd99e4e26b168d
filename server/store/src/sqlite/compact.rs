//! Compaction: the file is written anew, so that bytes of removed rows, which
//! SQLite only marks as free, are gone from it and from its log.

use sqlx::Connection as _;

use crate::Result;
use crate::error::Error;
use crate::sqlite::SqliteOptions;
use crate::sqlite::open;

/// Compacts a file that nobody has open.
pub(super) async fn compact(options: &SqliteOptions) -> Result<(u64, u64)> {
    let size = || async {
        let found = tokio::fs::metadata(&options.path).await;
        found.map(|metadata| metadata.len())
    };
    let before = size().await.map_err(|error| {
        Error::Unusable(format!(
            "{} cannot be read: {error}",
            options.path.display()
        ))
    })?;
    let opened = open::open(options).await?;
    opened.readers.close().await;
    opened.checkpointer.close().await?;
    let mut writer = opened.writer;
    for statement in [
        "PRAGMA wal_checkpoint(TRUNCATE)",
        // VACUUM builds its copy there: in memory it could be too large.
        "PRAGMA temp_store = file",
        "VACUUM",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    ] {
        sqlx::query(statement).execute(&mut writer).await?;
    }
    writer.close().await?;
    let after = size().await.unwrap_or(before);
    Ok((before, after))
}
