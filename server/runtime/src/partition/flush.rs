//! The materializer: writes changed roots to the view behind the log, a chunk
//! at a time, and trims the log once all of them are through.
//!
//! A chunk is built right after a batch was sent off, so that it holds
//! nothing newer than that batch, and is written only once that batch is
//! durable: the view never knows more than the log.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use everturn_engine::event::Slot;
use everturn_engine::state::root::Root;
use everturn_engine::text::RootKey;
use everturn_store::{
    ApprovalRow, Flush, HistoryChunk, MessageChunk, RootKind, RootRow, RunRow, WaitColumns,
};
use futures::FutureExt as _;

use crate::journal::encode_chunk;
use crate::keys::store_key;
use crate::map::Map;
use crate::memory::Pressure;
use crate::metrics::Metrics;
use crate::partition::hot::Hot;
use crate::partition::{Internal, Partition};
use crate::record::{ConversationRecord, RunRecord};
use crate::stored::pack;
use crate::waiting::{self, Counts};

/// Stored number of the status of an erased conversation; 1 is open, 2 closed.
const ERASED: u8 = 3;
/// Roots in one chunk: when chunks are spread, and when they hurry. Many rows
/// together are written faster, and the partition stands still the longer.
const CHUNK_ROOTS: (usize, usize) = (32, 128);
/// The part of the interval over which the chunks of a pass are spread.
const SPREAD: (u32, u32) = (3, 4);
/// Chunks are not spread any more once so many roots have changed since the
/// pass began: they come faster than they are written.
const ROOTS_HURRY: usize = 4_096;
/// Bytes of a chunk after which it takes no more roots.
const CHUNK_BYTES: usize = 1024 * 1024;

/// One pass over everything that changed.
pub(super) struct FlushCycle {
    /// Roots still to be written.
    queue: Vec<RootKey>,
    /// Once they are, the log up to here is in the view.
    through: u64,
    /// When the next chunk is due.
    next_chunk: tokio::time::Instant,
    /// How far apart they are.
    apart: Duration,
}

/// Rows that are ready to be written.
pub(super) struct Chunk {
    /// They hold nothing newer than this append.
    sequence: u64,
    flush: Flush,
    marks: Vec<Mark>,
}

/// What the view will hold of a root once a chunk is written.
struct Mark {
    key: RootKey,
    journals: Vec<(Slot, u64)>,
    messages: usize,
    closed: Vec<Slot>,
    /// Events that the partition waits to have in the view, of any kind.
    events: usize,
}

impl Partition {
    /// Starts, continues or ends the current pass.
    pub(super) fn advance_flush(&mut self) {
        let now = tokio::time::Instant::now();
        let due = now >= self.next_flush || self.stopping.is_some();
        if self.cycle.is_none() && due {
            self.next_flush = now + self.shared.options.flush_interval;
            self.watchers.retain(|_, watchers| {
                watchers.retain(|watcher| !watcher.updates.is_closed());
                !watchers.is_empty()
            });
            if !self.dirty.is_empty() {
                let queue = std::mem::take(&mut self.dirty);
                let chunks = queue.len().div_ceil(CHUNK_ROOTS.0);
                let spread = self.shared.options.flush_interval * SPREAD.0 / SPREAD.1;
                self.cycle = Some(FlushCycle {
                    queue,
                    through: self.sealed_sequence,
                    next_chunk: now,
                    apart: spread / u32::try_from(chunks).unwrap_or(u32::MAX),
                });
                self.seal();
            }
        }
        // Nothing may be decided that is not in the sealed batch.
        let is_free = self.chunk.is_none() && !self.chunk_in_flight;
        if is_free && self.batch.bytes.is_empty() {
            let hurries = self.hurries();
            if self.is_chunk_due(now, hurries) {
                self.build_chunk(if hurries {
                    CHUNK_ROOTS.1
                } else {
                    CHUNK_ROOTS.0
                });
            }
        }
        self.submit_chunk();
    }

    /// Whether chunks are not spread: the view is behind, memory is short, or
    /// the partition stops.
    fn hurries(&self) -> bool {
        let is_short = self.shared.memory.pressure() > Pressure::None;
        let is_behind = self.dirty.len() > ROOTS_HURRY;
        self.stopping.is_some() || is_short || is_behind
    }

    /// Chunks are spread over the interval, so that nobody waits for all of
    /// them.
    fn is_chunk_due(&mut self, now: tokio::time::Instant, hurries: bool) -> bool {
        let Some(cycle) = self.cycle.as_mut() else {
            return false;
        };
        if now < cycle.next_chunk && !hurries {
            return false;
        }
        // One that was late does not make the others come together.
        cycle.next_chunk = (cycle.next_chunk + cycle.apart).max(now);
        true
    }

    /// When the next chunk is due, if one can be built then.
    pub(super) fn next_chunk(&self) -> Option<tokio::time::Instant> {
        let is_free = self.chunk.is_none() && !self.chunk_in_flight;
        let cycle = self
            .cycle
            .as_ref()
            .filter(|_| is_free && self.in_flight.is_none())?;
        Some(cycle.next_chunk)
    }

