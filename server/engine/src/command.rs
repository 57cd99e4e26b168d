//! Commands: what the code of a run asks for, validated and with defaults
//! filled in.

use crate::policy::ActivityOptions;
use crate::text::{QueueName, StepKey, Text, TypeName, WorkflowId};
use crate::value::{Assignee, Failure, MessageContent, Outcome, Payload, Span};

/// One command of a workflow task.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Name of the step; empty for the kinds that have none.
    pub key: StepKey,
    /// What to do.
    pub kind: CommandKind,
}

/// What a command asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum CommandKind {
    /// Run an activity on a worker.
    ScheduleActivity {
        /// Name of the activity.
        activity_type: TypeName,
        /// Its input.
        input: Payload,
        /// Queue, retries and timeouts. An empty queue means the run's.
        options: Box<ActivityOptions>,
    },
    /// Wake the run after a while.
    StartTimer {
        /// How long to wait.
        delay: Span,
    },
    /// Start a child workflow.
    StartChild {
        /// Workflow type.
        workflow_type: TypeName,
        /// Its input.
        input: Payload,
        /// Task queue; empty means the parent's.
        task_queue: QueueName,
        /// Longest time it may take.
        execution_timeout: Option<Span>,
    },
    /// Record the result of a step that ran inside the worker.
    RecordLocal {
        /// Event after which replay delivers the outcome.
        seen: u64,
        /// How it ended.
        outcome: Outcome,
    },
    /// Send a message to the customer.
    SendMessage(Draft),
    /// Wait for the customer's next messages.
    Ask {
        /// Message to send first.
        message: Option<Draft>,
    },
    /// Write an entry of the state.
    SetState {
        /// Name of the entry.
        name: Text,
        /// The new value; `None` removes it.
        value: Option<Payload>,
    },
    /// Send a signal to another workflow.
    SendSignal {
        /// Workflow id of the receiver.
        workflow_id: WorkflowId,
        /// Name of the signal.
        name: Text,
        /// Its input.
        input: Payload,
    },
    /// Cancel a pending step of this run.
    Cancel {
        /// Key of the step.
        target: StepKey,
    },
    /// Ask a person for approval.
    RequestApproval {
        /// What is asked, in one line.
        title: Text,
        /// What they need to decide.
        details: Option<Payload>,
        /// The arguments of what will be done.
        arguments: Payload,
        /// How long it may take to decide.
        expires_after: Option<Span>,
    },
    /// Hand the conversation to a person or team.
    HandOff {
        /// Who takes over.
        assignee: Assignee,
        /// Why.
        reason: Text,
        /// What they need to know.
        context: Option<Payload>,
    },
    /// Close the run: it succeeded.
    Complete {
        /// Its result.
        result: Payload,
    },
    /// Close the run: it failed.
    Fail {
        /// Why.
        failure: Failure,
    },
    /// Close the run: it stopped because it was asked to.
    CancelRun {
        /// What it says about it.
        failure: Option<Failure>,
    },
}

/// A message that code wants to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Channel; empty means the reply channel.
    pub channel: Text,
    /// Name of the agent; empty means the conversation type.
    pub author_name: Text,
    /// What it says.
    pub content: MessageContent,
}

impl CommandKind {
    /// The discriminant that is remembered beside the key, so that a key
    /// that comes again as another kind is noticed. Stored: never renumber.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::ScheduleActivity { .. } => 1,
            Self::StartTimer { .. } => 2,
            Self::StartChild { .. } => 3,
            Self::RecordLocal { .. } => 4,
            Self::SendMessage(_) => 5,
            Self::Ask { .. } => 6,
            Self::SetState { .. } => 7,
            Self::SendSignal { .. } => 8,
            Self::Cancel { .. } => 9,
            Self::RequestApproval { .. } => 10,
            Self::HandOff { .. } => 11,
            Self::Complete { .. } | Self::Fail { .. } | Self::CancelRun { .. } => 0,
        }
    }

    /// Whether the command closes the run.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.code() == 0
    }
}
