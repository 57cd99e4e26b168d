//! Plain values: times, payloads, failures, messages.

use std::collections::BTreeMap;

use bytes::Bytes;
use minicbor::{Decode, Decoder, Encode, Encoder};

use crate::text::{Text, TypeName};

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Time(#[n(0)] pub i64);

/// A length of time in microseconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Span(#[n(0)] pub i64);

impl Span {
    /// A span of so many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000)
    }

    /// A span of so many seconds.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1_000_000)
    }
}

impl std::ops::Add<Span> for Time {
    type Output = Self;

    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Time {
    /// The time from `earlier` to this one; zero if that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        Span((self.0 - earlier.0).max(0))
    }
}

/// Opaque bytes that are cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blob(pub Bytes);

impl<C> Encode<C> for Blob {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Blob {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Ok(Self(Bytes::copy_from_slice(d.bytes()?)))
    }
}

/// One value written by user code; never looked into.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Payload {
    /// The bytes of the value.
    #[n(0)]
    pub data: Blob,
    /// Media type; empty means JSON.
    #[n(1)]
    pub content_type: Text,
}

impl Payload {
    /// Size that counts against limits, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.data.0.len() + self.content_type.as_str().len()
    }
}

/// What kind of event ended an attempt or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum FailureKind {
    /// User code raised an error.
    #[n(1)]
    Application,
    /// A timeout passed.
    #[n(2)]
    Timeout,
    /// Canceled on request.
    #[n(3)]
    Canceled,
    /// Terminated from outside.
    #[n(4)]
    Terminated,
    /// The worker that held the attempt went away.
    #[n(5)]
    WorkerLost,
}

/// Why an attempt or a run did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Failure {
    /// What kind of event this was.
    #[n(0)]
    pub kind: FailureKind,
    /// Name of the error, as user code knows it.
    #[n(1)]
    pub type_name: Text,
    /// Text for people.
    #[n(2)]
    pub message: Text,
    /// Stack trace, or empty.
    #[n(3)]
    pub stack_trace: Text,
    /// User data that travels along.
    #[n(4)]
    pub details: Option<Payload>,
    /// No further attempt is made.
    #[n(5)]
    pub non_retryable: bool,
    /// Earliest time until the next attempt.
    #[n(6)]
    pub retry_after: Option<Span>,
    /// What caused it.
    #[n(7)]
    pub cause: Option<Box<Failure>>,
    /// What caused it beside that: the other members of a group.
    #[n(8)]
    #[cbor(default)]
    pub more_causes: Vec<Failure>,
}

impl Failure {
    /// A failure without details.
    #[must_use]
    pub fn new(kind: FailureKind, type_name: &str, message: &str) -> Self {
        Self {
            kind,
            type_name: type_name.into(),
            message: message.into(),
            stack_trace: Text::default(),
            details: None,
            non_retryable: false,
            retry_after: None,
            cause: None,
            more_causes: Vec::new(),
        }
    }

    /// A timeout of the given type ("StartToClose", ...).
    #[must_use]
    pub fn timeout(type_name: &str) -> Self {
        Self::new(FailureKind::Timeout, type_name, "timed out")
    }
}

/// How an activity, a local step or a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Outcome {
    /// With a result.
    #[n(0)]
    Completed(#[n(0)] Payload),
    /// Without one.
    #[n(1)]
    Failed(#[n(0)] Failure),
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum AuthorKind {
    /// The customer.
    #[n(1)]
    Customer,
    /// An agent: a reply committed by a turn.
    #[n(2)]
    Agent,
    /// A person of the shop's staff.
    #[n(3)]
    Human,
    /// The platform itself.
    #[n(4)]
    System,
}

/// The content of a message, as its author hands it in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct MessageContent {
    /// The text.
    #[n(0)]
    pub text: Text,
    /// Structured content beside the text.
    #[n(1)]
    pub data: Option<Payload>,
    /// Small annotations.
    #[n(2)]
    pub attributes: BTreeMap<Text, Text>,
    /// Files that go with it.
    #[n(3)]
    #[cbor(default)]
    pub attachments: Vec<Attachment>,
}

/// A file that goes with a message; its bytes are elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Attachment {
    /// Where its bytes are.
    #[n(0)]
    pub uri: Text,
    /// Media type, or empty.
    #[n(1)]
    pub media_type: Text,
    /// File name, or empty.
    #[n(2)]
    pub name: Text,
    /// Bytes; 0 if it is not known.
    #[n(3)]
    pub size: u64,
    /// SHA-256 of its bytes, or empty.
    #[n(4)]
    pub sha256: Blob,
}