    fn build_chunk(&mut self, roots_max: usize) {
        let Some(cycle) = &mut self.cycle else {
            return;
        };
        let mut flush = Flush {
            partition: self.number,
            owner_epoch: self.owner_epoch,
            ..Flush::default()
        };
        let mut marks = Vec::new();
        let mut bytes = 0;
        while marks.len() < roots_max && bytes < CHUNK_BYTES {
            let Some(key) = cycle.queue.pop() else {
                break;
            };
            let Some(hot) = self.roots.get_mut(&key) else {
                continue;
            };
            hot.dirty = false;
            hot.flushing = true;
            if std::mem::take(&mut hot.erased) {
                flush.erased.push(store_key(&key));
            }
            let waits = &self.shared.waits[self.number as usize];
            let (mark, size) = write_rows(&key, hot, waits, &mut flush);
            marks.push(mark);
            bytes += size;
        }
        if cycle.queue.is_empty() {
            flush.trim_log_through = Some(cycle.through);
        }
        self.chunk = Some(Chunk {
            sequence: self.sealed_sequence,
            flush,
            marks,
        });
    }

    /// Writes the chunk once the log holds everything that it knows.
    fn submit_chunk(&mut self) {
        let in_flight = self.in_flight.is_some();
        let durable = self.sealed_sequence - u64::from(in_flight);
        if self.chunk_in_flight || self.chunk.as_ref().is_none_or(|c| c.sequence > durable) {
            return;
        }
        if let Some(chunk) = &mut self.chunk {
            let flush = std::mem::take(&mut chunk.flush);
            let store = Arc::clone(&self.shared.store);
            self.chunk_in_flight = true;
            let write = async move { Internal::Flushed(store.flush(flush).await) };
            self.internal.push(write.boxed());
        }
    }

    /// A chunk is in the view, or could not be written.
    pub(super) fn flushed(
        &mut self,
        result: Result<(), everturn_store::Error>,
    ) -> Result<(), everturn_store::Error> {
        self.chunk_in_flight = false;
        let chunk = self.chunk.take();
        result?;
        let Some(chunk) = chunk else {
            return Ok(());
        };
        Metrics::add(&self.shared.metrics.roots_flushed, chunk.marks.len() as u64);
        for mark in chunk.marks {
            self.unflushed_events = self.unflushed_events.saturating_sub(mark.events);
            let Some(hot) = self.roots.get_mut(&mark.key) else {
                continue;
            };
            hot.flushing = false;
            for (slot, through) in mark.journals {
                if let Some(journal) = hot.journals.get_mut(&slot) {
                    journal.mark_flushed(through);
                }
            }
            hot.messages.drain(..mark.messages.min(hot.messages.len()));
            for slot in mark.closed {
                hot.root.forget_closed(slot);
                if !hot.root.runs.contains_key(&slot) {
                    hot.journals.remove(&slot);
                    hot.waiters.remove(&slot);
                }
            }
            self.note_use(&mark.key);
        }
        if self
            .cycle
            .as_ref()
            .is_some_and(|cycle| cycle.queue.is_empty())
        {
            self.cycle = None;
            Metrics::add(&self.shared.metrics.log_trims, 1);
        }
        Ok(())
    }
}

/// Writes the rows of one root; returns what they cover and their size.
fn write_rows(key: &RootKey, hot: &mut Hot, waits: &Counts, flush: &mut Flush) -> (Mark, usize) {
    // Before the others, one of which may have the id of an earlier one.
    let forgotten = std::mem::take(&mut hot.root.forgotten_approvals);
    let root = &hot.root;
    let store_key = store_key(key);
    let mut mark = Mark {
        key: key.clone(),
        journals: Vec::new(),
        messages: hot.messages.len(),
        closed: Vec::new(),
        events: std::mem::take(&mut hot.unflushed_events),
    };
    let runs = &mut hot.shown_runs;
    let mut bytes = write_runs(root, &hot.journals, runs, &store_key, flush, &mut mark);
    if let (Some(first), Some(last)) = (hot.messages.first(), hot.messages.last()) {
        let messages = minicbor::to_vec(&hot.messages).expect("writing to memory cannot fail");
        let payload = pack(messages);
        bytes += payload.len();
        flush.messages.push(MessageChunk {
            key: store_key.clone(),
            first_sequence: first.sequence,
            last_sequence: last.sequence,
            payload,
        });
    }
    for approval in forgotten.iter().chain(root.approvals.values()) {
        let detail = minicbor::to_vec(approval).expect("writing to memory cannot fail");
        bytes += detail.len();
        flush.approvals.push(ApprovalRow {
            key: store_key.clone(),
            approval_id: approval.id.shared(),
            status: if approval.ended.is_none() { 1 } else { 2 },
            request_time: approval.requested.0,
            detail: Bytes::from(detail),
        });
    }
    let mut row = root_row(root, store_key, hot.applied_sequence);
    (row.values, row.forgotten_values) = hot.changed_values();
    bytes += row.snapshot.len();
    bytes += row.values.iter().map(|it| it.payload.len()).sum::<usize>();
    let is_conversation = row.kind == RootKind::Conversation;
    waits.change(is_conversation, &hot.shown, &row.wait);
    hot.shown = row.wait.clone();
    flush.roots.push(row);
    (mark, bytes)
}

