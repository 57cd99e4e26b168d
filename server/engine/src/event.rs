//! Events: what became true. The log stores them, `apply` folds them, and
//! those of a run form its journal. Field and variant numbers are the stored
//! format: add new ones, never renumber.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::policy::{ActivityOptions, Budget, TurnPolicy, TypeSettings};
use crate::text::{QueueName, RootKey, StepKey, Text, TypeName, WorkflowId};
use crate::value::{
    Assignee, Failure, InboundEvent, Message, MessageContent, Outcome, Payload, Span, Time, Usage,
};

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
        /// When its content is to be removed, if ever.
        #[n(1)]
        erase_at: Option<Time>,
    },
    /// A request with an id was carried out.
    #[n(6)]
    RequestRemembered {
        /// Hash of the request's kind and id.
        #[n(0)]
        hash: u64,
    },
    /// An event was accepted.
    #[n(7)]
    EventReceived(#[n(0)] InboundEvent),
    /// Labels, addresses, policy or reply channel changed.
    #[n(8)]
    ConversationUpdated(#[n(0)] Box<Update>),
    /// The conversation was paused.
    #[n(9)]
    ConversationPaused {
        /// Why.
        #[n(0)]
        reason: Text,
    },
    /// The conversation was resumed.
    #[n(10)]
    ConversationResumed,
    /// A person or team owns the conversation from here on.
    #[n(11)]
    HandedOff {
        /// Who.
        #[n(0)]
        assignee: Assignee,
        /// Why.
        #[n(1)]
        reason: Text,
        /// What they need to know.
        #[n(2)]
        context: Option<Payload>,
        /// The marker in the transcript.
        #[n(3)]
        marker: Box<Message>,
    },
    /// The agents own the conversation from here on.
    #[n(12)]
    HandedBack {
        /// The marker in the transcript.
        #[n(0)]
        marker: Box<Message>,
    },
    /// A person wrote to the customer.
    #[n(13)]
    HumanMessageSent {
        /// The message.
        #[n(0)]
        message: Box<Message>,
        /// Hash of the request's id; 0 for none.
        #[n(1)]
        request: u64,
    },
    /// The budget is used up; an approval was requested.
    #[n(14)]
    BudgetReached {
        /// Id of the approval.
        #[n(0)]
        approval_id: Text,
        /// What it asks for, as JSON.
        #[n(1)]
        arguments: Payload,
    },
    /// The approval for a used-up budget ended.
    #[n(15)]
    BudgetDecided {
        /// Id of the approval.
        #[n(0)]
        approval_id: Text,
        /// How.
        #[n(1)]
        decided: Box<Decided>,
        /// The budget from here on, if it was raised.
        #[n(2)]
        budget: Option<Budget>,
    },
    /// An adapter took the delivery of a message.
    #[n(16)]
    DeliveryStarted {
        /// The message.
        #[n(0)]
        sequence: u64,
        /// Number of the attempt, from 1.
        #[n(1)]
        attempt: u32,
        /// Epoch of this delivery; results of others are fenced.
        #[n(2)]
        epoch: u64,
        /// Identity of the worker.
        #[n(3)]
        worker: Text,
        /// The adapter can find out whether a message was sent.
        #[n(4)]
        reconciles: bool,
    },
    /// The delivery of a message came further, or back into its queue.
    #[n(17)]
    DeliveryMoved {
        /// The message.
        #[n(0)]
        sequence: u64,
        /// How it stands.
        #[n(1)]
        status: DeliveryStatus,
        /// Id that the provider gave it, if known from here on.
        #[n(2)]
        provider_message_id: Text,
        /// Why, or what the provider said.
        #[n(3)]
        detail: Text,
        /// With `Pending`: when the next attempt may start.
        #[n(4)]
        next_at: Option<Time>,
        /// With `Pending`: the next attempt has to ask the provider first.
        #[n(5)]
        reconcile: bool,
    },
    /// The content of the conversation was removed.
    #[n(18)]
    Erased(#[n(0)] Tombstone),
    /// What conversations of a type begin with was set.
    #[n(19)]
    SettingsChanged(#[n(0)] Box<TypeSettings>),
}

/// What an update of a conversation leaves behind: the new values, whole.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Update {
    /// Its labels.
    #[n(0)]
    pub labels: BTreeMap<Text, Text>,
    /// Its addresses by channel.
    #[n(1)]
    pub addresses: BTreeMap<Text, Text>,
    /// Its policy.
    #[n(2)]
    pub policy: TurnPolicy,
    /// Its reply channel.
    #[n(3)]
    pub reply_channel: Text,
}

/// What stays of an erased conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Tombstone {
    /// Messages that were removed.
    #[n(0)]
    pub messages: u64,
    /// Runs whose journals were removed.
    #[n(1)]
    pub runs: u64,
    /// Turns that it had.
    #[n(2)]
    pub turns: u64,
}

/// How far the delivery of a message has come. In order: a status never goes
/// back to a smaller one by a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum DeliveryStatus {
    /// In the queue of its channel.
    #[n(1)]
    Pending,
    /// An adapter has it.
    #[n(2)]
    Sending,
    /// Nobody knows whether the provider has it.
    #[n(3)]
    Unknown,
    /// The provider took it.
    #[n(4)]
    Accepted,
    /// It will not reach the customer.
    #[n(5)]
    Failed,
    /// It reached the customer.
    #[n(6)]
    Delivered,
    /// The customer has read it.
    #[n(7)]
    Read,
}

