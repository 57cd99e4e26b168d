//! A root with everything below it, and its checksum.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use crate::Result;
use crate::row::{ApprovalRow, Flush, HistoryChunk, MessageChunk, RootKey, RootRow, RunRow};
use crate::transfer::Transfer;

/// A root with everything below it.
#[derive(Debug)]
pub(super) struct Bundle {
    pub root: RootRow,
    pub runs: Vec<RunRow>,
    pub history: Vec<HistoryChunk>,
    pub messages: Vec<MessageChunk>,
    pub approvals: Vec<ApprovalRow>,
}

/// Reads what is below roots, all of it into memory.
pub(super) async fn read(store: &dyn Transfer, roots: Vec<RootRow>) -> Result<Vec<Bundle>> {
    let keys: Vec<RootKey> = roots.iter().map(|root| root.key.clone()).collect();
    let mut bundles: BTreeMap<RootKey, Bundle> = roots
        .into_iter()
        .map(|root| (root.key.clone(), Bundle::of(root)))
        .collect();
    let (runs, messages, approvals) = futures::try_join!(
        store.runs_of(keys.clone()),
        store.transcripts_of(keys.clone()),
        store.approvals_of(keys),
    )?;
    let owners: HashMap<[u8; 16], RootKey> = runs
        .iter()
        .map(|run| (run.run_id, run.key.clone()))
        .collect();
    let journals = store.journals_of(owners.keys().copied().collect()).await?;
    for chunk in journals {
        let owner = owners.get(&chunk.run_id);
        if let Some(bundle) = owner.and_then(|key| bundles.get_mut(key)) {
            bundle.history.push(chunk);
        }
    }
    for run in runs {
        if let Some(bundle) = bundles.get_mut(&run.key) {
            bundle.runs.push(run);
        }
    }
    for chunk in messages {
        if let Some(bundle) = bundles.get_mut(&chunk.key) {
            bundle.messages.push(chunk);
        }
    }
    for approval in approvals {
        if let Some(bundle) = bundles.get_mut(&approval.key) {
            bundle.approvals.push(approval);
        }
    }
    for bundle in bundles.values_mut() {
        bundle.sort();
    }
    Ok(bundles.into_values().collect())
}

impl Bundle {
    fn of(root: RootRow) -> Self {
        Self {
            root,
            runs: Vec::new(),
            history: Vec::new(),
            messages: Vec::new(),
            approvals: Vec::new(),
        }
    }

    /// Brings it into the order that its checksum needs.
    fn sort(&mut self) {
        self.runs.sort_unstable_by_key(|run| run.run_id);
        self.history
            .sort_unstable_by_key(|chunk| (chunk.run_id, chunk.first_event_id));
        self.messages
            .sort_unstable_by_key(|chunk| chunk.first_sequence);
        self.approvals
            .sort_unstable_by(|one, other| one.approval_id.cmp(&other.approval_id));
    }

    /// Adds it to what is written.
    pub fn write(self, flush: &mut Flush) {
        flush.roots.push(self.root);
        flush.runs.extend(self.runs);
        flush.history.extend(self.history);
        flush.messages.extend(self.messages);
        flush.approvals.extend(self.approvals);
    }

    /// Roughly its size.
    pub fn bytes(&self) -> usize {
        let history: usize = self.history.iter().map(|chunk| chunk.payload.len()).sum();
        let messages: usize = self.messages.iter().map(|chunk| chunk.payload.len()).sum();
        self.root.snapshot.len() + history + messages
    }

    /// The same for the same content, in whatever store.
    pub fn checksum(&self) -> [u8; 32] {
        let mut sum = Sum(Sha256::new());
        sum.root(&self.root);
        for run in &self.runs {
            sum.run(run);
        }
        for chunk in &self.history {
            sum.bytes(&chunk.run_id);
            sum.number(chunk.first_event_id);
            sum.number(chunk.last_event_id);
            sum.bytes(&chunk.payload);
        }
        for chunk in &self.messages {
            sum.number(chunk.first_sequence);
            sum.number(chunk.last_sequence);
            sum.bytes(&chunk.payload);
        }
        for approval in &self.approvals {
            sum.bytes(approval.approval_id.as_bytes());
            sum.number(approval.status.into());
            sum.time(Some(approval.request_time));
            sum.bytes(&approval.detail);
        }
        sum.0.finalize().into()
    }
}

/// A checksum in the making: everything with its length, so that nothing runs
/// into its neighbour.
struct Sum(Sha256);

impl Sum {
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn time(&mut self, time: Option<i64>) {
        self.0.update([u8::from(time.is_some())]);
        self.0.update(time.unwrap_or(0).to_le_bytes());
    }

    fn root(&mut self, root: &RootRow) {
        for text in [&root.key.namespace, &root.key.root_id, &root.type_name] {
            self.bytes(text.as_bytes());
        }
        self.number(root.kind.code().unsigned_abs());
        self.number(root.status.into());
        for time in [
            Some(root.create_time),
            Some(root.update_time),
            root.next_deadline,
            root.work_since,
            root.wait.unanswered_since,
        ] {
            self.time(time);
        }
        self.number(root.wait.reason.into());
        self.bytes(root.wait.queue.as_bytes());
        self.number(root.applied_sequence);
        self.bytes(&root.snapshot);
        self.bytes(&root.summary);
        for value in &root.values {
            self.number(value.version);
            self.bytes(&value.payload);
        }
    }

    fn run(&mut self, run: &RunRow) {
        self.bytes(&run.run_id);
        for text in [
            &run.workflow_id,
            &run.type_name,
            &run.task_queue,
            &run.wait.queue,
        ] {
            self.bytes(text.as_bytes());
        }
        self.bytes(
            run.parent_workflow_id
                .as_deref()
                .unwrap_or_default()
                .as_bytes(),
        );
        self.number(run.status.into());
        self.time(Some(run.start_time));
        self.time(run.close_time);
        self.number(run.event_count);
        self.number(run.wait.reason.into());
        self.bytes(&run.detail);
    }
}
