//! The writer: one task, one connection, one transaction for everything that
//! waits. Appends go first; rows for the view follow a bounded part at a time,
//! in the same transaction and under the same fsync.

use std::collections::{HashMap, VecDeque};

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::Result;
use crate::error::Error;
use crate::row::{Append, Flush};
use crate::sqlite::SqliteOptions;
use crate::sqlite::write::{self, FlushProgress};

/// Jobs taken together at most.
const JOBS_PER_COMMIT: usize = 1_024;
/// Payload bytes after which a transaction takes no more appends.
const BYTES_PER_COMMIT: usize = 16 * 1024 * 1024;

/// Something to write.
pub(super) enum Job {
    Acquire(u32, oneshot::Sender<Result<(u32, u64)>>),
    Append(Vec<Append>, oneshot::Sender<Result<()>>),
    Flush(Box<Flush>, oneshot::Sender<Result<()>>),
    Close(oneshot::Sender<Result<()>>),
}

/// What is known of a partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub epoch: u32,
    pub last_sequence: u64,
}

struct PendingFlush {
    progress: FlushProgress,
    caller: oneshot::Sender<Result<()>>,
}

/// The writer's state.
pub(super) struct Writer {
    connection: SqliteConnection,
    checkpoints: mpsc::Sender<()>,
    checkpointing: tokio::task::JoinHandle<SqliteConnection>,
    queue: mpsc::Receiver<Job>,
    owners: HashMap<u32, Owner>,
    flushes: VecDeque<PendingFlush>,
    appends: Vec<(Vec<Append>, oneshot::Sender<Result<()>>)>,
    wal_bytes: u64,
    checkpoint_bytes: u64,
}

impl Writer {
    pub fn new(
        connection: SqliteConnection,
        checkpointer: SqliteConnection,
        queue: mpsc::Receiver<Job>,
        options: &SqliteOptions,
    ) -> Self {
        let (checkpoints, wanted) = mpsc::channel(1);
        Self {
            connection,
            checkpoints,
            checkpointing: tokio::spawn(checkpoint(checkpointer, wanted)),
            queue,
            owners: HashMap::new(),
            flushes: VecDeque::new(),
            appends: Vec::new(),
            wal_bytes: 0,
            checkpoint_bytes: options.checkpoint_bytes,
        }
    }

    /// Writes until it is closed or everybody is gone.
    pub async fn run(mut self) {
        let closing = loop {
            if self.flushes.is_empty() && self.appends.is_empty() {
                match self.queue.recv().await {
                    Some(Job::Close(caller)) => break Some(caller),
                    Some(job) => self.take(job).await,
                    None => break None,
                }
            }
            let mut closing = None;
            while self.appends.len() < JOBS_PER_COMMIT && self.appended_bytes() < BYTES_PER_COMMIT {
                match self.queue.try_recv() {
                    Ok(Job::Close(caller)) => closing = Some(caller),
                    Ok(job) => self.take(job).await,
                    Err(_) => break,
                }
            }
            self.commit().await;
            if closing.is_some() {
                while !self.flushes.is_empty() {
                    self.commit().await;
                }
                break closing;
            }
        };
        let closed = self.close().await;
        if let Some(caller) = closing {
            // A caller that went away needs no answer.
            let _ = caller.send(closed);
        }
    }

    fn appended_bytes(&self) -> usize {
        let appends = self.appends.iter().flat_map(|(appends, _)| appends);
        appends.map(|append| append.payload.len()).sum()
    }

    async fn take(&mut self, job: Job) {
        match job {
            Job::Append(appends, caller) => self.appends.push((appends, caller)),
            Job::Flush(flush, caller) => {
                let progress = FlushProgress::new(*flush);
                self.flushes.push_back(PendingFlush { progress, caller });
            }
            Job::Acquire(partition, caller) => {
                // What waits was sent by the owner before.
                self.commit().await;
                let acquired = write::acquire(&mut self.connection, partition).await;
                if let Ok(owner) = acquired {
                    self.owners.insert(partition, owner);
                }
                let answer = acquired.map(|owner| (owner.epoch, owner.last_sequence));
                let _ = caller.send(answer);
            }
            Job::Close(caller) => {
                let _ = caller.send(Ok(()));
            }
        }
    }

