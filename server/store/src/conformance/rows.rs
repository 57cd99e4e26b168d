//! Rows for the cases.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    Append, Flush, HistoryChunk, LogRow, MessageChunk, Result, RootKey, RootKind, RootRow, RunRow,
    Store, WaitColumns,
};

/// A partition in the hands of a case.
pub struct Owned {
    pub partition: u32,
    pub epoch: u32,
    pub sequence: u64,
}

impl Owned {
    /// Takes a partition.
    pub async fn take(store: &Arc<dyn Store>, partition: u32) -> Result<Self> {
        let (epoch, sequence) = store.acquire(partition).await?;
        Ok(Self {
            partition,
            epoch,
            sequence,
        })
    }

    /// The next append.
    pub fn next(&mut self, payload: impl Into<Bytes>) -> Append {
        self.sequence += 1;
        Append {
            partition: self.partition,
            owner_epoch: self.epoch,
            sequence: self.sequence,
            payload: payload.into(),
        }
    }

    /// Appends one row.
    pub async fn append(&mut self, store: &Arc<dyn Store>, payload: &'static str) -> Result<()> {
        let append = self.next(payload);
        store.append(vec![append]).await
    }

    /// A flush with nothing in it.
    #[must_use]
    pub fn flush(&self) -> Flush {
        Flush {
            partition: self.partition,
            owner_epoch: self.epoch,
            roots: Vec::new(),
            runs: Vec::new(),
            history: Vec::new(),
            messages: Vec::new(),
            trim_log_through: None,
            ..Flush::default()
        }
    }
}

/// All rows of a log, payloads as text.
pub async fn whole_log(store: &Arc<dyn Store>, partition: u32) -> Result<Vec<(u64, String)>> {
    let rows = store.read_log(partition, 0, usize::MAX).await?;
    Ok(rows.into_iter().map(readable).collect())
}

fn readable(row: LogRow) -> (u64, String) {
    (
        row.sequence,
        String::from_utf8_lossy(&row.payload).into_owned(),
    )
}

#[must_use]
pub fn key(namespace: &str, root_id: &str) -> RootKey {
    RootKey {
        namespace: namespace.into(),
        root_id: root_id.into(),
    }
}

/// A conversation with something in every column.
#[must_use]
pub fn root(root_id: &str) -> RootRow {
    RootRow {
        key: key("default", root_id),
        kind: RootKind::Conversation,
        type_name: "support".into(),
        status: 1,
        create_time: 1_000,
        update_time: 2_000,
        next_deadline: None,
        work_since: None,
        wait: WaitColumns {
            reason: 3,
            queue: "a:agents".into(),
            unanswered_since: Some(1_500),
        },
        applied_sequence: 1,
        snapshot: Bytes::from(format!("state of {root_id}")),
        values: Vec::new(),
        forgotten_values: Vec::new(),
        summary: Bytes::from(format!("summary of {root_id}")),
    }
}

#[must_use]
pub fn run_id(number: u64) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

/// A closed child run with something in every column.
#[must_use]
pub fn run(number: u64, workflow_id: &str) -> RunRow {
    RunRow {
        run_id: run_id(number),
        key: key("default", "order-7"),
        workflow_id: workflow_id.into(),
        type_name: "refund".into(),
        task_queue: "payments".into(),
        status: 2,
        parent_workflow_id: Some("order-7".into()),
        start_time: 3_000,
        close_time: Some(4_000),
        event_count: 12,
        wait: WaitColumns::default(),
        detail: Bytes::from_static(b"detail"),
    }
}

/// Events `first..=last` of a journal; the payload has `size` bytes.
#[must_use]
pub fn history(number: u64, first: u64, last: u64, size: usize) -> HistoryChunk {
    HistoryChunk {
        run_id: run_id(number),
        first_event_id: first,
        last_event_id: last,
        payload: Bytes::from(vec![b'h'; size]),
    }
}

/// Messages `first..=last` of a transcript; the payload has `size` bytes.
#[must_use]
pub fn messages(root: &RootKey, first: u64, last: u64, size: usize) -> MessageChunk {
    MessageChunk {
        key: root.clone(),
        first_sequence: first,
        last_sequence: last,
        payload: Bytes::from(vec![b'm'; size]),
    }
}
