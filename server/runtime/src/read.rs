//! Reads that span memory and view, and errands between roots.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use everturn_engine::decide::{RunRef, SignalWorkflow, settle_signal, signal_workflow};
use everturn_engine::event::{RunId, Slot};
use everturn_engine::hash::stable_hash;
use everturn_engine::rejection::Rejection;
use everturn_engine::state::approval::Approval;
use everturn_engine::text::{RootKey, Text, WorkflowId};
use everturn_engine::value::{Failure, FailureKind, Message, Payload};

use crate::error::Error;
use crate::handle::visit;
use crate::journal::{Entry, decode_chunk};
use crate::partition::Shared;
use crate::record::{ConversationRecord, DeliveryRecord, RunRecord};

/// A part of the journal of a run.
#[derive(Debug)]
pub struct HistoryPage {
    /// Which run it is.
    pub run_id: RunId,
    /// The events, oldest first.
    pub entries: Vec<Arc<Entry>>,
    /// There are more.
    pub more: bool,
}

/// A part of the transcript of a conversation.
#[derive(Debug, Default)]
pub struct MessagePage {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Deliveries of messages among them.
    pub deliveries: BTreeMap<u64, DeliveryRecord>,
    /// There are more.
    pub more: bool,
}

/// A page of approvals, last requested first.
#[derive(Debug)]
pub struct ApprovalPage {
    /// The approvals.
    pub approvals: Vec<Approval>,
    /// Where the next page begins, if there is one.
    pub next: Option<everturn_store::Cursor>,
}

/// A read of a transcript whose older part is in the view.
pub(crate) struct TranscriptRead {
    /// Position of the first message that was in memory.
    pub first_in_memory: u64,
    /// The wanted messages that were in memory.
    pub newer: Vec<Message>,
    /// Deliveries that are remembered.
    pub deliveries: BTreeMap<u64, DeliveryRecord>,
}

/// A page of conversations, last updated first.
#[derive(Debug)]
pub struct ConversationPage {
    /// The conversations, without their states.
    pub conversations: Vec<ConversationRecord>,
    /// Where the next page begins, if there is one.
    pub next: Option<everturn_store::Cursor>,
}

/// A page of runs, last started first.
#[derive(Debug)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunRecord>,
    /// Where the next page begins, if there is one.
    pub next: Option<everturn_store::Cursor>,
}

/// Bytes of journal read from the view at once.
const READ_BYTES: usize = 1024 * 1024;

/// A read of a journal whose older part is in the view.
pub(crate) struct JournalRead {
    pub run_id: RunId,
    /// Only events after this one.
    pub after: u64,
    /// Id of the first entry that was in memory.
    pub first_in_memory: u64,
    /// The entries that were in memory.
    pub newer: Vec<Arc<Entry>>,
    pub max_events: usize,
}

impl JournalRead {
    /// Reads as much as fits into a page; the flag says whether there is more.
    pub async fn run(self, shared: &Shared) -> Result<(Vec<Arc<Entry>>, bool), Error> {
        let page_bytes = shared.options.page_bytes;
        let mut entries: Vec<Arc<Entry>> = Vec::new();
        let mut bytes = 0;
        let mut after = self.after;
        while after + 1 < self.first_in_memory {
            let run_id = self.run_id.0.to_be_bytes();
            let chunks = shared.store.load_history(run_id, after, READ_BYTES).await?;
            let before = after;
            for chunk in chunks {
                let read = decode_chunk(&chunk.payload).map_err(|e| Error::internal(&e))?;
                for entry in read {
                    if entry.id <= after || entry.id >= self.first_in_memory {
                        continue;
                    }
                    if bytes >= page_bytes || entries.len() >= self.max_events {
                        return Ok((entries, true));
                    }
                    after = entry.id;
                    bytes += entry.size_bytes();
                    entries.push(entry);
                }
            }
            if after == before {
                break;
            }
        }
        for entry in self.newer {
            if entry.id <= after {
                continue;
            }
            if bytes >= page_bytes || entries.len() >= self.max_events {
                return Ok((entries, true));
            }
            bytes += entry.size_bytes();
            entries.push(entry);
        }
        Ok((entries, false))
    }
}

