//! A conversation: mailbox, transcript's end, state, and its current turn.

use std::collections::{BTreeMap, VecDeque};

use minicbor::{Decode, Encode};

use crate::event::EarlyReceipt;
use crate::limits;
use crate::policy::{Budget, OptOut, TurnPolicy};
use crate::state::bounded::{message_bytes, trim};
use crate::state::contact::{Absorbed, Merged};
use crate::state::delivery::Delivery;
use crate::state::entries::State;
use crate::state::episode::Episode;
use crate::state::held::Held;
use crate::state::thread::Thread;
use crate::state::turn::{EndedTurn, Retry, Turn};
use crate::text::{QueueName, Text, TypeName};
use crate::value::{Assignee, InboundEvent, Message, Payload, Span, Time, Usage};

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
    /// Ids of the last inbound messages, and of people's messages, oldest
    /// first.
    #[n(11)]
    pub remembered: VecDeque<Remembered>,
    /// Events accepted so far.
    #[n(12)]
    pub event_count: u64,
    /// Events that no turn has taken, oldest first.
    #[n(13)]
    pub events: VecDeque<InboundEvent>,
    /// Addresses of the customer, by channel.
    #[n(14)]
    pub addresses: BTreeMap<Text, Text>,
    /// It is paused.
    #[n(15)]
    pub pause: Option<Pause>,
    /// A person or team owns it.
    #[n(16)]
    pub handover: Option<Handover>,
    /// Since when its timers stand still.
    #[n(17)]
    pub frozen: Option<Time>,
    /// When somebody wrote last; `None` once the idle timeout has passed.
    #[n(18)]
    pub idle_since: Option<Time>,
    /// Since when the customer's answer is waited for.
    #[n(19)]
    pub customer_since: Option<Time>,
    /// Since when the customer waits for ours.
    #[n(20)]
    pub staff_since: Option<Time>,
    /// Times of the last proactive messages, oldest first.
    #[n(21)]
    pub proactive: VecDeque<Time>,
    /// The outbox, by position of the message.
    #[n(22)]
    pub deliveries: BTreeMap<u64, Delivery>,
    /// What its activities used.
    #[n(23)]
    pub usage: Usage,
    /// What the activities of the current or last turn used.
    #[n(24)]
    pub turn_usage: Usage,
    /// The budget is used up: no activity starts.
    #[n(25)]
    pub budget_reached: bool,
    /// By how much an approval raises the budget: the first one.
    #[n(26)]
    pub budget_step: Option<Budget>,
    /// When its content is to be removed, once it is closed.
    #[n(27)]
    pub erase_at: Option<Time>,
    /// How often its budget was reached and an approval requested.
    #[n(28)]
    pub budget_asks: u32,
    /// Ids of the last events, oldest first: however many come, they do not
    /// make it forget its messages.
    #[n(29)]
    #[cbor(default)]
    pub remembered_events: VecDeque<Remembered>,
    /// Messages that turns were given and left without an answer, oldest
    /// first: the next turn's, whatever starts it.
    #[n(30)]
    #[cbor(default)]
    pub unanswered: VecDeque<Message>,
    /// Since when the customer has no answer: the oldest message that no reply
    /// answered and that nobody said needs none.
    #[n(31)]
    pub unanswered_since: Option<Time>,
    /// How the last turn ended.
    #[n(32)]
    pub last_turn: Option<EndedTurn>,
    /// A further attempt that is to come.
    #[n(33)]
    pub retry: Option<Retry>,
    /// When it was closed.
    #[n(34)]
    pub closed_at: Option<Time>,
    /// It was reopened, and no turn has been told.
    #[n(35)]
    #[cbor(default)]
    pub is_reopened: bool,
    /// How long it is kept once its code has closed it.
    #[n(36)]
    pub retention: Option<Span>,
    /// Messages of agents that wait for the end of quiet hours, oldest first.
    #[n(37)]
    #[cbor(default)]
    pub held: VecDeque<Held>,
    /// What the last turn leaves to the next one.
    #[n(38)]
    pub episode: Option<Episode>,
    /// The most that an attempt of each activity has used, while there is a
    /// budget.
    #[n(39)]
    #[cbor(default)]
    pub estimates: BTreeMap<TypeName, Usage>,
    /// How often it was handed over.
    #[n(40)]
    #[cbor(default)]
    pub handoffs: u64,
    /// What the customer does not want, by channel.
    #[n(41)]
    #[cbor(default)]
    pub opt_outs: BTreeMap<Text, OptOut>,
    /// Addresses that do not take messages, by channel.
    #[n(42)]
    #[cbor(default)]
    pub failed_addresses: BTreeMap<Text, FailedAddress>,
    /// What is known of the thread on each channel.
    #[n(43)]
    #[cbor(default)]
    pub threads: BTreeMap<Text, Thread>,
    /// Receipts that came before their message had an id, oldest first.
    #[n(44)]
    #[cbor(default)]
    pub early_receipts: VecDeque<EarlyReceipt>,
    /// When its last turns started, oldest first: as many as are capped.
    #[n(45)]
    #[cbor(default)]
    pub turn_times: VecDeque<Time>,
    /// What became of it when it was merged into another one.
    #[n(46)]
    pub merged: Option<Box<Merged>>,
    /// Conversations that were merged into it, and how far their transcripts
    /// were taken.
    #[n(47)]
    #[cbor(default)]
    pub absorbed: BTreeMap<Text, Absorbed>,
    /// Number of messages that were imported when it began.
    #[n(48)]
    #[cbor(default)]
    pub imported: u64,
    /// Until when the customer is taken to be typing. Not stored: after a
    /// restart nobody is.
    #[cbor(skip)]
    pub typing_until: Option<Time>,
}

