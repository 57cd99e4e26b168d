//! Whose file it is: ours carries an application id, and nobody else's gets
//! our tables.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::Result;
use crate::error::Error;

/// "EVTN", in the header of our files
/// (<https://sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i32 = 0x4556_544e;
/// Tables that files of ours had before they carried the id.
const OUR_TABLES: [&str; 4] = ["_sqlx_migrations", "log", "partitions", "roots"];
/// Tables of a foreign file that are named.
const NAMED_TABLES: usize = 5;

/// Makes sure that a file is ours, or new, before anything is changed in it.
///
/// # Errors
/// `Unusable`, with what the file is, when it is of another application;
/// `Corrupt` when it is no database.
pub(super) async fn check(path: &Path) -> Result<()> {
    if std::fs::metadata(path).map_or(0, |metadata| metadata.len()) == 0 {
        return Ok(());
    }
    // Without settings: they would be written to the file.
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .connect()
        .await?;
    let id = application_id(&mut connection).await?;
    let tables = sqlx::query("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .fetch_all(&mut connection)
        .await?
        .iter()
        .map(|row| row.try_get::<String, _>(0))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    connection.close().await?;
    let is_before = OUR_TABLES
        .iter()
        .all(|ours| tables.iter().any(|table| table == ours));
    if id == APPLICATION_ID || (id == 0 && (tables.is_empty() || is_before)) {
        return Ok(());
    }
    let named = tables[..tables.len().min(NAMED_TABLES)].join(", ");
    let more = tables.len().saturating_sub(NAMED_TABLES);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Err(Error::Unusable(format!(
        "{} is a SQLite database of another application (application id {id:#010x}, tables: {named}{more}): \
         name another file",
        path.display()
    )))
}

/// Marks a file as ours, once.
pub(super) async fn stamp(connection: &mut SqliteConnection) -> Result<()> {
    if application_id(connection).await? != APPLICATION_ID {
        let statement = format!("PRAGMA application_id = {APPLICATION_ID}");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn application_id(connection: &mut SqliteConnection) -> Result<i32> {
    let row = sqlx::query("PRAGMA application_id")
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}