/// Reads messages after `after` from the view, up to the first one that was in
/// memory, then those.
pub(crate) async fn read_messages(
    shared: &Shared,
    key: &RootKey,
    after: u64,
    read: TranscriptRead,
    max_count: usize,
) -> Result<MessagePage, Error> {
    let first_in_memory = read.first_in_memory;
    let mut page = MessagePage {
        messages: Vec::new(),
        deliveries: read.deliveries,
        more: false,
    };
    let mut bytes = 0;
    let mut after = after;
    let mut take = |page: &mut MessagePage, message: Message| {
        if bytes >= shared.options.page_bytes || page.messages.len() >= max_count {
            page.more = true;
            return false;
        }
        bytes += message.content.size_bytes() + 64;
        page.messages.push(message);
        true
    };
    while after.saturating_add(1) < first_in_memory {
        let store_key = crate::keys::store_key(key);
        let chunks = shared
            .store
            .load_messages(store_key, after, READ_BYTES)
            .await?;
        let before = after;
        for chunk in chunks {
            let read: Vec<Message> =
                minicbor::decode(&chunk.payload).map_err(|e| Error::internal(&e))?;
            for message in read {
                if message.sequence <= after || message.sequence >= first_in_memory {
                    continue;
                }
                after = message.sequence;
                if !take(&mut page, message) {
                    return Ok(page);
                }
            }
        }
        if after == before {
            break;
        }
    }
    for message in read.newer {
        if message.sequence > after && !take(&mut page, message) {
            break;
        }
    }
    Ok(page)
}

/// A signal on its way from one root to another. It is repeated until it is
/// settled; the receiver knows it by its request hash.
pub(crate) struct SignalErrand {
    pub sender: RootKey,
    pub slot: Slot,
    pub signal: u64,
    pub run_id: RunId,
    pub workflow_id: WorkflowId,
    pub name: Text,
    pub input: Payload,
}

/// Bounds of the delay between two attempts to deliver a signal.
const ERRAND_DELAY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

impl SignalErrand {
    /// Delivers the signal and reports to the sender.
    pub async fn run(self, shared: Arc<Shared>) {
        let hash = stable_hash(&[
            b"signal",
            &self.run_id.0.to_be_bytes(),
            &self.signal.to_be_bytes(),
        ]);
        let key = RootKey {
            namespace: self.sender.namespace.clone(),
            id: self.workflow_id.root_id(),
        };
        let request = SignalWorkflow {
            target: RunRef {
                workflow_id: self.workflow_id.clone(),
                run_id: None,
            },
            name: self.name.clone(),
            input: self.input.clone(),
            request: hash.into(),
        };
        let mut delay = ERRAND_DELAY.0;
        let failure = loop {
            let request = request.clone();
            let delivered = visit(&shared, key.clone(), false, move |scope| {
                Ok(signal_workflow(&mut scope.transaction(), request)?)
            });
            match delivered.await {
                Ok(()) => break None,
                Err(Error::Rejected(rejection)) => break Some(refusal(&rejection)),
                Err(Error::Draining) => return,
                Err(_) => {
                    tokio::time::sleep(delay).await;
                    delay = (delay * 2).min(ERRAND_DELAY.1);
                }
            }
        };
        let (slot, signal) = (self.slot, self.signal);
        let settled = visit(&shared, self.sender, false, move |scope| {
            settle_signal(&mut scope.transaction(), slot, signal, failure);
            Ok(())
        });
        // If it fails the sender is reloaded and sends the signal again; the
        // receiver knows it by then.
        let _ = settled.await;
    }
}

fn refusal(rejection: &Rejection) -> Failure {
    let type_name = match rejection {
        Rejection::RunClosed => "RUN_CLOSED",
        Rejection::LimitExceeded { .. } => "LIMIT_EXCEEDED",
        _ => "RUN_NOT_FOUND",
    };
    Failure::new(FailureKind::Application, type_name, &rejection.to_string())
}
