//! Events: what became true. The log stores them, `apply` folds them, and
//! those of a run form its journal. Field and variant numbers are the stored
//! format: add new ones, never renumber.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::policy::{ActivityOptions, TurnPolicy};
use crate::text::{QueueName, RootKey, StepKey, Text, TypeName, WorkflowId};
use crate::value::{Failure, Message, MessageContent, Outcome, Payload, Span, Time};

/// Number of a run within its root; never used twice.
pub type Slot = u32;

/// Everything that one request changed in one root, in order.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Transition {
    /// The root.
    #[n(0)]
    pub root: RootKey,
    /// Log time; never goes back within a partition.
    #[n(1)]
    pub time: Time,
    /// What happened.
    #[n(2)]
    pub events: Vec<Event>,
}

/// One thing that became true in a root.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Event {
    /// An event of a run's journal.
    #[n(0)]
    Run {
        /// The run.
        #[n(0)]
        slot: Slot,
        /// Position in its journal, dense from 1.
        #[n(1)]
        id: u64,
        /// What happened.
        #[n(2)]
        event: RunEvent,
    },
    /// A worker took an attempt of an activity. Not part of the journal.
    #[n(1)]
    ActivityStarted {
        /// The run.
        #[n(0)]
        slot: Slot,
        /// Event id of its `ActivityScheduled`.
        #[n(1)]
        activity: u64,
        /// Number of the attempt, from 1.
        #[n(2)]
        attempt: u32,
        /// Epoch of this delivery; results of others are fenced.
        #[n(3)]
        epoch: u64,
        /// Identity of the worker.
        #[n(4)]
        worker: Text,
    },
    /// A workflow task was completed. Not part of the journal.
    #[n(2)]
    TaskCompleted {
        /// The run.
        #[n(0)]
        slot: Slot,
        /// Last event that its code has been given.
        #[n(1)]
        seen: u64,
    },
    /// The root became a conversation.
    #[n(3)]
    ConversationOpened {
        /// Workflow type that handles its turns.
        #[n(0)]
        type_name: TypeName,
        /// Task queue of its turns.
        #[n(1)]
        task_queue: QueueName,
        /// How messages become turns.
        #[n(2)]
        policy: TurnPolicy,
        /// Its labels.
        #[n(3)]
        labels: BTreeMap<Text, Text>,
    },
    /// An inbound message was accepted.
    #[n(4)]
    MessageReceived(#[n(0)] Message),
    /// The conversation takes no more messages.
    #[n(5)]
    ConversationClosed {
        /// Why.
        #[n(0)]
        reason: Text,
    },
    /// A request with an id was carried out.
    #[n(6)]
    RequestRemembered {
        /// Hash of the request's kind and id.
        #[n(0)]
        hash: u64,
    },
}

