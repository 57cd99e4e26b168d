//! What events of a run hold: how it began, where it belongs, how it stands.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::event::Slot;
use crate::text::{QueueName, StepKey, Text, TypeName, WorkflowId};
use crate::value::{Payload, Span};

/// Id of a run: a UUID (version 7) as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u128);

impl<C> Encode<C> for RunId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0.to_be_bytes())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for RunId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes: [u8; 16] = d
            .bytes()?
            .try_into()
            .map_err(|_| minicbor::decode::Error::message("a run id has 16 bytes"))?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }
}

/// The run began.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct RunStarted {
    /// Workflow id.
    #[n(0)]
    pub workflow_id: WorkflowId,
    /// Run id.
    #[n(1)]
    pub run_id: RunId,
    /// Workflow type.
    #[n(2)]
    pub type_name: TypeName,
    /// Task queue of its workflow tasks.
    #[n(3)]
    pub task_queue: QueueName,
    /// Its input; `None` for a turn.
    #[n(4)]
    pub input: Option<Payload>,
    /// The turn, if this run is one.
    #[n(5)]
    pub turn: Option<TurnStart>,
    /// The parent, if this run is a child.
    #[n(6)]
    pub parent: Option<Parent>,
    /// Longest time the run may take.
    #[n(7)]
    pub execution_timeout: Option<Span>,
    /// Labels of a top-level workflow.
    #[n(8)]
    pub labels: BTreeMap<Text, Text>,
    /// Hash of the request id that started it; 0 for none.
    #[n(9)]
    pub request: u64,
    /// Hash of what that request asked for; 0 if it is not known.
    #[n(10)]
    #[cbor(default)]
    pub fingerprint: u64,
}

/// Which part of the mailbox a turn takes. The messages themselves are in the
/// transcript already; `TurnContext` holds them while the turn is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TurnStart {
    /// Number of the turn, from 1.
    #[n(0)]
    pub number: u64,
    /// The turn takes the waiting messages up to this sequence.
    #[n(1)]
    pub through: u64,
    /// Why it was started.
    #[n(2)]
    pub cause: TurnCause,
    /// The turn takes the waiting events up to this sequence.
    #[n(3)]
    pub events_through: u64,
    /// Which attempt at its messages it is, from 1; 0 stands for 1.
    #[n(4)]
    #[cbor(default)]
    pub attempt: u32,
    /// Number of the first turn of its episode; 0 for its own.
    #[n(5)]
    #[cbor(default)]
    pub episode: u64,
}

/// Why a turn was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum TurnCause {
    /// Messages of the customer, possibly with events.
    #[n(1)]
    Message,
    /// Events.
    #[n(2)]
    Event,
    /// Nobody wrote for a while.
    #[n(3)]
    Idle,
    /// The customer did not answer for a while.
    #[n(4)]
    CustomerTimeout,
    /// The customer had no answer for a while.
    #[n(5)]
    StaffTimeout,
    /// Messages of the customer, the first of which reopened the conversation.
    #[n(6)]
    Reopened,
}

impl TurnCause {
    /// Whether agents write first in such a turn.
    #[must_use]
    pub fn is_proactive(self) -> bool {
        match self {
            Self::Message | Self::StaffTimeout | Self::Reopened => false,
            Self::Event | Self::Idle | Self::CustomerTimeout => true,
        }
    }

    /// Whether silence started the turn: who writes has ended it.
    #[must_use]
    pub fn is_silence(self) -> bool {
        matches!(self, Self::Idle | Self::CustomerTimeout)
    }
}

/// Where a child belongs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Parent {
    /// Slot of the parent.
    #[n(0)]
    pub slot: Slot,
    /// Workflow id of the parent.
    #[n(1)]
    pub workflow_id: WorkflowId,
    /// Event id of the parent's `ChildStarted`.
    #[n(2)]
    pub event: u64,
    /// Key of the parent's command.
    #[n(3)]
    pub key: StepKey,
}

/// Why a message of a turn never left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SuppressReason {
    /// Newer messages superseded the turn.
    #[n(1)]
    TurnSuperseded,
    /// The conversation was closed.
    #[n(2)]
    ConversationClosed,
    /// The conversation was paused.
    #[n(3)]
    ConversationPaused,
    /// A person owned the conversation.
    #[n(4)]
    HumanOwns,
    /// A proactive message fell into quiet hours.
    #[n(5)]
    QuietHours,
    /// A proactive message was over the frequency cap.
    #[n(6)]
    FrequencyCap,
    /// The customer does not want messages by the channel.
    #[n(7)]
    OptedOut,
}

impl SuppressReason {
    /// Its name, as the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TurnSuperseded => "TURN_SUPERSEDED",
            Self::ConversationClosed => "CONVERSATION_CLOSED",
            Self::ConversationPaused => "CONVERSATION_PAUSED",
            Self::HumanOwns => "HUMAN_OWNS",
            Self::QuietHours => "QUIET_HOURS",
            Self::FrequencyCap => "FREQUENCY_CAP",
            Self::OptedOut => "OPTED_OUT",
        }
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RunStatus {
    /// Open.
    #[default]
    #[n(1)]
    Running,
    /// Its code completed.
    #[n(2)]
    Completed,
    /// Its code failed.
    #[n(3)]
    Failed,
    /// Its code followed a cancel.
    #[n(4)]
    Canceled,
    /// Closed from outside.
    #[n(5)]
    Terminated,
    /// Closed by its execution timeout.
    #[n(6)]
    TimedOut,
}

impl RunStatus {
    /// Whether the run can still change.
    #[must_use]
    pub fn is_open(self) -> bool {
        self == Self::Running
    }

    /// The stored number of the status.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Running => 1,
            Self::Completed => 2,
            Self::Failed => 3,
            Self::Canceled => 4,
            Self::Terminated => 5,
            Self::TimedOut => 6,
        }
    }
}
