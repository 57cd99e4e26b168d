//! Reads that span memory and view.

use std::collections::BTreeMap;
use std::sync::Arc;

use everturn_engine::event::RunId;
use everturn_engine::rejection::Rejection;
use everturn_engine::state::approval::Approval;
use everturn_engine::text::RootKey;
use everturn_engine::value::{Message, Time};

use crate::error::Error;
use crate::handle::visit;
use crate::journal::{Entry, decode_chunk};
use crate::partition::Shared;
use crate::record::{ConversationRecord, DeliveryRecord, RunRecord};
use crate::stored::unpack;

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
struct TranscriptRead {
    /// Position of the first message that was in memory.
    first_in_memory: u64,
    /// The wanted messages that were in memory.
    newer: Vec<Message>,
    /// Deliveries that are remembered.
    deliveries: BTreeMap<u64, DeliveryRecord>,
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

/// Messages that are looked at together when they are put in order.
const READ_MESSAGES: usize = 1_000;
/// Bytes of journal read from the view at once.
const READ_BYTES: usize = 1024 * 1024;

/// A read of a journal whose older part is in the view.
pub(crate) struct JournalRead {
    pub run_id: RunId,
    /// Only events after this one.
    pub after: u64,
    /// Entries that were read from the view before, in order; or none.
    pub beginning: Vec<Arc<Entry>>,
    /// Id of the first entry that was in memory.
    pub first_in_memory: u64,
    /// The entries that were in memory.
    pub newer: Vec<Arc<Entry>>,
    pub max_events: usize,
}

impl JournalRead {
    /// Reads as much as fits into a page; the flag says whether there is more.
    pub async fn run(self, shared: &Shared) -> Result<(Vec<Arc<Entry>>, bool), Error> {
        let mut page = JournalPage {
            entries: Vec::new(),
            bytes: 0,
            after: self.after,
            max_bytes: shared.options.page_bytes,
            max_events: self.max_events,
        };
        if page.take_all(self.beginning, self.first_in_memory) {
            return Ok((page.entries, true));
        }
        while page.after + 1 < self.first_in_memory {
            let run_id = self.run_id.0.to_be_bytes();
            let chunks = shared.store.load_history(run_id, page.after, READ_BYTES);
            let before = page.after;
            for chunk in chunks.await? {
                let read = decode_chunk(&chunk.payload).map_err(|e| Error::internal(&e))?;
                if page.take_all(read, self.first_in_memory) {
                    return Ok((page.entries, true));
                }
            }
            if page.after == before {
                break;
            }
        }
        let is_full = page.take_all(self.newer, u64::MAX);
        Ok((page.entries, is_full))
    }
}

/// A page in the making.
struct JournalPage {
    entries: Vec<Arc<Entry>>,
    bytes: usize,
    /// Only events after this one.
    after: u64,
    max_bytes: usize,
    max_events: usize,
}

impl JournalPage {
    /// Takes the entries that come next, up to one; whether one did not fit.
    fn take_all(&mut self, entries: Vec<Arc<Entry>>, end: u64) -> bool {
        for entry in entries {
            if entry.id <= self.after || entry.id >= end {
                continue;
            }
            if self.bytes >= self.max_bytes || self.entries.len() >= self.max_events {
                return true;
            }
            self.after = entry.id;
            self.bytes += entry.size_bytes();
            self.entries.push(entry);
        }
        false
    }
}

/// Reads a part of the transcript of a conversation.
///
/// # Errors
/// `ConversationNotFound`.
pub(crate) async fn read_transcript(
    shared: &Arc<Shared>,
    key: &RootKey,
    after: u64,
    max_count: usize,
) -> Result<MessagePage, Error> {
    let held = visit(shared, key.clone(), false, move |scope| {
        let root = &scope.hot.root;
        let Some(conversation) = &root.conversation else {
            let erased = root.tombstone.is_some();
            return if erased {
                Ok(None)
            } else {
                Err(Rejection::ConversationNotFound.into())
            };
        };
        let deliveries = conversation.deliveries.range(after.saturating_add(1)..);
        let record = |it| DeliveryRecord::of(conversation, it);
        let deliveries = deliveries.map(|(sequence, it)| (*sequence, record(it)));
        let newer = scope.hot.messages.iter().filter(|m| m.sequence > after);
        let reaches_back = scope.hot.messages.first().map(|m| m.sequence);
        Ok(Some(TranscriptRead {
            first_in_memory: reaches_back.unwrap_or(u64::MAX),
            newer: newer.cloned().collect(),
            deliveries: deliveries.collect(),
        }))
    });
    let Some(read) = held.await? else {
        return Ok(MessagePage::default());
    };
    read_messages(shared, key, after, read, max_count).await
}

/// The same in the order of time, after a place in it. Only messages that were
/// said elsewhere are not in their places: then the transcript is read to its
/// end, and only the page kept.
///
/// # Errors
/// `ConversationNotFound`.
pub(crate) async fn read_by_time(
    shared: &Arc<Shared>,
    key: &RootKey,
    after: Option<(Time, u64)>,
    max_count: usize,
) -> Result<MessagePage, Error> {
    let mixed = visit(shared, key.clone(), false, |scope| {
        let conversation = scope.hot.root.conversation.as_ref();
        Ok(conversation.is_some_and(|it| it.imported > 0 || !it.absorbed.is_empty()))
    });
    if !mixed.await? {
        let after = after.map_or(0, |(_, sequence)| sequence);
        return read_transcript(shared, key, after, max_count).await;
    }
    let mut first = BTreeMap::new();
    let mut bytes = 0;
    let mut deliveries = BTreeMap::new();
    let (mut through, mut more) = (0, false);
    loop {
        let page = read_transcript(shared, key, through, READ_MESSAGES).await?;
        through = page.messages.last().map_or(through, |last| last.sequence);
        for message in page.messages {
            let place = (message.time, message.sequence);
            if after.is_some_and(|after| place <= after) {
                continue;
            }
            bytes += message_bytes(&message);
            first.insert(place, message);
            while first.len() > 1
                && (first.len() > max_count || bytes > shared.options.page_bytes)
                && let Some((_, last)) = first.pop_last()
            {
                bytes -= message_bytes(&last);
                more = true;
            }
        }
        deliveries.extend(page.deliveries);
        if !page.more {
            break;
        }
    }
    Ok(MessagePage {
        messages: first.into_values().collect(),
        deliveries,
        more,
    })
}

/// What a message counts for in a page.
fn message_bytes(message: &Message) -> usize {
    message.content.size_bytes() + 64
}

/// Reads messages after `after` from the view, up to the first one that was in
/// memory, then those.
async fn read_messages(
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
        bytes += message_bytes(&message);
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
            let read: Vec<Message> = unpack(&chunk.payload)
                .and_then(|cbor| minicbor::decode(&cbor))
                .map_err(|e| Error::internal(&e))?;
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