/// One event of a run's journal.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum RunEvent {
    /// The run began.
    #[n(0)]
    Started(#[n(0)] Box<RunStarted>),
    /// Command ScheduleActivity was recorded.
    #[n(1)]
    ActivityScheduled {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// Name of the activity.
        #[n(1)]
        activity_type: TypeName,
        /// Its input.
        #[n(2)]
        input: Payload,
        /// Queue, retries and timeouts.
        #[n(3)]
        options: Box<ActivityOptions>,
    },
    /// Command StartTimer was recorded.
    #[n(2)]
    TimerStarted {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// When it fires.
        #[n(1)]
        fire_at: Time,
    },
    /// Command StartChild was recorded.
    #[n(3)]
    ChildStarted {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// Workflow type of the child.
        #[n(1)]
        workflow_type: TypeName,
        /// Workflow id of the child.
        #[n(2)]
        workflow_id: WorkflowId,
        /// Run id of the child.
        #[n(3)]
        run_id: RunId,
        /// Slot of the child.
        #[n(4)]
        child: Slot,
    },
    /// Command RecordLocal was recorded.
    #[n(4)]
    LocalRecorded {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// Event after which replay delivers the outcome.
        #[n(1)]
        seen: u64,
        /// How it ended.
        #[n(2)]
        outcome: Outcome,
    },
    /// Command SendMessage was recorded; the message is in the transcript.
    #[n(5)]
    MessageSent {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// The message.
        #[n(1)]
        message: Message,
    },
    /// Command SendMessage was recorded, but a fence kept the message in.
    #[n(6)]
    MessageSuppressed {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// Which fence.
        #[n(1)]
        reason: SuppressReason,
        /// What it would have said.
        #[n(2)]
        content: MessageContent,
    },
    /// Command Ask was recorded.
    #[n(7)]
    AskOpened {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
    },
    /// Command SetState was recorded.
    #[n(8)]
    StateSet {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// Name of the entry.
        #[n(1)]
        name: Text,
        /// The new value; `None` removed it.
        #[n(2)]
        value: Option<Payload>,
        /// A fence kept the write out of the state.
        #[n(3)]
        suppressed: bool,
    },
    /// Command SendSignal was recorded.
    #[n(9)]
    SignalScheduled {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// Workflow id of the receiver.
        #[n(1)]
        workflow_id: WorkflowId,
        /// Name of the signal.
        #[n(2)]
        name: Text,
        /// Its input.
        #[n(3)]
        input: Payload,
    },
    /// Command Cancel was recorded.
    #[n(10)]
    CommandCanceled {
        /// Key of the step that was canceled.
        #[n(0)]
        target: StepKey,
    },
    /// Last event: how the run ended.
    #[n(11)]
    Closed {
        /// The final status.
        #[n(0)]
        status: RunStatus,
        /// Its result or failure.
        #[n(1)]
        outcome: Outcome,
    },
    /// An activity returned its result.
    #[n(12)]
    ActivityCompleted {
        /// Event id of its `ActivityScheduled`.
        #[n(0)]
        activity: u64,
        /// Key of the command that scheduled it.
        #[n(1)]
        key: StepKey,
        /// What it returned.
        #[n(2)]
        result: Payload,
        /// Number of the attempt that succeeded.
        #[n(3)]
        attempt: u32,
    },
    /// An activity ended without a result.
    #[n(13)]
    ActivityFailed {
        /// Event id of its `ActivityScheduled`.
        #[n(0)]
        activity: u64,
        /// Key of the command that scheduled it.
        #[n(1)]
        key: StepKey,
        /// The failure of its last attempt, or why it was given up.
        #[n(2)]
        failure: Failure,
        /// Number of the last attempt; 0 if none was started.
        #[n(3)]
        attempt: u32,
    },
    /// A timer's delay passed.
    #[n(14)]
    TimerFired {
        /// Event id of its `TimerStarted`.
        #[n(0)]
        timer: u64,
        /// Key of the command that started it.
        #[n(1)]
        key: StepKey,
    },
    /// A child closed.
    #[n(15)]
    ChildClosed {
        /// Event id of its `ChildStarted`.
        #[n(0)]
        child: u64,
        /// Key of the command that started it.
        #[n(1)]
        key: StepKey,
        /// Its final status.
        #[n(2)]
        status: RunStatus,
        /// Its result or failure.
        #[n(3)]
        outcome: Outcome,
    },
    /// A signal arrived.
    #[n(16)]
    SignalReceived {
        /// Name of the signal.
        #[n(0)]
        name: Text,
        /// Its input.
        #[n(1)]
        input: Payload,
    },
    /// The customer answered an ask.
    #[n(17)]
    AskAnswered {
        /// Key of the ask.
        #[n(0)]
        key: StepKey,
        /// The messages, at least one.
        #[n(1)]
        messages: Vec<Message>,
    },
    /// Someone asked the run to cancel.
    #[n(18)]
    CancelRequested {
        /// Why.
        #[n(0)]
        reason: Text,
    },
    /// A signal sent by this run was delivered or refused.
    #[n(19)]
    SignalDelivered {
        /// Event id of its `SignalScheduled`.
        #[n(0)]
        signal: u64,
        /// Key of the command that sent it.
        #[n(1)]
        key: StepKey,
        /// Why it was refused, if it was.
        #[n(2)]
        failure: Option<Failure>,
    },
    /// Newer messages, or the end of the conversation, supersede this turn.
    #[n(20)]
    TurnInterrupted {
        /// How long the run may clean up.
        #[n(0)]
        grace: Span,
    },
    /// Messages arrived for this running turn.
    #[n(21)]
    MessagesArrived {
        /// The messages, at least one.
        #[n(0)]
        messages: Vec<Message>,
    },
    /// An attempt failed and another will follow.
    #[n(22)]
    ActivityAttemptFailed {
        /// Event id of its `ActivityScheduled`.
        #[n(0)]
        activity: u64,
        /// Key of the command that scheduled it.
        #[n(1)]
        key: StepKey,
        /// Number of the attempt that failed.
        #[n(2)]
        attempt: u32,
        /// How it failed.
        #[n(3)]
        failure: Failure,
        /// When the next attempt may start.
        #[n(4)]
        next_at: Time,
    },
}

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

impl RunEvent {
    /// Whether the event is delivered to the run's code. The others are
    /// records of its own commands, or information.
    #[must_use]
    pub fn is_notification(&self) -> bool {
        match self {
            Self::Started(_)
            | Self::ActivityCompleted { .. }
            | Self::ActivityFailed { .. }
            | Self::TimerFired { .. }
            | Self::ChildClosed { .. }
            | Self::SignalReceived { .. }
            | Self::AskAnswered { .. }
            | Self::CancelRequested { .. }
            | Self::SignalDelivered { .. }
            | Self::TurnInterrupted { .. }
            | Self::MessagesArrived { .. } => true,
            Self::ActivityScheduled { .. }
            | Self::TimerStarted { .. }
            | Self::ChildStarted { .. }
            | Self::LocalRecorded { .. }
            | Self::MessageSent { .. }
            | Self::MessageSuppressed { .. }
            | Self::AskOpened { .. }
            | Self::StateSet { .. }
            | Self::SignalScheduled { .. }
            | Self::CommandCanceled { .. }
            | Self::Closed { .. }
            | Self::ActivityAttemptFailed { .. } => false,
        }
    }

    /// Whether a run must not close before its code was given the event:
    /// someone outside was told that it was accepted.
    #[must_use]
    pub fn must_be_read(&self) -> bool {
        matches!(
            self,
            Self::SignalReceived { .. } | Self::AskAnswered { .. } | Self::MessagesArrived { .. }
        )
    }
}
