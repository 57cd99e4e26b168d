//! The journals of runs as they leave the engine: entries, and their stored
//! form in chunks.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use everturn_engine::event::{RunEvent, Slot};
use everturn_engine::state::root::Root;
use everturn_engine::state::turn::TurnContext;
use everturn_engine::text::{RootId, Text, TypeName};
use everturn_engine::value::{Failure, Message, Outcome, Payload, Time};
use minicbor::{Decode, Encode};

use crate::stored::{pack, unpack};

/// One event of a run's journal.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Entry {
    /// Position in the journal.
    #[n(0)]
    pub id: u64,
    /// Log time.
    #[n(1)]
    pub time: Time,
    /// What happened.
    #[n(2)]
    pub event: RunEvent,
    /// With the first event of a turn: what the turn was given. Journals written
    /// since refer to it.
    #[n(3)]
    pub turn: Option<TurnInput>,
    /// With the first event of a turn: where to find what it was given.
    #[n(4)]
    pub(crate) turn_ref: Option<Box<TurnRef>>,
}

impl Entry {
    /// Roughly what the entry adds to a message on the wire, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        const FRAME: usize = 64;
        let payload = match &self.event {
            RunEvent::Started(started) => {
                let input = started.input.as_ref().map_or(0, Payload::size_bytes);
                let turn = self.turn.as_ref().map_or(0, |turn| {
                    let context = &turn.context;
                    let messages = context.messages.iter().chain(&context.recent);
                    let messages: usize = messages.map(|m| m.content.size_bytes() + FRAME).sum();
                    messages + context.state.size_bytes
                });
                input + turn
            }
            RunEvent::ActivityScheduled { input, .. } => input.size_bytes(),
            RunEvent::ActivityCompleted { result, .. } => result.size_bytes(),
            RunEvent::SignalReceived { input, .. } | RunEvent::SignalScheduled { input, .. } => {
                input.size_bytes()
            }
            RunEvent::StateSet { value, .. } => value.as_ref().map_or(0, Payload::size_bytes),
            RunEvent::MessageSuppressed { content, .. } => content.size_bytes(),
            RunEvent::MessageHeld { message, .. } => message.content.size_bytes(),
            RunEvent::AskAnswered { messages, .. }
            | RunEvent::MessagesArrived { messages }
            | RunEvent::HandedBack { messages, .. } => messages
                .iter()
                .map(|m| m.content.size_bytes() + FRAME)
                .sum(),
            RunEvent::EventsArrived { events } => {
                events.iter().map(|e| e.payload.size_bytes() + FRAME).sum()
            }
            RunEvent::LocalRecorded { outcome, .. }
            | RunEvent::Closed { outcome, .. }
            | RunEvent::ChildClosed { outcome, .. } => match outcome {
                Outcome::Completed(result) => result.size_bytes(),
                Outcome::Failed(failure) => failure_bytes(failure),
            },
            RunEvent::ActivityFailed { failure, .. }
            | RunEvent::CommandFailed { failure, .. }
            | RunEvent::ProblemRecorded { failure, .. }
            | RunEvent::ActivityAttemptFailed { failure, .. } => failure_bytes(failure),
            _ => 0,
        };
        FRAME + payload
    }
}

fn failure_bytes(failure: &Failure) -> usize {
    let own = failure.message.as_str().len()
        + failure.stack_trace.as_str().len()
        + failure.details.as_ref().map_or(0, Payload::size_bytes);
    let causes = failure.cause.as_deref().into_iter();
    let causes = causes.chain(&failure.more_causes);
    own + causes.map(failure_bytes).sum::<usize>()
}

/// What the code of a turn is given.
#[derive(Clone, Debug, Encode, Decode)]
pub struct TurnInput {
    /// Id of the conversation.
    #[n(0)]
    pub conversation_id: RootId,
    /// Type of the conversation.
    #[n(1)]
    pub conversation_type: TypeName,
    /// Number of the turn.
    #[n(2)]
    pub number: u64,
    /// Messages, transcript's end, state, reply channel.
    #[n(3)]
    pub context: TurnContext,
    /// For a worker that keeps the values of states: the versions of those that
    /// it is to keep. Those that are not in the context it has.
    #[cbor(skip)]
    pub versions: BTreeMap<Text, u64>,
}

/// What the code of a turn is given, by where it is found: while the turn is
/// open in its conversation, afterwards in the transcript. The values of the
/// state are gone then.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) struct TurnRef {
    /// Without messages and state.
    #[n(0)]
    pub input: TurnInput,
    /// Positions of the messages to answer.
    #[n(1)]
    pub messages: Vec<u64>,
    /// Positions of the messages before them.
    #[n(2)]
    pub recent: Vec<u64>,
    /// End of the transcript when the turn started: later edits are not for it.
    #[n(3)]
    pub through: u64,
}

