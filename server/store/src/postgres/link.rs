//! A connection that comes back: what is done over it is repeated until its
//! outcome is known. So everything that is done over it may be done twice.

use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::error::Error;

/// Time between two attempts.
const DELAY: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));

/// Something that may be done twice.
pub(super) trait Work: Sync {
    /// What comes of it.
    type Output: Send;

    /// Does it.
    fn run<'c>(&'c self, connection: &'c mut PgConnection) -> BoxFuture<'c, Result<Self::Output>>;

    /// What is done when it took too long, before it is tried again.
    fn clear<'c>(&'c self, _connection: &'c mut PgConnection) -> BoxFuture<'c, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

/// A connection.
pub(super) struct Link {
    /// For people.
    name: &'static str,
    connect: PgConnectOptions,
    timeout: Duration,
    closed: CancellationToken,
    connection: Option<PgConnection>,
    /// The server's process at the other end, or the last one.
    process: Option<i32>,
    /// Since when it does not work.
    failing_since: Option<Instant>,
}

impl Link {
    /// Not connected before it is used.
    pub fn new(
        name: &'static str,
        connect: PgConnectOptions,
        timeout: Duration,
        closed: CancellationToken,
    ) -> Self {
        Self {
            name,
            connect,
            timeout,
            closed,
            connection: None,
            process: None,
            failing_since: None,
        }
    }

    /// Does something until it is known what came of it.
    ///
    /// # Errors
    /// What the work fails with, unless another attempt may succeed; `Closed`
    /// when the store was closed meanwhile.
    pub async fn until_known<W: Work>(&mut self, work: &W) -> Result<W::Output> {
        let mut delay = DELAY.0;
        let mut was_slow = false;
        loop {
            let outcome = match self.attempt(work, &mut was_slow).await {
                Err(Error::Busy(why)) => why,
                known => {
                    self.works_again();
                    return known;
                }
            };
            self.fails(&outcome);
            tokio::select! {
                biased;
                () = self.closed.cancelled() => return Err(Error::Closed),
                () = tokio::time::sleep(delay) => {}
            }
            delay = (delay * 2).min(DELAY.1);
        }
    }

    async fn attempt<W: Work>(&mut self, work: &W, was_slow: &mut bool) -> Result<W::Output> {
        let limit = Instant::now() + self.timeout;
        let Ok(connected) = tokio::time::timeout_at(limit, self.connect()).await else {
            return Err(Error::Busy("no connection within the time limit".into()));
        };
        let mut connection = connected?;
        let clear = std::mem::take(was_slow);
        let doing = async {
            if clear {
                work.clear(&mut connection).await?;
            }
            work.run(&mut connection).await
        };
        match tokio::time::timeout_at(limit, doing).await {
            Ok(Err(error @ Error::Busy(_))) => Err(error),
            Ok(known) => {
                self.connection = Some(connection);
                known
            }
            Err(_) => {
                *was_slow = true;
                Err(Error::Busy("no answer within the time limit".into()))
            }
        }
    }

    /// The connection, or a new one. What the last one may still be doing at the
    /// server is ended first: it must not come after what is done next.
    async fn connect(&mut self) -> Result<PgConnection> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let mut connection = self.connect.connect().await?;
        let (process, recovering): (i32, bool) =
            sqlx::query_as("SELECT pg_backend_pid(), pg_is_in_recovery()")
                .fetch_one(&mut connection)
                .await?;
        if recovering {
            return Err(Error::Busy("the database is a standby".into()));
        }
        if let Some(last) = self
            .process
            .replace(process)
            .filter(|last| *last != process)
        {
            // Only one of ours, and of this database.
            sqlx::query(
                "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
                 WHERE pid = $1 AND datname = current_database()
                 AND application_name = current_setting('application_name')",
            )
            .bind(last)
            .execute(&mut connection)
            .await?;
        }
        Ok(connection)
    }

    fn fails(&mut self, why: &str) {
        if self.failing_since.is_none() {
            self.failing_since = Some(Instant::now());
            tracing::warn!(
                connection = self.name,
                why,
                "the database does not answer, it is tried again until it does"
            );
        }
    }

    fn works_again(&mut self) {
        if let Some(since) = self.failing_since.take() {
            let seconds = since.elapsed().as_secs_f64();
            tracing::info!(
                connection = self.name,
                seconds,
                "the database answers again"
            );
        }
    }
}