impl Attachment {
    /// Size that counts against limits, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let texts = [&self.uri, &self.media_type, &self.name];
        let texts: usize = texts.iter().map(|text| text.as_str().len()).sum();
        texts + self.sha256.0.len()
    }
}

impl MessageContent {
    /// Size that counts against limits, in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let attributes: usize = self
            .attributes
            .iter()
            .map(|(key, value)| key.as_str().len() + value.as_str().len())
            .sum();
        let attachments: usize = self.attachments.iter().map(Attachment::size_bytes).sum();
        let data = self.data.as_ref().map_or(0, Payload::size_bytes);
        self.text.as_str().len() + attributes + attachments + data
    }
}

/// One entry of a conversation's transcript.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Message {
    /// Position in the transcript, from 1, without gaps.
    #[n(0)]
    pub sequence: u64,
    /// Who wrote it.
    #[n(1)]
    pub author: AuthorKind,
    /// Name of the author, or empty.
    #[n(2)]
    pub author_name: Text,
    /// Channel it came in by or goes out by.
    #[n(3)]
    pub channel: Text,
    /// Id that the channel's provider gave it, or empty.
    #[n(4)]
    pub provider_message_id: Text,
    /// What it says.
    #[n(5)]
    pub content: MessageContent,
    /// When it became part of the conversation.
    #[n(6)]
    pub time: Time,
    /// Number of the turn that wrote it; 0 for others.
    #[n(7)]
    pub turn: u64,
    /// Address of the customer that an inbound message came from, or empty.
    #[n(8)]
    #[cbor(default)]
    pub address: Text,
    /// A machine wrote it: an auto-reply, a bounce.
    #[n(9)]
    #[cbor(default)]
    pub is_automatic: bool,
    /// Only staff and agents see it.
    #[n(10)]
    #[cbor(default)]
    pub is_note: bool,
    /// Position of the message that it changes, and how.
    #[n(11)]
    pub change: Option<Change>,
    /// Where it was before its conversation was merged with this one.
    #[n(12)]
    pub origin: Option<Box<Origin>>,
}

/// A place in the transcript of another conversation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Origin {
    /// Id of the conversation.
    #[n(0)]
    pub conversation: Text,
    /// Position in its transcript.
    #[n(1)]
    pub sequence: u64,
}

/// A later entry of the transcript changes an earlier one, whose own words stay
/// on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Change {
    /// It says this instead.
    #[n(0)]
    Edit(#[n(0)] u64),
    /// It is taken back.
    #[n(1)]
    Retract(#[n(0)] u64),
}

impl Change {
    /// Position of the message that is changed.
    #[must_use]
    pub fn of(self) -> u64 {
        match self {
            Self::Edit(of) | Self::Retract(of) => of,
        }
    }
}

/// Who a conversation is handed to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Assignee {
    /// A person; only they may write.
    #[n(0)]
    Person(#[n(0)] Text),
    /// A team; anybody may write.
    #[n(1)]
    Team(#[n(0)] Text),
}

impl Assignee {
    /// Whether somebody of this name may write.
    #[must_use]
    pub fn admits(&self, author_name: &Text) -> bool {
        match self {
            Self::Person(name) => name == author_name,
            Self::Team(_) => true,
        }
    }
}

impl std::fmt::Display for Assignee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(name) => write!(f, "{name}"),
            Self::Team(name) => write!(f, "team {name}"),
        }
    }
}

/// Something that happened outside and concerns a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct InboundEvent {
    /// Position among the events of the conversation, from 1, without gaps.
    #[n(0)]
    pub sequence: u64,
    /// Type of the event.
    #[n(1)]
    pub event_type: TypeName,
    /// Id that its source gave it, or empty.
    #[n(2)]
    pub event_id: Text,
    /// What happened.
    #[n(3)]
    pub payload: Payload,
    /// When it was accepted.
    #[n(4)]
    pub time: Time,
    /// The last message of the transcript when it came.
    #[n(5)]
    pub after_message: u64,
}

/// What activities used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Usage {
    /// Tokens read by models.
    #[n(0)]
    pub input_tokens: u64,
    /// Tokens written by models.
    #[n(1)]
    pub output_tokens: u64,
    /// Cost in millionths of the currency.
    #[n(2)]
    pub cost_micros: u64,
    /// Currency of the cost; empty without one.
    #[n(3)]
    pub currency: Text,
}

impl Usage {
    /// Adds what another activity used. Costs in another currency than the
    /// first one are left out: they cannot be added.
    pub fn add(&mut self, other: &Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        if other.cost_micros == 0 {
            return;
        }
        if self.currency.as_str().is_empty() {
            self.currency = other.currency.clone();
        }
        if self.currency == other.currency {
            self.cost_micros = self.cost_micros.saturating_add(other.cost_micros);
        }
    }

    /// Tokens read and written.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}