/// An address that does not take messages.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FailedAddress {
    /// The address.
    #[n(0)]
    pub address: Text,
    /// What the provider said.
    #[n(1)]
    pub detail: Text,
    /// When.
    #[n(2)]
    pub time: Time,
}

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Pause {
    /// Why.
    #[n(0)]
    pub reason: Text,
    /// Since when.
    #[n(1)]
    pub since: Time,
}

/// A person or team owns the conversation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Handover {
    /// Who.
    #[n(0)]
    pub assignee: Assignee,
    /// Why.
    #[n(1)]
    pub reason: Text,
    /// What they need to know.
    #[n(2)]
    pub context: Option<Payload>,
    /// Since when.
    #[n(3)]
    pub since: Time,
    /// What was written meanwhile, oldest first: the end of it.
    #[n(4)]
    pub messages: VecDeque<Message>,
    /// Which handover of the conversation it is, from 1.
    #[n(5)]
    #[cbor(default)]
    pub epoch: u64,
    /// Since when they have it who have it now.
    #[n(6)]
    #[cbor(default)]
    pub assigned: Time,
    /// A person has written since.
    #[n(7)]
    #[cbor(default)]
    pub is_taken: bool,
}

/// An inbound message or event that would be recognised if it came again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Remembered {
    /// Hash of its channel and provider id, or of the event's id.
    #[n(0)]
    pub hash: u64,
    /// Its position in the transcript, or among the events.
    #[n(1)]
    pub sequence: u64,
    /// When it was accepted.
    #[n(2)]
    pub time: Time,
    /// Hash of what it says; 0 if it is not known.
    #[n(3)]
    #[cbor(default)]
    pub fingerprint: u64,
    /// It took the conversation over from the agents.
    #[n(4)]
    #[cbor(default)]
    pub took_over: bool,
    /// Hash of what it says since it was edited; 0 if it was not, and the
    /// largest number once it was taken back.
    #[n(5)]
    #[cbor(default)]
    pub changed: u64,
    /// Position of the entry that changed it last; 0 if none has.
    #[n(6)]
    #[cbor(default)]
    pub changed_by: u64,
}

impl Remembered {
    /// What `changed` is once the message was taken back.
    pub const RETRACTED: u64 = u64::MAX;

