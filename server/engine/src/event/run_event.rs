//! The journal of a run, event by event.

use minicbor::{Decode, Encode};

use crate::event::{
    ApprovalRequest, Decided, DeliveryStatus, RunId, RunStarted, RunStatus, Slot, SuppressReason,
};
use crate::policy::ActivityOptions;
use crate::text::{StepKey, Text, TypeName, WorkflowId};
use crate::value::{
    Failure, InboundEvent, Message, MessageContent, Outcome, Payload, Span, Time, Usage,
};

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
        /// Only messages after this position answer it.
        #[n(1)]
        #[cbor(default)]
        after: u64,
        /// Its question is held: nothing answers it before that has left.
        #[n(2)]
        #[cbor(default)]
        is_held: bool,
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
        /// How many of them came before the question: the first ones.
        #[n(2)]
        #[cbor(default)]
        earlier: u32,
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
        /// What was written meanwhile, or a page of it.
        #[n(3)]
        messages: Vec<Message>,
        /// More pages follow, of the same hand-back.
        #[n(4)]
        #[cbor(default)]
        has_more: bool,
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
    /// A command could not be carried out.
    #[n(31)]
    CommandFailed {
        /// Key of the command, cut to what a key may have.
        #[n(0)]
        key: StepKey,
        /// The number of its kind.
        #[n(1)]
        kind: u8,
        /// Why.
        #[n(2)]
        failure: Failure,
    },
    /// Command RecordProblem was recorded.
    #[n(32)]
    ProblemRecorded {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// What went wrong, with its stack.
        #[n(1)]
        failure: Failure,
    },
    /// Command NoReply was recorded: the messages of the turn need no answer.
    #[n(33)]
    NoReplyRecorded {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// Why.
        #[n(1)]
        reason: Text,
        /// A fence kept it out: it does not count.
        #[n(2)]
        suppressed: bool,
    },
    /// Command SendMessage was recorded in quiet hours: the message leaves
    /// when they are over.
    #[n(34)]
    MessageHeld {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// The message; its position and time are those of its leaving.
        #[n(1)]
        message: Message,
        /// When the quiet hours are over.
        #[n(2)]
        until: Time,
    },
    /// Command CloseConversation was recorded.
    #[n(35)]
    CloseRecorded {
        /// Key of the command.
        #[n(0)]
        key: StepKey,
        /// Why.
        #[n(1)]
        reason: Text,
        /// It did not take place: a fence kept it out, or a message waits that
        /// the code has not seen.
        #[n(2)]
        suppressed: bool,
    },
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
            | Self::DeliveryChanged { .. }
            | Self::CommandFailed { .. } => true,
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
            | Self::Resumed
            | Self::ProblemRecorded { .. }
            | Self::NoReplyRecorded { .. }
            | Self::MessageHeld { .. }
            | Self::CloseRecorded { .. } => false,
        }
    }

    /// Whether a run must not close before its code was given the event:
    /// someone outside was told that it was accepted.
    #[must_use]
    pub fn must_be_read(&self) -> bool {
        match self {
            Self::SignalReceived { .. }
            | Self::AskAnswered { .. }
            | Self::MessagesArrived { .. }
            | Self::EventsArrived { .. }
            | Self::HandedBack { .. } => true,
            Self::ApprovalDecided { decided, .. } => decided.outcome.is_a_persons(),
            _ => false,
        }
    }
}
