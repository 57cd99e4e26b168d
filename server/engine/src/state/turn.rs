//! The current turn of a conversation, and how the last one ended.

use std::collections::{BTreeMap, VecDeque};

use minicbor::{Decode, Encode};

use crate::event::{RunId, RunStatus, Slot, TurnCause};
use crate::limits;
use crate::policy::TurnPolicy;
use crate::state::bounded::{event_bytes, message_bytes, trim};
use crate::state::entries::{State, Values};
use crate::state::episode::DoneStep;
use crate::text::{StepKey, Text};
use crate::value::{Failure, InboundEvent, Message, Time};

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
    /// Why it started.
    #[n(8)]
    pub cause: TurnCause,
    /// Agents write first: quiet hours and the frequency cap hold.
    #[n(9)]
    pub proactive: bool,
    /// Key of the hand-off that it waits for.
    #[n(10)]
    pub hand_off: Option<StepKey>,
    /// Messages that arrived in it after its last reply: when it ends they
    /// are the next turn's to answer.
    #[n(11)]
    pub unanswered: Vec<Message>,
    /// Messages that answered its asks, or came with a hand-back, after its
    /// last reply: an interrupted turn leaves them to the next.
    #[n(12)]
    pub answers: VecDeque<Message>,
    /// Events that arrived in it after its last reply: likewise.
    #[n(13)]
    pub events: VecDeque<InboundEvent>,
    /// A person has answered its messages.
    #[n(14)]
    pub relieved: bool,
    /// What arrived in it, as far as its code had not been given it when it
    /// sent its last reply: such a reply does not answer it.
    #[n(15)]
    #[cbor(default)]
    pub arrivals: VecDeque<Arrival>,
    /// Its code says that its messages need no answer, and why.
    #[n(16)]
    pub no_reply: Option<Text>,
    /// Only messages after this position answer its ask.
    #[n(17)]
    #[cbor(default)]
    pub ask_after: u64,
    /// The question of its ask has not left yet.
    #[n(18)]
    #[cbor(default)]
    pub ask_is_held: bool,
    /// A person owned the conversation when it would have answered.
    #[n(19)]
    #[cbor(default)]
    pub was_kept_in: bool,
    /// Number of the first turn of its episode.
    #[n(20)]
    #[cbor(default)]
    pub episode: u64,
    /// When that one started.
    #[n(21)]
    #[cbor(default)]
    pub episode_since: Time,
    /// How often turns of the episode were interrupted before it.
    #[n(22)]
    #[cbor(default)]
    pub interrupts: u32,
    /// What it has done.
    #[n(23)]
    #[cbor(default)]
    pub steps: Vec<DoneStep>,
    /// Channel of the messages that it answers.
    #[n(24)]
    #[cbor(default)]
    pub reply_channel: Text,
    /// The messages of its context as its code was given them, once one of them
    /// says something else.
    #[n(25)]
    #[cbor(default)]
    pub given: Vec<Message>,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EndedTurn {
    /// Number of the turn.
    #[n(0)]
    pub number: u64,
    /// Run id of its run.
    #[n(1)]
    pub run_id: RunId,
    /// Which attempt at its messages it was, from 1.
    #[n(2)]
    pub attempt: u32,
    /// How its run ended.
    #[n(3)]
    pub status: RunStatus,
    /// Why, if it did not complete.
    #[n(4)]
    pub failure: Option<Failure>,
    /// When it started.
    #[n(5)]
    pub started: Time,
    /// When it ended.
    #[n(6)]
    pub ended: Time,
    /// It was interrupted: how it ended is of no account.
    #[n(7)]
    pub superseded: bool,
    /// It sent a message.
    #[n(8)]
    pub replied: bool,
    /// Its code said that its messages need no answer, and why.
    #[n(9)]
    pub no_reply: Option<Text>,
    /// It was given the event that says that a turn failed.
    #[n(10)]
    pub was_told: bool,
}