    /// Whether another one with the same id says something else than it did or
    /// does.
    #[must_use]
    pub fn differs(&self, fingerprint: u64) -> bool {
        let known = self.fingerprint != 0 && fingerprint != 0;
        known && self.fingerprint != fingerprint && self.changed != fingerprint
    }
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
        self.burst_due_after(0)
    }

    /// When those of them are due that came after a position, if any did.
    #[must_use]
    pub fn burst_due_after(&self, after: u64) -> Option<Time> {
        let last = self.mailbox.back().filter(|m| m.sequence > after)?;
        let earlier = self.mailbox.partition_point(|m| m.sequence <= after);
        let first = self.mailbox.get(earlier)?;
        let full = self.policy.max_messages != 0
            && self.mailbox.len() - earlier >= self.policy.max_messages as usize;
        if full {
            return Some(last.time);
        }
        let mut quiet = last.time + self.policy.quiet;
        if let Some(typing) = self.typing_until {
            quiet = quiet.max(typing);
        }
        Some(quiet.min(first.time + self.policy.max_wait.max(self.policy.quiet)))
    }

    /// Until when it may have no further turn, if it has had as many as it may.
    #[must_use]
    pub fn capped_until(&self) -> Option<Time> {
        let cap = &self.policy.turn_cap;
        let turns = cap.turns as usize;
        let full = turns > 0 && self.turn_times.len() >= turns;
        let first = self.turn_times.len().checked_sub(turns)?;
        let first = self.turn_times.get(first).filter(|_| full)?;
        Some(*first + cap.window)
    }

    /// What keeps a delivery back that goes out by a channel, until when: an
    /// earlier one that is under way.
    #[must_use]
    pub fn delivery_held_until(&self, delivery: &Delivery, now: Time) -> Option<Time> {
        let earlier = self.deliveries.range(..delivery.sequence);
        let same = earlier.filter(|(_, it)| it.channel == delivery.channel);
        let held = same.filter_map(|(_, it)| it.holds_until());
        held.filter(|until| *until > now).max()
    }

    /// The remembered message or event with this hash of its id.
    #[must_use]
    pub fn remembered(&self, hash: u64) -> Option<Remembered> {
        let messages = self.remembered.iter().rev();
        let mut known = messages.chain(self.remembered_events.iter().rev());
        known.find(|r| r.hash == hash).copied()
    }

    /// Whether agents may act: it is open, not paused, and theirs.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.is_open() && self.pause.is_none() && self.handover.is_none()
    }

    /// Position of the last message that nobody has answered and that a turn
    /// has or is to get; 0 if there is none.
    #[must_use]
    pub fn last_pending(&self) -> u64 {
        let waiting = self.mailbox.iter().map(|m| m.sequence);
        let turn = self.turn.iter().flat_map(Turn::unanswered_positions);
        waiting.chain(turn).max().unwrap_or(0)
    }

    /// The last of the waiting messages that are handed over together.
    #[must_use]
    pub fn burst_through(&self) -> u64 {
        let sizes = self
            .mailbox
            .iter()
            .map(|m| (m.sequence, m.content.size_bytes()));
        through(sizes)
    }

    /// The last of the messages that a turn takes that starts now: those that
    /// earlier ones left, and those that wait.
    #[must_use]
    pub fn turn_through(&self) -> u64 {
        let both = self.unanswered.iter().chain(&self.mailbox);
        through(both.map(|m| (m.sequence, m.content.size_bytes())))
    }

    /// The last of the waiting events that are handed over together.
    #[must_use]
    pub fn events_through(&self) -> u64 {
        let sizes = self
            .events
            .iter()
            .map(|e| (e.sequence, e.payload.size_bytes()));
        through(sizes)
    }

    /// Adds a message to those that turns are shown, and drops the oldest ones
    /// beyond the bounds. One from the mailbox may be older than our messages,
    /// and one of a merged conversation older than its position says.
    pub(super) fn push_recent(&mut self, message: Message) {
        let place = (message.time, message.sequence);
        let at = self
            .recent
            .partition_point(|m| (m.time, m.sequence) < place);
        self.recent.insert(at, message);
        let (count, bytes) = (limits::RECENT_MESSAGES, limits::RECENT_BYTES);
        trim(&mut self.recent, count, bytes, message_bytes);
    }

    /// Notes what a message of the customer says about its thread, and that its
    /// address is alive.
    pub(super) fn note_thread(&mut self, message: &Message) {
        let failed = self.failed_addresses.get(&message.channel);
        if failed.is_some_and(|it| it.address == message.address) {
            self.failed_addresses.remove(&message.channel);
        }
        if message.provider_message_id.as_str().is_empty() {
            return;
        }
        let known = self.threads.contains_key(&message.channel);
        if !known && self.threads.len() >= limits::ADDRESSES {
            return;
        }
        let thread = self.threads.entry(message.channel.clone()).or_default();
        thread.push(&message.provider_message_id);
        if let Some(subject) = message.content.attributes.get(&"subject".into()) {
            thread.subject = subject.clone();
        }
    }

    /// Ids of the messages that one of ours answers by its channel: those that
    /// its turn was given, or the customer's last one.
    pub(super) fn answered_by(&self, message: &Message) -> Vec<Text> {
        let turn = self.turn.iter();
        let given = turn.flat_map(|turn| turn.context.messages.iter().chain(&turn.answers));
        let of_channel = given.filter(|m| m.channel == message.channel);
        let ids = of_channel.map(|m| m.provider_message_id.clone());
        let ids: Vec<Text> = ids.filter(|id| !id.as_str().is_empty()).collect();
        if !ids.is_empty() {
            return ids;
        }
        let thread = self.threads.get(&message.channel);
        let last = thread.and_then(|it| it.references.back());
        last.cloned().into_iter().collect()
    }

    /// Notes what was written while a person owns the conversation.
    pub(super) fn note_handover(&mut self, message: &Message) {
        if let Some(handover) = &mut self.handover {
            handover.messages.push_back(message.clone());
            let messages = &mut handover.messages;
            let (count, bytes) = (limits::HANDOVER_MESSAGES, limits::HANDOVER_BYTES);
            trim(messages, count, bytes, message_bytes);
        }
    }

    /// Remembers the id of a message.
    pub(super) fn remember(&mut self, message: Remembered) {
        self.remembered.push_back(message);
        if self.remembered.len() > limits::REMEMBERED_MESSAGES {
            self.remembered.pop_front();
        }
    }

    /// Remembers the id of an event.
    pub(super) fn remember_event(&mut self, event: Remembered) {
        self.remembered_events.push_back(event);
        if self.remembered_events.len() > limits::REMEMBERED_EVENTS {
            self.remembered_events.pop_front();
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

    /// Takes the messages that a turn starts with: up to a sequence.
    pub(super) fn take_for_turn(&mut self, through: u64) -> Vec<Message> {
        let left = |m: &&Message| m.sequence <= through;
        let count = self.unanswered.iter().take_while(left).count();
        let mut taken: Vec<Message> = self.unanswered.drain(..count).collect();
        for message in &taken {
            self.push_recent(message.clone());
        }
        taken.extend(self.take_mailbox(through));
        taken.sort_by_key(|m| (m.time, m.sequence));
        taken
    }

    /// Keeps messages that a turn was given and left without an answer.
    pub(super) fn keep_unanswered(&mut self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            self.recent.retain(|m| m.sequence != message.sequence);
            self.unanswered.push_back(message);
        }
        let kept = &mut self.unanswered;
        kept.make_contiguous().sort_by_key(|m| m.sequence);
        // The oldest are in the transcript all the same.
        let (count, bytes) = (limits::MAILBOX_MESSAGES, limits::MAILBOX_BYTES);
        trim(kept, count, bytes, message_bytes);
    }

    /// Notes that a turn has started.
    pub(super) fn note_turn(&mut self, time: Time) {
        let cap = self.policy.turn_cap.turns as usize;
        self.turn_times.push_back(time);
        while self.turn_times.len() > cap {
            self.turn_times.pop_front();
        }
    }

    /// Somebody answered: what came since still has no answer.
    pub(super) fn note_answered(&mut self) {
        let turn = self.turn.iter();
        let arrived = turn.flat_map(|turn| turn.unanswered.iter().chain(&turn.answers));
        let open = self.unanswered.iter().chain(&self.mailbox).chain(arrived);
        self.unanswered_since = open.map(|m| m.time).min();
    }

    /// A turn has left messages, which a close had put aside: they have no
    /// answer since they came.
    pub(super) fn note_left(&mut self) {
        let left = self.unanswered.iter().chain(&self.mailbox);
        let oldest = left.map(|m| m.time).min();
        self.unanswered_since = self.unanswered_since.into_iter().chain(oldest).min();
    }

    /// Takes the waiting events up to a sequence.
    pub(super) fn take_events(&mut self, through: u64) -> Vec<InboundEvent> {
        let count = self
            .events
            .iter()
            .take_while(|e| e.sequence <= through)
            .count();
        self.events.drain(..count).collect()
    }

    /// Puts events that were taken but not handled back to their places.
    pub(super) fn return_events(&mut self, events: impl IntoIterator<Item = InboundEvent>) {
        self.events.extend(events);
        self.events.make_contiguous().sort_by_key(|e| e.sequence);
    }

    /// Puts messages that were taken but not answered back to their places.
    pub(super) fn return_to_mailbox(&mut self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            self.recent.retain(|m| m.sequence != message.sequence);
            self.mailbox.push_back(message);
        }
        self.mailbox.make_contiguous().sort_by_key(|m| m.sequence);
    }
}

/// The last of the items that fit into one burst, at least the first.
fn through(items: impl Iterator<Item = (u64, usize)>) -> u64 {
    let mut bytes = 0;
    let mut last = 0;
    for (sequence, size) in items {
        bytes += size;
        if last != 0 && bytes > limits::BURST_BYTES {
            break;
        }
        last = sequence;
    }
    last
}
