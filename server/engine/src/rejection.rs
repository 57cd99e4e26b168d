//! Rejections: why the engine refuses a request. Part of the API; each maps
//! to one error reason.

use thiserror::Error;

use crate::value::{Blob, Failure, FailureKind, Payload, Time};

/// Why a request was refused. A refused request leaves no trace.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// No such run.
    #[error("there is no run with this workflow id")]
    RunNotFound,
    /// No such conversation.
    #[error("there is no conversation with this id")]
    ConversationNotFound,
    /// A run with this workflow id is open.
    #[error("a run with this workflow id is open")]
    RunAlreadyStarted {
        /// Id of the open run.
        run_id: u128,
    },
    /// The run is closed.
    #[error("the run is closed")]
    RunClosed,
    /// The conversation is closed.
    #[error("the conversation is closed, and its policy does not reopen it")]
    ConversationClosed,
    /// The conversation was closed too long ago to be reopened.
    #[error(
        "the conversation was closed more than {days} days ago: \
         begin a new one under another id"
    )]
    ClosedTooLongAgo {
        /// Days in which a message would have reopened it.
        days: i64,
    },
    /// The close has not seen a message that waits for an answer.
    #[error(
        "message {last} waits for an answer: it gets its turn, or close again with \
         unless_after = {last}"
    )]
    MessagesWait {
        /// Position of the last one.
        last: u64,
    },
    /// The id belongs to something of another type.
    #[error("{0}")]
    TypeMismatch(&'static str),
    /// The task or attempt is over.
    #[error("the task token belongs to an attempt that is over")]
    Fenced,
    /// The run has events that its code must see before it closes.
    #[error("the run has unread events")]
    UnreadEvents {
        /// The events after this one are unread.
        after: u64,
    },
    /// A completion does not fit its task.
    #[error("{0}")]
    CompletionInvalid(&'static str),
    /// A documented limit was reached.
    #[error("limit reached: {subject} at most {limit}")]
    LimitExceeded {
        /// What is limited.
        subject: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The conversation is opened without a type.
    #[error("conversation_type is required when a conversation is opened")]
    TypeRequired,
    /// The content of the conversation was removed.
    #[error("the content of the conversation was removed, its id is not used again")]
    ConversationErased,
    /// The id of the request belongs to another one.
    #[error("the request_id was used for a request that asks for something else")]
    RequestIdReused,
    /// The provider's id belongs to another message.
    #[error(
        "the provider_message_id belongs to message {sequence}, which says something else: \
         a message that was edited is changed with EditMessage"
    )]
    MessageIdReused {
        /// Position of that message.
        sequence: u64,
    },
    /// The id belongs to another event.
    #[error("the event_id belongs to event {sequence}, which says something else")]
    EventIdReused {
        /// Position of that event.
        sequence: u64,
    },
    /// Somebody else owns the conversation now.
    #[error("the conversation has been handed over again since: its handoff_epoch is {epoch}")]
    HandoffChanged {
        /// The present one; 0 when the agents have it.
        epoch: u64,
    },
    /// No such message of the customer.
    #[error("there is no message with this provider_message_id, or it is too long ago")]
    MessageNotFound,
    /// The conversation has messages that the import does not know.
    #[error("the conversation has {messages} messages already")]
    ConversationExists {
        /// How many.
        messages: u64,
    },
    /// Another conversation is just being merged into this one.
    #[error("another conversation is being merged into this one: try again")]
    MergeUnderWay,
    /// The conversation is part of another one.
    #[error("the conversation was merged into {0}")]
    ConversationMerged(String),
    /// The customer does not want messages by the channel.
    #[error("the customer does not want messages by {0}")]
    OptedOut(String),
    /// The delivery of the message has not failed, or its content is not kept.
    #[error("the message cannot be sent again: {0}")]
    NotResendable(&'static str),
    /// No person or team owns the conversation.
    #[error("the conversation is not handed to a person or team")]
    NotHandedOff,
    /// Another person owns the conversation.
    #[error("the conversation is handed to {0}")]
    WrongAssignee(String),
    /// No such approval.
    #[error("there is no approval with this id")]
    ApprovalNotFound,
    /// The approval is decided or withdrawn already.
    #[error("the approval is decided already")]
    ApprovalDecided,
    /// The approval has expired.
    #[error("the approval has expired")]
    ApprovalExpired,
    /// The decision was made on other arguments.
    #[error("the decision was made on other arguments than the approval's")]
    ApprovalChanged,
    /// No such delivery.
    #[error("there is no such delivery, or it is too long ago")]
    DeliveryNotFound,
    /// A task was offered that is no longer wanted; nothing is wrong.
    #[error("the task is no longer wanted")]
    Stale,
    /// A task cannot start before this time.
    #[error("the attempt must wait")]
    TooEarly(Time),
}

/// Why one command of a completion is refused: it fails, the rest is carried
/// out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It cannot be carried out in this run.
    Invalid {
        /// What is wrong, as the API calls it.
        field: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// A documented limit was reached.
    Limit {
        /// What is beyond it, as the API calls it.
        field: &'static str,
        /// What is limited.
        subject: &'static str,
        /// The limit.
        limit: u64,
    },
}

impl Refusal {
    /// A command that cannot be carried out.
    pub fn invalid(field: &'static str, reason: &'static str) -> Self {
        Self::Invalid { field, reason }
    }

    /// A command that would go beyond a limit.
    pub fn limit(field: &'static str, subject: &'static str, limit: u64) -> Self {
        Self::Limit {
            field,
            subject,
            limit,
        }
    }

    /// The failure of the command; its details are JSON, with the field and
    /// the limit.
    pub fn failure(self) -> Failure {
        // Names of fields hold nothing that JSON would have to escape.
        let (type_name, message, details) = match self {
            Self::Invalid { field, reason } => (
                "COMMAND_INVALID",
                format!("{field}: {reason}"),
                format!(r#"{{"field":"{field}"}}"#),
            ),
            Self::Limit {
                field,
                subject,
                limit,
            } => (
                "LIMIT_EXCEEDED",
                format!("limit reached: {subject} at most {limit}"),
                format!(r#"{{"field":"{field}","limit":{limit}}}"#),
            ),
        };
        let mut failure = Failure::new(FailureKind::Application, type_name, &message);
        failure.non_retryable = true;
        failure.details = Some(Payload {
            data: Blob(details.into_bytes().into()),
            content_type: "".into(),
        });
        failure
    }
}