impl TurnInput {
    /// What the current turn of a conversation was given, if it is the one in
    /// this slot.
    pub(crate) fn of(root: &Root, slot: Slot) -> Option<Self> {
        let conversation = root.conversation.as_ref()?;
        let turn = conversation.turn.as_ref().filter(|it| it.slot == slot)?;
        Some(Self {
            conversation_id: root.key.id.clone(),
            conversation_type: conversation.type_name.clone(),
            number: turn.number,
            context: turn.given_context(),
            versions: BTreeMap::new(),
        })
    }
}

impl TurnRef {
    /// Of the turn that has just started in a slot. One may start and end within
    /// one transition only when it is terminated; then its input is of no use.
    pub fn of(root: &Root, slot: Slot) -> Option<Self> {
        let conversation = root.conversation.as_ref()?;
        let turn = conversation.turn.as_ref().filter(|it| it.slot == slot)?;
        let context = &turn.context;
        let positions = |messages: &[Message]| messages.iter().map(|it| it.sequence).collect();
        Some(Self {
            messages: positions(&context.messages),
            recent: positions(&context.recent),
            through: conversation.message_count,
            input: TurnInput {
                conversation_id: root.key.id.clone(),
                conversation_type: conversation.type_name.clone(),
                number: turn.number,
                context: context.without_content(),
                versions: BTreeMap::new(),
            },
        })
    }
}

/// As many entries as fit into a page, at least one; whether these are all.
pub(crate) fn page<'a>(
    entries: impl Iterator<Item = &'a Arc<Entry>>,
    page_bytes: usize,
) -> (Vec<Arc<Entry>>, bool) {
    let mut taken = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        if bytes >= page_bytes {
            return (taken, false);
        }
        bytes += entry.size_bytes();
        taken.push(Arc::clone(entry));
    }
    (taken, true)
}

/// Puts what a turn was given into the first entry of its journal, if that is
/// the first one here. Whether the page still holds them all: those that do not
/// fit any more are left out.
pub(crate) fn with_input(
    entries: &mut Vec<Arc<Entry>>,
    page_bytes: usize,
    input: impl FnOnce() -> Option<TurnInput>,
) -> bool {
    let first = entries.first_mut();
    let Some(first) = first.filter(|it| it.id == 1 && it.turn_ref.is_some()) else {
        return true;
    };
    let Some(input) = input() else {
        return true;
    };
    *first = Arc::new(Entry {
        turn: Some(input),
        ..Entry::clone(first)
    });
    let (kept, is_whole) = page(entries.iter(), page_bytes);
    *entries = kept;
    is_whole
}

/// The part of a run's journal that is held in memory: the newest entries.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Entries with dense ids, oldest first.
    entries: std::collections::VecDeque<Arc<Entry>>,
    /// The view holds the entries up to this id.
    flushed: u64,
}

/// Entries of an open run kept in memory beside the unwritten ones, for
/// workers that lost their cache.
const KEPT_ENTRIES: usize = 256;

impl Journal {
    /// A journal whose first entries are in the view only.
    pub fn after(flushed: u64) -> Self {
        Self {
            entries: std::collections::VecDeque::new(),
            flushed,
        }
    }

    /// Appends an entry.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push_back(Arc::new(entry));
    }

    /// Whether all entries after `id` are in memory.
    pub fn reaches_back_to(&self, id: u64) -> bool {
        match self.entries.front() {
            Some(first) => first.id <= id + 1,
            None => self.flushed <= id,
        }
    }

    /// Id of the first entry in memory, or of the next one to come.
    pub fn first_id(&self) -> u64 {
        self.entries.front().map_or(self.flushed + 1, |e| e.id)
    }

    /// The entries in memory after `id`.
    pub fn entries_after(&self, id: u64) -> impl Iterator<Item = &Arc<Entry>> {
        let skip = match self.entries.front() {
            Some(first) => (id + 1).saturating_sub(first.id) as usize,
            None => 0,
        };
        self.entries.iter().skip(skip)
    }

    /// The entries that the view does not hold.
    pub fn unflushed(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries_after(self.flushed)
    }

    /// The view holds the entries up to `id` now: drops old ones.
    pub fn mark_flushed(&mut self, id: u64) {
        self.flushed = self.flushed.max(id);
        while self.entries.len() > KEPT_ENTRIES
            && self.entries.front().is_some_and(|e| e.id <= self.flushed)
        {
            self.entries.pop_front();
        }
    }
}

/// The stored form of consecutive entries.
pub(crate) fn encode_chunk<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Bytes {
    let mut bytes = Vec::new();
    for entry in entries {
        minicbor::encode(entry.as_ref(), &mut bytes).expect("writing to memory cannot fail");
    }
    pack(bytes)
}

/// Reads a stored chunk.
pub(crate) fn decode_chunk(bytes: &[u8]) -> Result<Vec<Arc<Entry>>, minicbor::decode::Error> {
    let bytes = unpack(bytes)?;
    let mut decoder = minicbor::Decoder::new(&bytes);
    let mut entries = Vec::new();
    while decoder.position() < bytes.len() {
        entries.push(Arc::new(decoder.decode::<Entry>()?));
    }
    Ok(entries)
}
