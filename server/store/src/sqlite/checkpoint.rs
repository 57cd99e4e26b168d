//! Writing back the write-ahead log, so that it does not grow for ever.
//!
//! SQLite begins the log anew only when all of it is written back at the
//! moment of a commit. A connection beside the writer does nearly all of the
//! work without stopping commits, but never reaches an end that moves; the
//! writer then does the small rest between two commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinHandle;

use crate::Result;

/// Rounds of writing back: what was appended meanwhile gets less each time.
const ROUNDS: usize = 3;
/// How many times its size the log may grow while it is being written back.
const MAX_BEHIND: u64 = 4;

/// When the log is written back, and by whom.
pub(super) struct Checkpoints {
    requests: mpsc::Sender<()>,
    task: JoinHandle<SqliteConnection>,
    /// The rest is small: it is the writer's turn.
    rest: Arc<AtomicBool>,
    /// Roughly what was appended since the last request.
    wal_bytes: u64,
    max_bytes: u64,
}

impl Checkpoints {
    /// Starts the task that writes back after so many bytes.
    pub fn start(connection: SqliteConnection, max_bytes: u64) -> Self {
        let (requests, wanted) = mpsc::channel(1);
        let rest = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(write_back(connection, wanted, Arc::clone(&rest)));
        Self {
            requests,
            task,
            rest,
            wal_bytes: 0,
            max_bytes,
        }
    }

    /// Takes note of a commit. When writing back cannot keep up, commits wait
    /// for it: the log must not grow for ever.
    pub async fn committed(&mut self, bytes: u64) {
        self.wal_bytes += bytes;
        if self.wal_bytes <= self.max_bytes {
            return;
        }
        let behind = self.wal_bytes > self.max_bytes.saturating_mul(MAX_BEHIND);
        let requested = match self.requests.try_send(()) {
            Err(TrySendError::Full(())) if behind => self.requests.send(()).await.is_ok(),
            sent => sent.is_ok(),
        };
        if requested {
            self.wal_bytes = 0;
        }
    }

    /// Does the rest, if it is the writer's turn, on its connection.
    pub async fn finish(&self, connection: &mut SqliteConnection) {
        if self.rest.swap(false, Ordering::Relaxed) {
            // Tried again with the next one; the task says what is wrong.
            let _ = pass(connection).await;
        }
    }

    /// Writes everything back and ends the task.
    pub async fn close(self) -> Result<()> {
        drop(self.requests);
        if let Ok(mut connection) = self.task.await {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut connection)
                .await?;
            connection.close().await?;
        }
        Ok(())
    }
}

async fn write_back(
    mut connection: SqliteConnection,
    mut wanted: mpsc::Receiver<()>,
    rest: Arc<AtomicBool>,
) -> SqliteConnection {
    let mut is_failing = false;
    while wanted.recv().await.is_some() {
        for _ in 0..ROUNDS {
            match pass(&mut connection).await {
                Ok(is_all) => {
                    is_failing = false;
                    if is_all {
                        break;
                    }
                }
                Err(error) => {
                    // One line per change.
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::warn!(%error, "write-ahead log was not written back, will be tried again");
                    }
                    break;
                }
            }
        }
        rest.store(true, Ordering::Relaxed);
    }
    connection
}

/// Writes back what no reader needs, without waiting for anybody; whether that
/// was all.
async fn pass(connection: &mut SqliteConnection) -> Result<bool> {
    let row = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(connection)
        .await?;
    let (in_log, written_back): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
    Ok(in_log == written_back)
}