fn write_runs(
    root: &Root,
    journals: &Map<Slot, crate::journal::Journal>,
    shown: &mut Map<Slot, WaitColumns>,
    store_key: &everturn_store::RootKey,
    flush: &mut Flush,
    mark: &mut Mark,
) -> usize {
    let mut bytes = 0;
    for run in root.runs.values() {
        let Some(journal) = journals.get(&run.slot) else {
            continue;
        };
        if !run.status.is_open() {
            // Also one that was written before, and was the main one then.
            mark.closed.push(run.slot);
        }
        let record = RunRecord::of(root, run);
        let wait = waiting::columns(record.wait.as_ref(), &run.task_queue);
        let unflushed = journal.unflushed().count();
        let waits_on = shown.get(&run.slot) == Some(&wait) || !run.status.is_open();
        if unflushed == 0 && waits_on {
            continue;
        }
        let run_id = run.run_id.0.to_be_bytes();
        if unflushed > 0 {
            let payload = encode_chunk(journal.unflushed());
            bytes += payload.len();
            flush.history.push(HistoryChunk {
                run_id,
                first_event_id: run.last_event + 1 - unflushed as u64,
                last_event_id: run.last_event,
                payload,
            });
        }
        if run.status.is_open() {
            shown.insert(run.slot, wait.clone());
        } else {
            shown.remove(&run.slot);
        }
        flush.runs.push(RunRow {
            run_id,
            key: store_key.clone(),
            workflow_id: run.workflow_id.shared(),
            type_name: run.type_name.shared(),
            task_queue: run.task_queue.shared(),
            status: run.status.code(),
            parent_workflow_id: record.parent.as_ref().map(|parent| parent.shared()),
            start_time: run.started.0,
            close_time: run.closed.map(|closed| closed.0),
            event_count: run.last_event,
            wait,
            detail: Bytes::from(minicbor::to_vec(&record).expect("writing to memory cannot fail")),
        });
        mark.journals.push((run.slot, run.last_event));
    }
    bytes
}

fn root_row(root: &Root, key: everturn_store::RootKey, applied_sequence: u64) -> RootRow {
    let mut wait = WaitColumns::default();
    let (kind, type_name, status, summary) = match &root.conversation {
        None if root.settings.is_some() => (RootKind::Settings, "".into(), 0, Vec::new()),
        None if root.contact.is_some() => (RootKind::Contact, "".into(), 0, Vec::new()),
        None if root.tombstone.is_some() => {
            let erased = root
                .tombstone
                .map(|it| ConversationRecord::erased(root, it));
            let summary = minicbor::to_vec(&erased).expect("writing to memory cannot fail");
            (RootKind::Conversation, "".into(), ERASED, summary)
        }
        Some(conversation) => {
            let record = ConversationRecord::of(root, conversation);
            wait = waiting::columns(record.wait.as_ref(), &conversation.task_queue);
            wait.unanswered_since = conversation.unanswered_since.map(|since| since.0);
            let summary = minicbor::to_vec(&record).expect("writing to memory cannot fail");
            let status = if conversation.is_open() { 1 } else { 2 };
            let type_name = conversation.type_name.shared();
            (RootKind::Conversation, type_name, status, summary)
        }
        None => {
            let main = root.main.and_then(|slot| root.runs.get(&slot));
            let type_name = main.map_or_else(|| "".into(), |run| run.type_name.shared());
            let status = main.map_or(0, |run| run.status.code());
            if let Some(run) = main {
                let waits = everturn_engine::waiting::run(root, run);
                wait = waiting::columns(waits.as_ref(), &run.task_queue);
            }
            (RootKind::Workflow, type_name, status, Vec::new())
        }
    };
    let (next_deadline, work_since) = due_columns(root);
    RootRow {
        key,
        kind,
        type_name,
        status,
        create_time: root.created.0,
        update_time: root.updated.0,
        next_deadline,
        work_since,
        wait,
        applied_sequence,
        snapshot: pack(root.encode()),
        values: Vec::new(),
        forgotten_values: Vec::new(),
        summary: Bytes::from(summary),
    }
}

/// When a root has something to do, and since when it has something to do now:
/// that is taken up after a restart.
pub(super) fn due_columns(root: &Root) -> (Option<i64>, Option<i64>) {
    let next_deadline = root.deadlines.next();
    let work_since = Some(root.updated).filter(|_| !root.is_waiting());
    (next_deadline.map(|at| at.0), work_since.map(|at| at.0))
}

#[cfg(test)]
mod tests;