    /// One transaction with all appends that wait and a part of a flush.
    async fn commit(&mut self) {
        let appends = std::mem::take(&mut self.appends);
        let mut owners = self.owners.clone();
        let mut admitted = Vec::new();
        for (appends, caller) in appends {
            match admit(&mut owners, &appends) {
                Ok(()) => admitted.push((appends, caller)),
                Err(error) => {
                    let _ = caller.send(Err(error));
                }
            }
        }
        self.refuse_stale_flush();
        if admitted.is_empty() && self.flushes.is_empty() {
            return;
        }
        let rows = admitted.iter().flat_map(|(appends, _)| appends);
        let flush = self.flushes.front_mut().map(|flush| &mut flush.progress);
        let written = write::transaction(&mut self.connection, rows, &owners, flush).await;
        if let Ok(bytes) = &written {
            self.owners = owners;
            self.wal_bytes += bytes;
        }
        let outcome = written.map(|_| ());
        for (_, caller) in admitted {
            let _ = caller.send(outcome.clone());
        }
        self.settle_flush(&outcome);
        if self.wal_bytes > self.checkpoint_bytes && self.checkpoints.try_send(()).is_ok() {
            self.wal_bytes = 0;
        }
    }

    /// A flush of an owner that lost its partition is refused whole.
    fn refuse_stale_flush(&mut self) {
        while let Some(flush) = self.flushes.front() {
            let (partition, epoch) = flush.progress.owner();
            let refused = check_epoch(&self.owners, partition, epoch);
            let Err(error) = refused else {
                return;
            };
            if let Some(flush) = self.flushes.pop_front() {
                let _ = flush.caller.send(Err(error));
            }
        }
    }

    fn settle_flush(&mut self, outcome: &Result<()>) {
        let over = self
            .flushes
            .front()
            .is_some_and(|flush| outcome.is_err() || flush.progress.is_complete());
        if over && let Some(flush) = self.flushes.pop_front() {
            let _ = flush.caller.send(outcome.clone());
        }
    }

    async fn close(self) -> Result<()> {
        drop(self.checkpoints);
        self.connection.close().await?;
        if let Ok(mut connection) = self.checkpointing.await {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut connection)
                .await?;
            connection.close().await?;
        }
        Ok(())
    }
}

/// Whether an epoch is the one of the current owner.
fn check_epoch(owners: &HashMap<u32, Owner>, partition: u32, ours: u32) -> Result<()> {
    let current = owners.get(&partition).map_or(0, |owner| owner.epoch);
    if current == ours && current != 0 {
        return Ok(());
    }
    Err(Error::OwnershipLost {
        partition,
        ours,
        current,
    })
}

/// Checks epochs and sequences of appends and notes the new sequences.
fn admit(owners: &mut HashMap<u32, Owner>, appends: &[Append]) -> Result<()> {
    let mut admitted = owners.clone();
    for append in appends {
        check_epoch(&admitted, append.partition, append.owner_epoch)?;
        let Some(owner) = admitted.get_mut(&append.partition) else {
            continue;
        };
        if append.sequence != owner.last_sequence + 1 {
            return Err(Error::OutOfSequence {
                partition: append.partition,
                sequence: append.sequence,
                last: owner.last_sequence,
            });
        }
        owner.last_sequence = append.sequence;
    }
    *owners = admitted;
    Ok(())
}

/// Writes the write-ahead log back whenever it is asked to.
async fn checkpoint(
    mut connection: SqliteConnection,
    mut wanted: mpsc::Receiver<()>,
) -> SqliteConnection {
    while wanted.recv().await.is_some() {
        let written = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
            .execute(&mut connection)
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "write-ahead log was not written back, will be tried again");
        }
    }
    connection
}
