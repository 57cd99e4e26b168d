//! The writer: one task, one connection. Everything that is to be appended is
//! one transaction and one fsync. Between two of those goes a part of what is
//! written to the view, as much as takes two milliseconds: it waits for no
//! fsync, since the next append's makes it durable, and the log holds it until
//! then.

use std::collections::VecDeque;
use std::fs::File;
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::Result;
use crate::flush_progress::FlushProgress;
use crate::owners::Owners;
use crate::row::{Append, Flush};
use crate::sqlite::SqliteOptions;
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::open::Opened;
use crate::sqlite::room::Room;
use crate::sqlite::write::{self, Fsync};
use crate::transfer::PartitionState;

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
    SetState(u32, PartitionState, Caller<()>),
    Close(Caller<()>),
}

/// How long a part of a flush may take.
const PART_TARGET: Duration = Duration::from_millis(2);
/// Bounds of its rows.
const PART_ROWS: (usize, usize) = (4, 128);

/// Parts of flushes between two commits of appends at most.
const PARTS_PER_COMMIT: usize = 4;

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
    /// What commits wait for now, if that is known.
    sync: Option<Fsync>,
    /// Rows of the next part of a flush.
    part_rows: usize,
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
            sync: None,
            part_rows: PART_ROWS.0,
            room: Room::of(&options.path),
            _lock: opened.lock,
        }
    }

    /// Writes until it is closed or everybody is gone.
    pub async fn run(mut self) {
        let closing = self.write_until_closed().await;
        while !self.appends.is_empty() || !self.flushes.is_empty() {
            self.commit_appends().await;
            self.write_part().await;
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
            self.commit_appends().await;
            // The more partitions wait for their flushes, the further the view
            // is behind: then it has a larger share.
            for _ in 0..self.flushes.len().clamp(1, PARTS_PER_COMMIT) {
                self.write_part().await;
            }
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
                self.commit_appends().await;
                let acquired = self.acquire(partition).await;
                self.room.note(&acquired);
                if let Ok((epoch, last_sequence)) = acquired {
                    self.owners.acquired(partition, epoch, last_sequence);
                }
                let _ = caller.send(acquired);
            }
            Job::SetState(partition, state, caller) => {
                let sync = self.change_sync(Fsync::Full);
                let set = write::set_state(&mut self.connection, sync, partition, state).await;
                self.note_sync(set.is_ok());
                let _ = caller.send(set);
            }
            Job::Close(caller) => {
                let _ = caller.send(Ok(()));
            }
        }
    }

    async fn acquire(&mut self, partition: u32) -> Result<(u32, u64)> {
        self.room.check()?;
        let sync = self.change_sync(Fsync::Full);
        let acquired = write::acquire(&mut self.connection, sync, partition).await;
        self.note_sync(acquired.is_ok());
        acquired
    }

    /// What the next commit waits for, if that is something else than the last
    /// one did.
    fn change_sync(&mut self, sync: Fsync) -> Option<Fsync> {
        let before = self.sync.replace(sync);
        Some(sync).filter(|_| before != Some(sync))
    }

    /// After a failure nobody knows.
    fn note_sync(&mut self, is_written: bool) {
        if !is_written {
            self.sync = None;
        }
    }

    /// One transaction with all appends that wait.
    async fn commit_appends(&mut self) {
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
        if admitted.is_empty() {
            return;
        }
        let rows: Vec<&Append> = admitted.iter().flat_map(|(appends, _)| appends).collect();
        let sync = self.change_sync(Fsync::Full);
        let written = write::append(&mut self.connection, sync, &rows).await;
        self.note_sync(written.is_ok());
        self.room.note(&written);
        let outcome = written.as_ref().map(drop).map_err(Clone::clone);
        for (appends, caller) in admitted {
            self.owners.settle(&appends, outcome.is_ok());
            let _ = caller.send(outcome.clone());
        }
        if let Ok(bytes) = written {
            self.checkpoints.committed(bytes).await;
        }
    }

    /// One transaction with a part of the first flush.
    async fn write_part(&mut self) {
        self.checkpoints.finish(&mut self.connection).await;
        self.refuse_stale_flush();
        if self.flushes.is_empty() {
            return;
        }
        let begin = Instant::now();
        let sync = self.change_sync(Fsync::Later);
        let Some(flush) = self.flushes.front_mut() else {
            return;
        };
        let (progress, rows) = (&mut flush.progress, self.part_rows);
        let (connection, owners) = (&mut self.connection, &self.owners);
        let written = write::flush_part(connection, sync, progress, owners, rows).await;
        self.note_sync(written.is_ok());
        self.room.note(&written);
        // Half way to what would have taken as long as it should.
        let ratio = PART_TARGET.as_secs_f64() / begin.elapsed().as_secs_f64();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "rows are few and the result is bounded"
        )]
        let next = (rows as f64 * (1.0 + ratio.min(3.0)) / 2.0) as usize;
        self.part_rows = next.clamp(PART_ROWS.0, PART_ROWS.1);
        let outcome = written.as_ref().map(drop).map_err(Clone::clone);
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
