//! How far a flush is written: rows of one kind at a time, a bounded number of
//! them, so that appends do not wait long.

use std::vec::IntoIter;

use crate::row::{ApprovalRow, Flush, HistoryChunk, MessageChunk, RootKey, RootRow, RunRow};

/// Bytes after which a part takes no more rows.
const BYTES_PER_PART: usize = 1024 * 1024;
/// What a removed root counts as: its rows may be many.
const ERASED_BYTES: usize = 64 * 1024;
/// What a row takes besides its blobs, indexes included.
const ROW_BYTES: usize = 512;

/// A flush, and what of it is still to be written.
pub(crate) struct FlushProgress {
    pub partition: u32,
    pub owner_epoch: u32,
    erased: IntoIter<RootKey>,
    history: IntoIter<HistoryChunk>,
    messages: IntoIter<MessageChunk>,
    runs: IntoIter<RunRow>,
    approvals: IntoIter<ApprovalRow>,
    roots: IntoIter<RootRow>,
    /// Where to trim the log, unless that is done.
    trim_through: Option<u64>,
}

/// What is written together.
pub(crate) enum Part {
    Erased(RootKey),
    History(Vec<HistoryChunk>),
    Messages(Vec<MessageChunk>),
    Runs(Vec<RunRow>),
    Approvals(Vec<ApprovalRow>),
    Roots(Vec<RootRow>),
    /// The log up to a sequence, once all rows are written. Said again until
    /// all of it is gone.
    Trim(u64),
    /// Everything is written.
    Nothing,
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

    /// Takes out the next part, of so many rows at most: what was erased, then
    /// journals and transcripts before the roots that rely on them. Roughly how
    /// many bytes it is, too.
    pub fn next_part(&mut self, rows_max: usize) -> (Part, usize) {
        if let Some(key) = self.erased.next() {
            return (Part::Erased(key), ERASED_BYTES);
        }
        let (history, bytes) = take(&mut self.history, rows_max, |it| it.payload.len());
        if !history.is_empty() {
            return (Part::History(history), bytes);
        }
        let (messages, bytes) = take(&mut self.messages, rows_max, |it| it.payload.len());
        if !messages.is_empty() {
            return (Part::Messages(messages), bytes);
        }
        let (runs, bytes) = take(&mut self.runs, rows_max, |it| it.detail.len());
        if !runs.is_empty() {
            return (Part::Runs(runs), bytes);
        }
        let (approvals, bytes) = take(&mut self.approvals, rows_max, |it| it.detail.len());
        if !approvals.is_empty() {
            return (Part::Approvals(approvals), bytes);
        }
        let (roots, bytes) = take(&mut self.roots, rows_max, |it| {
            let values: usize = it.values.iter().map(|value| value.payload.len()).sum();
            it.snapshot.len() + it.summary.len() + values
        });
        if !roots.is_empty() {
            return (Part::Roots(roots), bytes);
        }
        let trim = self.trim_through.map_or(Part::Nothing, Part::Trim);
        (trim, ROW_BYTES)
    }

    /// The log is trimmed.
    pub fn trimmed(&mut self) {
        self.trim_through = None;
    }

    pub fn is_complete(&self) -> bool {
        let rows = self.history.len() + self.messages.len() + self.runs.len();
        let rows = rows + self.approvals.len() + self.roots.len() + self.erased.len();
        rows == 0 && self.trim_through.is_none()
    }
}

/// The next rows: 1, 2, 4 and so on of them, so that there are few different
/// statements to keep prepared.
fn take<T>(
    rows: &mut IntoIter<T>,
    rows_max: usize,
    bytes_of: impl Fn(&T) -> usize,
) -> (Vec<T>, usize) {
    let mut sums = Vec::with_capacity(rows_max.min(rows.len()));
    let mut bytes = 0;
    for row in rows.as_slice().iter().take(rows_max) {
        if bytes >= BYTES_PER_PART {
            break;
        }
        bytes += bytes_of(row) + ROW_BYTES;
        sums.push(bytes);
    }
    let Some(log) = sums.len().checked_ilog2() else {
        return (Vec::new(), 0);
    };
    let count = 1 << log;
    (rows.take(count).collect(), sums[count - 1])
}