impl EndedTurn {
    /// Whether its work was not done, and is nobody else's yet.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.status != RunStatus::Completed && !self.superseded
    }

    /// How it ended, in one line for people.
    #[must_use]
    pub fn said(&self) -> String {
        let number = self.number;
        let Some(failure) = &self.failure else {
            return format!("turn {number} completed");
        };
        let (type_name, message) = (failure.type_name.as_str(), failure.message.as_str());
        let line = message.lines().next().unwrap_or_default();
        let line = &line[..line.floor_char_boundary(limits::REASON_BYTES / 2)];
        match self.status {
            RunStatus::Terminated => format!("turn {number} was terminated: {line}"),
            RunStatus::Canceled => format!("turn {number} was canceled: {line}"),
            RunStatus::TimedOut => format!("turn {number} timed out"),
            _ => format!("turn {number} failed: {type_name}: {line}"),
        }
    }

    /// Whether another attempt could end better: not one that somebody ended,
    /// or that failed for good.
    #[must_use]
    pub fn may_be_tried_again(&self) -> bool {
        let for_good = self.failure.as_ref().is_some_and(|it| it.non_retryable);
        matches!(self.status, RunStatus::Failed | RunStatus::TimedOut) && !for_good
    }
}

/// A further attempt at what a failed turn was given.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Retry {
    /// When it is due.
    #[n(0)]
    pub at: Time,
    /// Its number, from 2.
    #[n(1)]
    pub attempt: u32,
    /// Why the first one was started.
    #[n(2)]
    pub cause: TurnCause,
    /// The events to handle again; the messages are the unanswered ones.
    #[n(3)]
    pub events: Vec<InboundEvent>,
}

/// Messages or events that arrived in a turn together.
#[derive(Clone, Copy, Debug, Encode, Decode)]
pub struct Arrival {
    /// Event id in the journal of the turn.
    #[n(0)]
    pub event: u64,
    /// Position of the last message that has arrived then; 0 for none.
    #[n(1)]
    pub messages: u64,
    /// Position of the last event that has arrived then; 0 for none.
    #[n(2)]
    pub events: u64,
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
    /// The events to handle.
    #[n(4)]
    pub events: Vec<InboundEvent>,
    /// Addresses of the customer, by channel.
    #[n(5)]
    pub addresses: BTreeMap<Text, Text>,
    /// Why the turn started.
    #[n(6)]
    pub cause: TurnCause,
    /// Which attempt at its messages it is, from 1.
    #[n(7)]
    #[cbor(default)]
    pub attempt: u32,
    /// What the turns did that it takes up, if they were interrupted.
    #[n(8)]
    pub interrupted: Option<Interrupted>,
    /// In a stored root: what of this is not here, because the conversation says
    /// the same.
    #[n(9)]
    #[cbor(default)]
    pub(super) shared: SharedContext,
}

/// The parts of a context that a stored conversation holds anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct SharedContext {
    /// Positions of messages to answer.
    #[n(0)]
    messages: Vec<u64>,
    /// Positions of messages before them.
    #[n(1)]
    recent: Vec<u64>,
    /// The state is still the one that the turn started with.
    #[n(2)]
    state: bool,
}

impl TurnContext {
    /// What is short of it: no messages, no state.
    #[must_use]
    pub fn without_content(&self) -> Self {
        Self {
            messages: Vec::new(),
            recent: Vec::new(),
            state: State::default(),
            reply_channel: self.reply_channel.clone(),
            events: self.events.clone(),
            addresses: self.addresses.clone(),
            cause: self.cause,
            attempt: self.attempt,
            interrupted: self.interrupted.clone(),
            shared: SharedContext::default(),
        }
    }

    /// Takes out what a conversation says itself.
    pub(super) fn pack(&mut self, recent: &VecDeque<Message>, state: &State) {
        self.shared = SharedContext {
            messages: take_known(&mut self.messages, recent),
            recent: take_known(&mut self.recent, recent),
            state: !state.entries.is_empty() && self.state.is_same(state),
        };
        if self.shared.state {
            self.state = State::default();
        } else {
            self.state.take_apart();
            self.state.take_known(state);
        }
    }

    /// The reverse of `pack`; the version of a value that is missing.
    pub(super) fn unpack(
        &mut self,
        recent: &VecDeque<Message>,
        state: &State,
        values: &Values,
    ) -> Result<(), u64> {
        let shared = std::mem::take(&mut self.shared);
        put_known(&mut self.messages, &shared.messages, recent);
        put_known(&mut self.recent, &shared.recent, recent);
        if shared.state {
            self.state = state.clone();
        }
        self.state.put_back(Some(state), values)
    }
}

