//! The writer: one task, one connection, one transaction for everything that
//! waits. Appends go first; rows for the view follow a bounded part at a time,
//! in the same transaction and under the same fsync.

use std::collections::VecDeque;
use std::fs::File;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::Result;
use crate::row::{Append, Flush};
use crate::sqlite::SqliteOptions;
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::flush::FlushProgress;
use crate::sqlite::open::Opened;
use crate::sqlite::owners::Owners;
use crate::sqlite::room::Room;
use crate::sqlite::write;

/// Jobs taken together at most.
const JOBS_PER_COMMIT: usize = 1_024;
/// Payload bytes after which a transaction takes no more appends.
const BYTES_PER_COMMIT: usize = 16 * 1024 * 1024;

/// Who waits for a job.
type Caller<T> = oneshot::Sender<Result<T>>;

/// Something to write.
pub(super) enum Job {
    Acquire(u32, Caller<(u32, u64)>),
    Append(Vec<Append>, Caller<()>),
    Flush(Box<Flush>, Caller<()>),
    Close(Caller<()>),
}

struct PendingFlush {
    progress: FlushProgress,
    caller: Caller<()>,
}

/// The writer's state.
pub(super) struct Writer {
    connection: SqliteConnection,
    checkpoints: Checkpoints,
    queue: mpsc::Receiver<Job>,
    owners: Owners,
    flushes: VecDeque<PendingFlush>,
    appends: Vec<(Vec<Append>, Caller<()>)>,
    appended_bytes: usize,
    room: Room,
    /// Held as long as anything may be written: one process owns the file.
    _lock: File,
}

impl Writer {
    pub fn new(opened: Opened, queue: mpsc::Receiver<Job>, options: &SqliteOptions) -> Self {
        Self {
            connection: opened.writer,
            checkpoints: Checkpoints::start(opened.checkpointer, options.checkpoint_bytes),
            queue,
            owners: Owners::new(opened.partitions),
            flushes: VecDeque::new(),
            appends: Vec::new(),
            appended_bytes: 0,
            room: Room::of(&options.path),
            _lock: opened.lock,
        }
    }

    /// Writes until it is closed or everybody is gone.
    pub async fn run(mut self) {
        let closing = self.write_until_closed().await;
        while !self.appends.is_empty() || !self.flushes.is_empty() {
            self.commit().await;
        }
        let closed = self.close().await;
        if let Err(error) = &closed {
            tracing::warn!(%error, "store was not closed cleanly");
        }
        if let Some(caller) = closing {
            // A caller that went away needs no answer.
            let _ = caller.send(closed);
        }
    }

    async fn write_until_closed(&mut self) -> Option<Caller<()>> {
        loop {
            if self.flushes.is_empty() && self.appends.is_empty() {
                match self.queue.recv().await? {
                    Job::Close(caller) => return Some(caller),
                    job => self.take(job).await,
                }
            }
            for _ in 0..JOBS_PER_COMMIT {
                if self.appended_bytes >= BYTES_PER_COMMIT {
                    break;
                }
                match self.queue.try_recv() {
                    Ok(Job::Close(caller)) => return Some(caller),
                    Ok(job) => self.take(job).await,
                    Err(_) => break,
                }
            }
            self.commit().await;
        }
    }

    async fn take(&mut self, job: Job) {
        match job {
            Job::Append(appends, caller) => {
                self.appended_bytes += appends.iter().map(|a| a.payload.len()).sum::<usize>();
                self.appends.push((appends, caller));
            }
            Job::Flush(flush, caller) => {
                let progress = FlushProgress::new(*flush);
                self.flushes.push_back(PendingFlush { progress, caller });
            }
            Job::Acquire(partition, caller) => {
                // What waits was sent by the owner before.
                self.commit().await;
                let acquired = match self.room.check() {
                    Ok(()) => write::acquire(&mut self.connection, partition).await,
                    Err(full) => Err(full),
                };
                self.room.note(&acquired);
                if let Ok((epoch, last_sequence)) = acquired {
                    self.owners.acquired(partition, epoch, last_sequence);
                }
                let _ = caller.send(acquired);
            }
            Job::Close(caller) => {
                let _ = caller.send(Ok(()));
            }
        }
    }

    /// One transaction with all appends that wait and a part of a flush.
    async fn commit(&mut self) {
        self.appended_bytes = 0;
        let mut admitted = Vec::with_capacity(self.appends.len());
        for (appends, caller) in self.appends.drain(..) {
            match self.owners.admit(&appends) {
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
        self.checkpoints.finish(&mut self.connection).await;
        let rows: Vec<&Append> = admitted.iter().flat_map(|(appends, _)| appends).collect();
        let flush = self.flushes.front_mut().map(|flush| &mut flush.progress);
        let written = write::transaction(&mut self.connection, &rows, &self.owners, flush).await;
        self.room.note(&written);
        let outcome = written.as_ref().map(drop).map_err(Clone::clone);
        for (appends, caller) in admitted {
            self.owners.settle(&appends, outcome.is_ok());
            let _ = caller.send(outcome.clone());
        }
        self.settle_flush(&outcome);
        if let Ok(bytes) = written {
            self.checkpoints.committed(bytes).await;
        }
    }

    /// A flush of an owner that lost its partition is refused whole.
    fn refuse_stale_flush(&mut self) {
        while let Some(flush) = self.flushes.front() {
            let FlushProgress {
                partition,
                owner_epoch,
                ..
            } = flush.progress;
            let Err(error) = self.owners.check(partition, owner_epoch) else {
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
        self.connection.close().await?;
        self.checkpoints.close().await
    }
}
