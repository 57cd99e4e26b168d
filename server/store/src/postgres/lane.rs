//! A lane: one connection that appends for a share of the partitions. What comes
//! while a statement is under way goes together with the next one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::postgres::PgConnection;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::error::Error;
use crate::members::NodeIdentity;
use crate::owners::Owners;
use crate::postgres::PostgresOptions;
use crate::postgres::append::{self, Outcome};
use crate::postgres::lease;
use crate::postgres::link::{Link, Work};
use crate::postgres::open::Opened;
use crate::row::Append;

/// Jobs taken together at most.
const JOBS_PER_COMMIT: usize = 1_024;
/// Payload bytes after which a statement takes no more appends.
const BYTES_PER_COMMIT: usize = 16 * 1024 * 1024;

/// Who waits for a job.
type Caller<T> = oneshot::Sender<Result<T>>;

/// Something for a lane.
pub(super) enum Job {
    Append(Vec<Append>, Caller<()>),
    Acquire(u32, Caller<(u32, u64)>),
    Close(Caller<()>),
}

/// The lane's state.
pub(super) struct Lane {
    link: Link,
    queue: mpsc::Receiver<Job>,
    owners: Arc<Mutex<Owners>>,
    node: NodeIdentity,
    lease: Duration,
    appends: Vec<(Vec<Append>, Caller<()>)>,
    appended_bytes: usize,
}

impl Lane {
    pub fn new(
        opened: &Opened,
        options: &PostgresOptions,
        queue: mpsc::Receiver<Job>,
        owners: &Arc<Mutex<Owners>>,
        closed: &CancellationToken,
    ) -> Self {
        let connect = opened.connect.clone();
        Self {
            link: Link::new("lane", connect, options.timeout, closed.clone()),
            queue,
            owners: Arc::clone(owners),
            node: options.node.clone(),
            lease: options.lease,
            appends: Vec::new(),
            appended_bytes: 0,
        }
    }

    /// Appends until it is closed or everybody is gone.
    pub async fn run(mut self) {
        let closing = self.append_until_closed().await;
        self.commit().await;
        if let Some(caller) = closing {
            // A caller that went away needs no answer.
            let _ = caller.send(Ok(()));
        }
    }

    async fn append_until_closed(&mut self) -> Option<Caller<()>> {
        loop {
            let mut next = self.queue.recv().await;
            for _ in 0..JOBS_PER_COMMIT {
                match next? {
                    Job::Close(caller) => return Some(caller),
                    Job::Append(appends, caller) => {
                        let bytes = appends.iter().map(|append| append.payload.len());
                        self.appended_bytes += bytes.sum::<usize>();
                        self.appends.push((appends, caller));
                    }
                    Job::Acquire(partition, caller) => {
                        // What waits was sent by the owner before.
                        self.commit().await;
                        let _ = caller.send(self.acquire(partition).await);
                    }
                }
                if self.appended_bytes >= BYTES_PER_COMMIT {
                    break;
                }
                match self.queue.try_recv() {
                    Ok(job) => next = Some(job),
                    Err(_) => break,
                }
            }
            self.commit().await;
        }
    }

    async fn acquire(&mut self, partition: u32) -> Result<(u32, u64)> {
        let work = Acquire {
            node: &self.node,
            lease: self.lease,
            partition,
        };
        let (epoch, last_sequence) = self.link.until_known(&work).await?;
        lock(&self.owners).acquired(partition, epoch, last_sequence);
        Ok((epoch, last_sequence))
    }

    /// One statement with all appends that wait; once more without those whose
    /// partitions have other owners.
    async fn commit(&mut self) {
        self.appended_bytes = 0;
        let mut admitted = Vec::with_capacity(self.appends.len());
        for (appends, caller) in self.appends.drain(..) {
            match lock(&self.owners).admit(&appends) {
                Ok(()) => admitted.push((appends, caller)),
                Err(error) => {
                    let _ = caller.send(Err(error));
                }
            }
        }
        while !admitted.is_empty() {
            let rows: Vec<&Append> = admitted.iter().flat_map(|(appends, _)| appends).collect();
            let lost = match self.link.until_known(&Batch { rows: &rows }).await {
                Ok(Outcome::Durable) => return self.settle(admitted, &Ok(())),
                Ok(Outcome::Fenced(lost)) => lost,
                Err(error) => return self.settle(admitted, &Err(error)),
            };
            let is_lost = |append: &Append| lost.contains_key(&append.partition);
            let (refused, others) = std::mem::take(&mut admitted)
                .into_iter()
                .partition(|(appends, _)| appends.iter().any(is_lost));
            admitted = others;
            for (appends, caller) in refused {
                let Some(append) = appends.iter().find(|append| is_lost(append)) else {
                    continue;
                };
                let error = Error::OwnershipLost {
                    partition: append.partition,
                    ours: append.owner_epoch,
                    current: lost[&append.partition],
                };
                self.settle(vec![(appends, caller)], &Err(error));
            }
        }
    }

    fn settle(&self, admitted: Vec<(Vec<Append>, Caller<()>)>, outcome: &Result<()>) {
        for (appends, caller) in admitted {
            lock(&self.owners).settle(&appends, outcome.is_ok());
            let _ = caller.send(outcome.clone());
        }
    }
}

fn lock(owners: &Mutex<Owners>) -> MutexGuard<'_, Owners> {
    owners.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows that are appended together.
struct Batch<'a> {
    rows: &'a [&'a Append],
}

impl Work for Batch<'_> {
    type Output = Outcome;

    fn run<'c>(&'c self, connection: &'c mut PgConnection) -> BoxFuture<'c, Result<Outcome>> {
        Box::pin(append::append(connection, self.rows))
    }
}

/// A partition that is taken.
struct Acquire<'a> {
    node: &'a NodeIdentity,
    lease: Duration,
    partition: u32,
}

impl Work for Acquire<'_> {
    type Output = (u32, u64);

    fn run<'c>(&'c self, connection: &'c mut PgConnection) -> BoxFuture<'c, Result<(u32, u64)>> {
        Box::pin(lease::acquire(
            connection,
            self.node,
            self.lease,
            self.partition,
        ))
    }

    fn clear<'c>(&'c self, connection: &'c mut PgConnection) -> BoxFuture<'c, Result<()>> {
        Box::pin(lease::end_holders(connection, self.lease))
    }
}
