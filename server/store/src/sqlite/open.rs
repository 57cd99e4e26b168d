//! Opening: the lock, the connections, the tables, the partitions.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Row as _, SqlitePool};

use crate::Result;
use crate::error::Error;
use crate::sqlite::{SqliteOptions, identity};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/sqlite");

/// Partitions of a new database unless told otherwise.
const DEFAULT_PARTITIONS: u32 = 4;
/// Most partitions of a database.
const MAX_PARTITIONS: u32 = 1_024;
/// Statements that a connection keeps prepared.
const PREPARED_STATEMENTS: usize = 256;
/// How often it is tried to have the file alone, and how far apart.
const LOCK_ATTEMPTS: (u32, Duration) = (10, Duration::from_millis(50));

/// An open database.
pub(super) struct Opened {
    pub partitions: u32,
    pub writer: SqliteConnection,
    pub checkpointer: SqliteConnection,
    pub readers: SqlitePool,
    pub lock: File,
}

/// Opens a database.
pub(super) async fn open(options: &SqliteOptions) -> Result<Opened> {
    let path = resolve(&options.path);
    let lock = lock(&path).await?;
    identity::check(&path).await?;
    let connect = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.busy_timeout)
        .statement_cache_capacity(PREPARED_STATEMENTS)
        // Writing back on the committing connection would stall commits.
        .pragma("wal_autocheckpoint", "0")
        // After a burst the file shrinks again.
        .pragma(
            "journal_size_limit",
            (2 * options.checkpoint_bytes).to_string(),
        )
        // In KiB. More would not be faster: each commit looks through it.
        .pragma("cache_size", "-16384")
        .pragma("temp_store", "memory");
    let mut writer = connect.connect().await?;
    // Not `run`: with that the compiler does not see that the future may move
    // between threads.
    let migrated = MIGRATIONS.run_direct(None, &mut writer, false).await;
    migrated.map_err(unmigrated)?;
    identity::stamp(&mut writer).await?;
    let partitions = settle_partitions(&mut writer, options.partitions).await?;
    let checkpointer = connect.connect().await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(options.readers)
        .connect_with(connect.read_only(true))
        .await?;
    Ok(Opened {
        partitions,
        writer,
        checkpointer,
        readers,
        lock,
    })
}

/// What came of a migration that failed: the database's own errors keep their
/// kind.
fn unmigrated(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => Error::Unusable(format!("migration failed: {other}")),
    }
}

/// The file itself, behind whatever links lead to it: SQLite puts its log
/// beside it, and so is the lock, which all links have to share.
pub(super) fn resolve(path: &Path) -> PathBuf {
    // There may be no file yet.
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Makes sure that no other process has the file. One that is just ending may
/// have it for a moment.
async fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let unusable = |cause: &dyn std::fmt::Display| {
        Error::Unusable(format!("{} cannot be locked: {cause}", path.display()))
    };
    let file = File::create(&name).map_err(|error| unusable(&error))?;
    for _ in 0..LOCK_ATTEMPTS.0 {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_ATTEMPTS.1).await,
            Err(TryLockError::Error(error)) => return Err(unusable(&error)),
        }
    }
    Err(unusable(&"another process has it open"))
}

/// Creates the partitions of a new database; checks those of an old one.
async fn settle_partitions(connection: &mut SqliteConnection, wanted: Option<u32>) -> Result<u32> {
    let count: i64 = sqlx::query("SELECT count(*) FROM partitions")
        .fetch_one(&mut *connection)
        .await?
        .get(0);
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if count > 0 {
        return match wanted {
            Some(wanted) if wanted != count => Err(Error::Unusable(format!(
                "the database was created with {count} partitions, not {wanted}; this cannot be changed"
            ))),
            _ => Ok(count),
        };
    }
    let count = wanted.unwrap_or(DEFAULT_PARTITIONS);
    if count == 0 || count > MAX_PARTITIONS {
        let text = format!("the number of partitions is from 1 to {MAX_PARTITIONS}, not {count}");
        return Err(Error::Unusable(text));
    }
    sqlx::query(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)
         INSERT INTO partitions (partition, owner_epoch, last_sequence) SELECT i, 0, 0 FROM n",
    )
    .bind(i64::from(count))
    .execute(connection)
    .await?;
    Ok(count)
}