/// The order of what a turn is given.
fn place(message: &Message) -> (Time, u64) {
    (message.time, message.sequence)
}

/// Takes messages out that are among others; their positions.
fn take_known(messages: &mut Vec<Message>, others: &VecDeque<Message>) -> Vec<u64> {
    if !messages.is_sorted_by_key(place) {
        return Vec::new();
    }
    let known = |message: &Message| {
        let at = others.binary_search_by_key(&place(message), place);
        at.is_ok_and(|at| others[at] == *message)
    };
    let taken = messages.extract_if(.., |message| known(message));
    taken.map(|message| message.sequence).collect()
}

fn put_known(messages: &mut Vec<Message>, positions: &[u64], others: &VecDeque<Message>) {
    if positions.is_empty() {
        return;
    }
    let known = others.iter().filter(|it| positions.contains(&it.sequence));
    messages.extend(known.cloned());
    messages.sort_by_key(place);
}

/// What a turn is told of those that were interrupted before it.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Interrupted {
    /// Number of the first of them.
    #[n(0)]
    pub first: u64,
    /// What they have done, oldest first.
    #[n(1)]
    pub steps: Vec<DoneStep>,
}

impl Turn {
    /// What its code was given when it started, however often it runs.
    #[must_use]
    pub fn given_context(&self) -> TurnContext {
        let mut context = self.context.clone();
        if !self.given.is_empty() {
            context.messages.clone_from(&self.given);
        }
        context
    }

    /// Whether what comes may still interrupt it: the customer gets a reply
    /// however often they write.
    #[must_use]
    pub fn may_be_interrupted(&self, policy: &TurnPolicy, now: Time) -> bool {
        let delay = policy.max_delay;
        self.interrupts < policy.interrupts()
            && delay.is_none_or(|span| now < self.episode_since + span)
    }

    /// Positions of the messages that it was given and has not answered.
    pub fn unanswered_positions(&self) -> impl Iterator<Item = u64> {
        let answered = self.has_answered();
        let given = self.context.messages.iter().filter(move |_| !answered);
        let arrived = self.unanswered.iter().chain(&self.answers);
        given.chain(arrived).map(|m| m.sequence)
    }

    /// Whether the messages that it started with are done with.
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.replied || self.relieved || self.no_reply.is_some()
    }

    /// Whether a person's ownership kept in what it had to say, so that it is
    /// to be said again.
    pub(super) fn is_left_undone(&self) -> bool {
        self.was_kept_in && !self.has_answered()
    }

    /// Notes that something arrived.
    pub(super) fn note_arrival(&mut self, arrival: Arrival) {
        self.arrivals.push_back(arrival);
        if self.arrivals.len() > limits::MAILBOX_MESSAGES {
            // The first ones count as answered later than they might.
            self.merge_first();
        }
    }

    /// A reply answers what its code was given until then: everything up to
    /// an event of its journal.
    pub(super) fn answer(&mut self, seen: u64) {
        while self.arrivals.get(1).is_some_and(|next| next.event <= seen) {
            self.merge_first();
        }
        let Some(read) = self.arrivals.pop_front_if(|first| first.event <= seen) else {
            return;
        };
        self.unanswered.retain(|m| m.sequence > read.messages);
        self.answers.retain(|m| m.sequence > read.messages);
        self.events.retain(|e| e.sequence > read.events);
    }

    fn merge_first(&mut self) {
        if let Some(first) = self.arrivals.pop_front()
            && let Some(next) = self.arrivals.front_mut()
        {
            next.messages = next.messages.max(first.messages);
            next.events = next.events.max(first.events);
        }
    }

    /// Notes messages that its code was given instead of a later turn's.
    pub(super) fn note_answers(&mut self, messages: &[Message]) {
        self.answers.extend(messages.iter().cloned());
        let (count, bytes) = (limits::MAILBOX_MESSAGES, limits::MAILBOX_BYTES);
        trim(&mut self.answers, count, bytes, message_bytes);
    }

    /// Notes events that its code was given instead of a later turn's.
    pub(super) fn note_events(&mut self, events: &[InboundEvent]) {
        self.events.extend(events.iter().cloned());
        let (count, bytes) = (limits::MAILBOX_EVENTS, limits::MAILBOX_BYTES);
        trim(&mut self.events, count, bytes, event_bytes);
    }
}
