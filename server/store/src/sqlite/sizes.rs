//! What a file holds, by kind: rows and pages, as SQLite counts them
//! (<https://sqlite.org/dbstat.html>).

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::Result;
use crate::error::Error;
use crate::sqlite::{SqliteOptions, open};
use crate::stats::{KINDS, KindStats, StoreStats};

/// Reads the figures of a file, which a coordinator may have open: all of its
/// pages are looked at.
pub(super) async fn stats(options: &SqliteOptions) -> Result<StoreStats> {
    let path = open::resolve(&options.path);
    let connect = SqliteConnectOptions::new()
        .filename(&path)
        .busy_timeout(options.busy_timeout)
        .read_only(true);
    let mut connection = connect.connect().await?;
    let mut kinds = Vec::with_capacity(KINDS.len() + 1);
    let mut known = 0;
    for (kind, table) in KINDS {
        let bytes = bytes_of(&mut connection, table).await?;
        let rows = count(&mut connection, table).await?;
        known += bytes;
        kinds.push(KindStats { kind, rows, bytes });
    }
    let page_bytes = pragma(&mut connection, "PRAGMA page_size").await?;
    let free_bytes = page_bytes * pragma(&mut connection, "PRAGMA freelist_count").await?;
    let file_bytes = page_bytes * pragma(&mut connection, "PRAGMA page_count").await?;
    kinds.push(KindStats {
        kind: "other",
        rows: 0,
        bytes: file_bytes.saturating_sub(known + free_bytes),
    });
    connection.close().await?;
    let mut log = path.into_os_string();
    log.push("-wal");
    let write_ahead_bytes = tokio::fs::metadata(log).await.map_or(0, |it| it.len());
    Ok(StoreStats {
        kinds,
        free_bytes,
        file_bytes,
        write_ahead_bytes,
    })
}

/// Of a table and its indexes.
async fn bytes_of(connection: &mut SqliteConnection, table: &str) -> Result<u64> {
    let row = sqlx::query(
        "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE aggregate = TRUE AND name IN
         (SELECT name FROM sqlite_schema WHERE tbl_name = ?)",
    )
    .bind(table)
    .fetch_one(connection)
    .await?;
    number(row.try_get(0)?)
}

async fn count(connection: &mut SqliteConnection, table: &'static str) -> Result<u64> {
    let mut query = sqlx::QueryBuilder::<sqlx::Sqlite>::new("SELECT count(*) FROM ");
    query.push(table);
    number(query.build().fetch_one(connection).await?.try_get(0)?)
}

async fn pragma(connection: &mut SqliteConnection, pragma: &'static str) -> Result<u64> {
    number(
        sqlx::query(pragma)
            .fetch_one(connection)
            .await?
            .try_get(0)?,
    )
}

fn number(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(|_| Error::Corrupt("a size is negative".into()))
}
