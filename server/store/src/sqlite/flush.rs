//! How far a flush is written: a bounded part of it in each transaction, so
//! that appends do not wait long.

use std::vec::IntoIter;

use crate::row::{ApprovalRow, Flush, HistoryChunk, MessageChunk, RootKey, RootRow, RunRow};

/// Bytes after which a part takes no more rows.
const BYTES_PER_PART: usize = 1024 * 1024;
/// What a removed root counts as: its rows may be many.
const ERASED_BYTES: usize = 64 * 1024;
/// What a row takes besides its blobs, indexes included.
const ROW_BYTES: usize = 512;

/// A flush, and what of it is still to be written.
pub(super) struct FlushProgress {
    pub partition: u32,
    pub owner_epoch: u32,
    erased: IntoIter<RootKey>,
    history: IntoIter<HistoryChunk>,
    messages: IntoIter<MessageChunk>,
    runs: IntoIter<RunRow>,
    approvals: IntoIter<ApprovalRow>,
    roots: IntoIter<RootRow>,
    /// Where to trim the log, unless that is done.
    pub trim_through: Option<u64>,
}

/// Rows for one transaction.
#[derive(Default)]
pub(super) struct Part {
    pub erased: Vec<RootKey>,
    pub history: Vec<HistoryChunk>,
    pub messages: Vec<MessageChunk>,
    pub runs: Vec<RunRow>,
    pub approvals: Vec<ApprovalRow>,
    pub roots: Vec<RootRow>,
    rows: usize,
    rows_max: usize,
    pub bytes: usize,
}

impl FlushProgress {
    pub fn new(flush: Flush) -> Self {
        Self {
            partition: flush.partition,
            owner_epoch: flush.owner_epoch,
            erased: flush.erased.into_iter(),
            history: flush.history.into_iter(),
            messages: flush.messages.into_iter(),
            runs: flush.runs.into_iter(),
            approvals: flush.approvals.into_iter(),
            roots: flush.roots.into_iter(),
            trim_through: flush.trim_log_through,
        }
    }

    /// Takes out the next part, of so many rows at most: journals and transcripts before the roots that
    /// rely on them.
    pub fn next_part(&mut self, rows_max: usize) -> Part {
        let mut part = Part {
            rows_max,
            ..Part::default()
        };
        while part.has_room()
            && let Some(key) = self.erased.next()
        {
            part.count(ERASED_BYTES);
            part.erased.push(key);
        }
        while part.has_room()
            && let Some(row) = self.history.next()
        {
            part.count(row.payload.len());
            part.history.push(row);
        }
        while part.has_room()
            && let Some(row) = self.messages.next()
        {
            part.count(row.payload.len());
            part.messages.push(row);
        }
        while part.has_room()
            && let Some(row) = self.runs.next()
        {
            part.count(row.detail.len());
            part.runs.push(row);
        }
        while part.has_room()
            && let Some(row) = self.approvals.next()
        {
            part.count(row.detail.len());
            part.approvals.push(row);
        }
        while part.has_room()
            && let Some(row) = self.roots.next()
        {
            let values: usize = row.values.iter().map(|it| it.payload.len()).sum();
            part.count(row.snapshot.len() + row.summary.len() + values);
            part.roots.push(row);
        }
        part
    }

    /// Whether no rows are left; the log may still have to be trimmed.
    pub fn rows_are_written(&self) -> bool {
        let rows = self.history.len() + self.messages.len() + self.runs.len();
        rows + self.approvals.len() + self.roots.len() + self.erased.len() == 0
    }

    pub fn is_complete(&self) -> bool {
        self.rows_are_written() && self.trim_through.is_none()
    }
}

impl Part {
    fn has_room(&self) -> bool {
        self.rows < self.rows_max && self.bytes < BYTES_PER_PART
    }

    fn count(&mut self, bytes: usize) {
        self.rows += 1;
        self.bytes += bytes + ROW_BYTES;
    }
}
