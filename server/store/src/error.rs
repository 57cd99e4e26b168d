//! What a store can fail with, by what the caller can do about it.

use sqlx::postgres::PgDatabaseError;

/// Why a store could not do its job.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Another owner took the partition: nothing was written.
    #[error("partition {partition} has another owner (epoch {current}, ours {ours})")]
    OwnershipLost {
        /// The partition.
        partition: u32,
        /// The epoch that was given.
        ours: u32,
        /// The epoch that is valid.
        current: u32,
    },
    /// Another node that lives has the partition.
    #[error("partition {partition} is held by the node {node}")]
    Held {
        /// The partition.
        partition: u32,
        /// The node.
        node: String,
    },
    /// A later start of this node has its place.
    #[error("another process runs as the node {0}: give each node an id of its own")]
    Superseded(String),
    /// An append does not continue the log: nothing was written.
    #[error("append {sequence} to partition {partition} does not follow {last}")]
    OutOfSequence {
        /// The partition.
        partition: u32,
        /// The sequence that was given.
        sequence: u64,
        /// The last one in the log.
        last: u64,
    },
    /// The database is locked or busy: the same call may succeed later.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The disk is full.
    #[error("the disk is full: {0}")]
    Full(String),
    /// What was read is not what was written.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// The store cannot be opened with these settings.
    #[error("{0}")]
    Unusable(String),
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// Anything else.
    #[error("the database failed: {0}")]
    Other(String),
}

impl Error {
    /// Whether the same call may succeed later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Full(_))
    }

    /// By the codes of PostgreSQL
    /// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>): the
    /// first two letters are the class.
    fn of_postgres(code: &str, text: String) -> Self {
        match code {
            // disk_full
            "53100" => Self::Full(text),
            // read_only_sql_transaction: a primary that became a standby.
            // lock_not_available, query_canceled, admin_shutdown, crash_shutdown,
            // cannot_connect_now, database_dropped excepted.
            "25006" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "57P05" => Self::Busy(text),
            // data_corrupted, index_corrupted
            "XX001" | "XX002" => Self::Corrupt(text),
            // Lost connections, serialization failures and deadlocks, too few
            // resources.
            _ if ["08", "40", "53"].contains(&&code[..2.min(code.len())]) => Self::Busy(text),
            _ => Self::Other(text),
        }
    }
}

/// SQLite's primary result codes (<https://sqlite.org/rescode.html>).
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_CORRUPT: u32 = 11;
const SQLITE_FULL: u32 = 13;
/// The index of the write-ahead log cannot grow.
const SQLITE_IOERR_SHMSIZE: u32 = 10 | (19 << 8);
const SQLITE_NOTADB: u32 = 26;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Self::Busy(text);
        }
        if matches!(error, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) {
            return Self::Closed;
        }
        if matches!(
            error,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)
        ) {
            return Self::Corrupt(text);
        }
        if let Some(error) = error
            .as_database_error()
            .and_then(|it| it.try_downcast_ref::<PgDatabaseError>())
        {
            return Self::of_postgres(error.code(), text);
        }
        if matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)
        ) {
            // The connection is lost, or never was.
            return Self::Busy(text);
        }
        let code = error
            .as_database_error()
            .and_then(|error| error.code())
            .and_then(|code| code.parse::<u32>().ok());
        if code == Some(SQLITE_IOERR_SHMSIZE) {
            return Self::Full(text);
        }
        match code.map(|code| code & 0xff) {
            Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Busy(text),
            Some(SQLITE_FULL) => Self::Full(text),
            Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Corrupt(text),
            _ => Self::Other(text),
        }
    }
}