/// How an approval ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Decided {
    /// How.
    #[n(0)]
    pub outcome: ApprovalOutcome,
    /// Who decided; empty when it expired.
    #[n(1)]
    pub decider: Text,
    /// What they said about it.
    #[n(2)]
    pub comment: Text,
    /// What is approved.
    #[n(3)]
    pub arguments: Option<Payload>,
}

/// How an approval ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ApprovalOutcome {
    /// As asked.
    #[n(1)]
    Approved,
    /// With other arguments.
    #[n(2)]
    ApprovedWithChanges,
    /// Not.
    #[n(3)]
    Rejected,
    /// Nobody decided in time.
    #[n(4)]
    Expired,
    /// The run that asked has closed or taken it back.
    #[n(5)]
    Withdrawn,
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
        /// Channel it would have gone out by.
        #[n(3)]
        channel: Text,
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
        /// What it used, if it said so.
        #[n(4)]
        usage: Option<Box<Usage>>,
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
        /// What the last attempt used, if it said so.
        #[n(4)]
        usage: Option<Box<Usage>>,
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
        /// What it used, if it said so.
        #[n(5)]
        usage: Option<Box<Usage>>,
    },
    /// Command RequestApproval was recorded.
    #[n(23)]
    ApprovalRequested {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// What is asked.
        #[n(1)]
        request: Box<ApprovalRequest>,
        /// Id of the approval: the workflow id, "/" and the key.
        #[n(2)]
        approval_id: Text,
    },
    /// An approval was decided, expired or withdrawn.
    #[n(24)]
    ApprovalDecided {
        /// Key of the command that asked.
        #[n(0)]
        key: StepKey,
        /// How.
        #[n(1)]
        decided: Box<Decided>,
    },
    /// Command HandOff was recorded.
    #[n(25)]
    HandedOff {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
    },
    /// The conversation was handed back.
    #[n(26)]
    HandedBack {
        /// Key of the command that had handed it off.
        #[n(0)]
        key: StepKey,
        /// Who handed it back.
        #[n(1)]
        author_name: Text,
        /// What they said to the agents.
        #[n(2)]
        note: Text,
        /// What was written meanwhile.
        #[n(3)]
        messages: Vec<Message>,
    },
    /// Events arrived for this running turn.
    #[n(27)]
    EventsArrived {
        /// The events, at least one.
        #[n(0)]
        events: Vec<InboundEvent>,
    },
    /// The delivery of a message of this run changed.
    #[n(28)]
    DeliveryChanged {
        /// Key of the command that sent it.
        #[n(0)]
        key: StepKey,
        /// The message.
        #[n(1)]
        sequence: u64,
        /// How it stands.
        #[n(2)]
        status: DeliveryStatus,
        /// Why, or what the provider said.
        #[n(3)]
        detail: Text,
    },
    /// The run was paused.
    #[n(29)]
    Paused {
        /// Why.
        #[n(0)]
        reason: Text,
    },
    /// The run was resumed.
    #[n(30)]
    Resumed,
}

/// What a person is asked to approve.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ApprovalRequest {
    /// In one line.
    #[n(0)]
    pub title: Text,
    /// What they need to decide.
    #[n(1)]
    pub details: Option<Payload>,
    /// The arguments of what will be done.
    #[n(2)]
    pub arguments: Payload,
    /// When it expires, if it does.
    #[n(3)]
    pub expire_at: Option<Time>,
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
    /// Why it was started.
    #[n(2)]
    pub cause: TurnCause,
    /// The turn takes the waiting events up to this sequence.
    #[n(3)]
    pub events_through: u64,
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
}

impl TurnCause {
    /// Whether agents write first in such a turn.
    #[must_use]
    pub fn is_proactive(self) -> bool {
        match self {
            Self::Message | Self::StaffTimeout => false,
            Self::Event | Self::Idle | Self::CustomerTimeout => true,
        }
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
            | Self::MessagesArrived { .. }
            | Self::ApprovalDecided { .. }
            | Self::HandedBack { .. }
            | Self::EventsArrived { .. }
            | Self::DeliveryChanged { .. } => true,
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
            | Self::ActivityAttemptFailed { .. }
            | Self::ApprovalRequested { .. }
            | Self::HandedOff { .. }
            | Self::Paused { .. }
            | Self::Resumed => false,
        }
    }

    /// Whether a run must not close before its code was given the event:
    /// someone outside was told that it was accepted.
    #[must_use]
    pub fn must_be_read(&self) -> bool {
        matches!(
            self,
            Self::SignalReceived { .. }
                | Self::AskAnswered { .. }
                | Self::MessagesArrived { .. }
                | Self::EventsArrived { .. }
                | Self::HandedBack { .. }
        )
    }
}
