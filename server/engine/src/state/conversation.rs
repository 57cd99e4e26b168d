//! A conversation: mailbox, transcript's end, state, and its current turn.

use std::collections::{BTreeMap, VecDeque};

use minicbor::{Decode, Encode};

use crate::event::Slot;
use crate::limits;
use crate::policy::TurnPolicy;
use crate::text::{QueueName, StepKey, Text, TypeName};
use crate::value::{Message, Payload, Time};

/// A durable conversation with a customer.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Conversation {
    /// Workflow type that handles its turns.
    #[n(0)]
    pub type_name: TypeName,
    /// Task queue of its turns.
    #[n(1)]
    pub task_queue: QueueName,
    /// How messages become turns.
    #[n(2)]
    pub policy: TurnPolicy,
    /// Why it was closed, if it was.
    #[n(3)]
    pub closed: Option<Text>,
    /// Channel of the last inbound message.
    #[n(4)]
    pub reply_channel: Text,
    /// Messages in the transcript.
    #[n(5)]
    pub message_count: u64,
    /// Turns started so far.
    #[n(6)]
    pub turn_count: u64,
    /// Inbound messages that no turn has taken, oldest first.
    #[n(7)]
    pub mailbox: VecDeque<Message>,
    /// The end of the transcript, without the mailbox.
    #[n(8)]
    pub recent: VecDeque<Message>,
    /// The current turn.
    #[n(9)]
    pub turn: Option<Turn>,
    /// Entries written by its code.
    #[n(10)]
    pub state: State,
    /// Provider ids of the last inbound messages, oldest first.
    #[n(11)]
    pub remembered: VecDeque<Remembered>,
}

/// An inbound message that would be recognised if it came again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Remembered {
    /// Hash of its channel and provider id.
    #[n(0)]
    pub hash: u64,
    /// Its position in the transcript.
    #[n(1)]
    pub sequence: u64,
    /// When it was accepted.
    #[n(2)]
    pub time: Time,
}

/// The current turn of a conversation.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Turn {
    /// Number of the turn, from 1.
    #[n(0)]
    pub number: u64,
    /// Slot of its run.
    #[n(1)]
    pub slot: Slot,
    /// When it started.
    #[n(2)]
    pub started: Time,
    /// Until when it may clean up, once it was interrupted.
    #[n(3)]
    pub interrupted: Option<Time>,
    /// It has sent a message, so its messages count as answered.
    #[n(4)]
    pub replied: bool,
    /// Key of the open ask.
    #[n(5)]
    pub ask: Option<StepKey>,
    /// The last answer to an ask: event id, key, messages.
    #[n(6)]
    pub answer: Option<Answer>,
    /// What its code was given.
    #[n(7)]
    pub context: TurnContext,
}

/// The answer that a turn's ask was given last.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Answer {
    /// Event id of the `AskAnswered`.
    #[n(0)]
    pub event: u64,
    /// Key of the ask.
    #[n(1)]
    pub key: StepKey,
    /// The messages.
    #[n(2)]
    pub messages: Vec<Message>,
}

/// What the code of a turn is given when it starts.
#[derive(Clone, Debug, Encode, Decode)]
pub struct TurnContext {
    /// The messages to answer.
    #[n(0)]
    pub messages: Vec<Message>,
    /// The end of the transcript before them.
    #[n(1)]
    pub recent: Vec<Message>,
    /// The state when the turn started.
    #[n(2)]
    pub state: State,
    /// Where a reply goes by default.
    #[n(3)]
    pub reply_channel: Text,
}

/// Entries written by user code, with their size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct State {
    /// The entries.
    #[n(0)]
    pub entries: BTreeMap<Text, Payload>,
    /// Bytes of all names and values.
    #[n(1)]
    pub size_bytes: usize,
}

impl State {
    /// Writes an entry, or removes it.
    pub fn set(&mut self, name: &Text, value: Option<Payload>) {
        if let Some(before) = self.entries.remove(name) {
            self.size_bytes -= entry_bytes(name, &before);
        }
        if let Some(value) = value {
            self.size_bytes += entry_bytes(name, &value);
            self.entries.insert(name.clone(), value);
        }
    }
}

/// Bytes that an entry counts against the limit of the state.
#[must_use]
pub fn entry_bytes(name: &Text, value: &Payload) -> usize {
    name.as_str().len() + value.size_bytes()
}

impl Conversation {
    /// Whether it takes messages.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// When the waiting messages are due to be taken, if any wait.
    #[must_use]
    pub fn burst_due(&self) -> Option<Time> {
        let first = self.mailbox.front()?;
        let last = self.mailbox.back()?;
        let full = self.policy.max_messages != 0
            && self.mailbox.len() >= self.policy.max_messages as usize;
        if full {
            return Some(last.time);
        }
        let quiet = last.time + self.policy.quiet;
        Some(quiet.min(first.time + self.policy.max_wait.max(self.policy.quiet)))
    }

    /// The remembered message with this hash of channel and provider id.
    #[must_use]
    pub fn remembered(&self, hash: u64) -> Option<Remembered> {
        self.remembered
            .iter()
            .rev()
            .find(|r| r.hash == hash)
            .copied()
    }

    /// Adds a message to the transcript's end and drops the oldest ones
    /// beyond the bounds.
    pub(super) fn push_recent(&mut self, message: Message) {
        self.recent.push_back(message);
        let mut bytes: usize = self.recent.iter().map(|m| m.content.size_bytes()).sum();
        while self.recent.len() > limits::RECENT_MESSAGES || bytes > limits::RECENT_BYTES {
            match self.recent.pop_front() {
                Some(dropped) => bytes -= dropped.content.size_bytes(),
                None => return,
            }
        }
    }

    /// Takes the waiting messages up to a sequence out of the mailbox and
    /// into the transcript's end.
    pub(super) fn take_mailbox(&mut self, through: u64) -> Vec<Message> {
        let count = self
            .mailbox
            .iter()
            .take_while(|m| m.sequence <= through)
            .count();
        let taken: Vec<Message> = self.mailbox.drain(..count).collect();
        for message in &taken {
            self.push_recent(message.clone());
        }
        taken
    }

    /// Puts messages that were taken but not answered back to the front.
    pub(super) fn return_to_mailbox(&mut self, messages: Vec<Message>) {
        for message in messages.into_iter().rev() {
            self.recent.retain(|m| m.sequence != message.sequence);
            self.mailbox.push_front(message);
        }
    }
}
