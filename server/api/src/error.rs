//! Statuses: the one place where rejections, errors and bad input become gRPC
//! codes with google.rpc details.

use std::collections::HashMap;
use std::time::Duration;

use everturn_engine::rejection::Rejection;
use everturn_proto::v1::ErrorReason;
use everturn_runtime::Error;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Domain of every `google.rpc.ErrorInfo`.
const DOMAIN: &str = "everturn";
/// How long a caller should wait before it repeats a call that met a busy or
/// moving server.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The reason as it goes over the wire: the enum's name without its prefix.
pub(crate) fn reason_name(reason: ErrorReason) -> &'static str {
    reason
        .as_str_name()
        .strip_prefix("ERROR_REASON_")
        .unwrap_or_default()
}

/// A status with a reason.
pub(crate) fn status(code: Code, reason: ErrorReason, message: impl Into<String>) -> Status {
    with_details(code, reason, message, HashMap::new(), |_| {})
}

/// Bad fields, all of them.
pub(crate) fn fields_invalid(violations: Vec<(String, String)>) -> Status {
    let message = violations
        .first()
        .map_or_else(String::new, |(field, text)| {
            let more = violations.len() - 1;
            let rest = if more > 0 {
                format!(" (and {more} more)")
            } else {
                String::new()
            };
            format!("{field} {text}{rest}")
        });
    let reason = ErrorReason::FieldInvalid;
    with_details(
        Code::InvalidArgument,
        reason,
        message,
        HashMap::new(),
        |details| {
            for (field, description) in violations {
                details.add_bad_request_violation(field, description);
            }
        },
    )
}

/// A documented limit was reached.
pub(crate) fn limit_exceeded(subject: &str, limit: u64) -> Status {
    let message = format!("limit reached: {subject} at most {limit}");
    let metadata = HashMap::from([("limit".to_owned(), limit.to_string())]);
    let reason = ErrorReason::LimitExceeded;
    with_details(
        Code::ResourceExhausted,
        reason,
        message,
        metadata,
        |details| {
            details.add_quota_failure_violation(subject, format!("at most {limit}"));
        },
    )
}

/// What a call was refused with, or why it failed.
pub(crate) fn refused(error: &Error) -> Status {
    let message = error.to_string();
    let retry = |code, reason| {
        with_details(code, reason, message.clone(), HashMap::new(), |details| {
            details.set_retry_info(Some(RETRY_DELAY));
        })
    };
    match error {
        Error::Rejected(rejection) => rejected(rejection),
        Error::LimitExceeded { subject, limit } => limit_exceeded(subject, *limit),
        Error::CursorInvalid(_) => {
            status(Code::InvalidArgument, ErrorReason::CursorInvalid, message)
        }
        Error::Busy(_) => retry(Code::ResourceExhausted, ErrorReason::Busy),
        Error::Draining => retry(Code::Unavailable, ErrorReason::Draining),
        Error::StoreFull => retry(Code::Unavailable, ErrorReason::StoreFull),
        Error::PartitionMoved => retry(Code::Unavailable, ErrorReason::PartitionMoved),
        Error::Internal { incident } => {
            let metadata = HashMap::from([("incident_id".to_owned(), incident.clone())]);
            with_details(
                Code::Internal,
                ErrorReason::Internal,
                message,
                metadata,
                |_| {},
            )
        }
    }
}

/// The reason and text of an error, for answers that carry no status.
pub(crate) fn reason_of(error: &Error) -> (ErrorReason, String) {
    let reason = match error {
        Error::Rejected(rejection) => class(rejection).1,
        Error::LimitExceeded { .. } => ErrorReason::LimitExceeded,
        Error::CursorInvalid(_) => ErrorReason::CursorInvalid,
        Error::Busy(_) => ErrorReason::Busy,
        Error::Draining => ErrorReason::Draining,
        Error::StoreFull => ErrorReason::StoreFull,
        Error::PartitionMoved => ErrorReason::PartitionMoved,
        Error::Internal { .. } => ErrorReason::Internal,
    };
    (reason, error.to_string())
}

fn rejected(rejection: &Rejection) -> Status {
    let (code, reason) = class(rejection);
    let message = rejection.to_string();
    match rejection {
        Rejection::LimitExceeded { subject, limit } => limit_exceeded(subject, *limit),
        Rejection::TypeRequired => fields_invalid(vec![("conversation_type".to_owned(), message)]),
        Rejection::RunAlreadyStarted { run_id } => {
            let run_id = crate::outgoing::run_id(everturn_engine::event::RunId(*run_id));
            let metadata = HashMap::from([("run_id".to_owned(), run_id)]);
            with_details(code, reason, message, metadata, |_| {})
        }
        Rejection::MessageIdReused { sequence } | Rejection::MessagesWait { last: sequence } => {
            numbered(code, reason, message, "message_sequence", *sequence)
        }
        Rejection::EventIdReused { sequence } => {
            numbered(code, reason, message, "event_sequence", *sequence)
        }
        Rejection::HandoffChanged { epoch } => {
            numbered(code, reason, message, "handoff_epoch", *epoch)
        }
        Rejection::ConversationExists { messages } => {
            numbered(code, reason, message, "message_count", *messages)
        }
        Rejection::ConversationMerged(into) => {
            let metadata = HashMap::from([("conversation_id".to_owned(), into.clone())]);
            with_details(code, reason, message, metadata, |_| {})
        }
        Rejection::MergeUnderWay => with_details(code, reason, message, HashMap::new(), |it| {
            it.set_retry_info(Some(RETRY_DELAY));
        }),
        Rejection::RunNotFound => not_found(reason, "workflow run", message),
        Rejection::ConversationNotFound => not_found(reason, "conversation", message),
        Rejection::ApprovalNotFound => not_found(reason, "approval", message),
        Rejection::DeliveryNotFound => not_found(reason, "delivery", message),
        Rejection::MessageNotFound => not_found(reason, "message", message),
        _ => status(code, reason, message),
    }
}

/// The code and reason of each rejection.
fn class(rejection: &Rejection) -> (Code, ErrorReason) {
    use ErrorReason as R;
    match rejection {
        Rejection::RunNotFound => (Code::NotFound, R::RunNotFound),
        Rejection::ConversationNotFound => (Code::NotFound, R::ConversationNotFound),
        Rejection::RunAlreadyStarted { .. } => (Code::AlreadyExists, R::RunAlreadyStarted),
        Rejection::RunClosed => (Code::FailedPrecondition, R::RunClosed),
        Rejection::ConversationClosed | Rejection::ClosedTooLongAgo { .. } => {
            (Code::FailedPrecondition, R::ConversationClosed)
        }
        Rejection::ConversationExists { .. } => (Code::AlreadyExists, R::ConversationExists),
        Rejection::ConversationMerged(_) => (Code::FailedPrecondition, R::ConversationMerged),
        Rejection::MergeUnderWay => (Code::ResourceExhausted, R::Busy),
        Rejection::MessageNotFound => (Code::NotFound, R::MessageNotFound),
        Rejection::OptedOut(_) => (Code::FailedPrecondition, R::OptedOut),
        Rejection::NotResendable(_) => (Code::FailedPrecondition, R::NotResendable),
        Rejection::MessagesWait { .. } => (Code::FailedPrecondition, R::MessagesWait),
        Rejection::RequestIdReused => (Code::AlreadyExists, R::RequestIdReused),
        Rejection::MessageIdReused { .. } => (Code::AlreadyExists, R::MessageIdReused),
        Rejection::EventIdReused { .. } => (Code::AlreadyExists, R::EventIdReused),
        Rejection::HandoffChanged { .. } => (Code::FailedPrecondition, R::HandoffChanged),
        Rejection::TypeMismatch(_) => (Code::FailedPrecondition, R::TypeMismatch),
        Rejection::Fenced | Rejection::Stale | Rejection::TooEarly(_) => {
            (Code::FailedPrecondition, R::Fenced)
        }
        Rejection::UnreadEvents { .. } => (Code::FailedPrecondition, R::UnreadEvents),
        Rejection::CompletionInvalid(_) => (Code::InvalidArgument, R::CommandInvalid),
        Rejection::LimitExceeded { .. } => (Code::ResourceExhausted, R::LimitExceeded),
        Rejection::TypeRequired => (Code::InvalidArgument, R::FieldInvalid),
        Rejection::ConversationErased => (Code::FailedPrecondition, R::ConversationErased),
        Rejection::NotHandedOff => (Code::FailedPrecondition, R::NotHandedOff),
        Rejection::WrongAssignee(_) => (Code::FailedPrecondition, R::WrongAssignee),
        Rejection::ApprovalNotFound => (Code::NotFound, R::ApprovalNotFound),
        Rejection::ApprovalDecided => (Code::FailedPrecondition, R::ApprovalDecided),
        Rejection::ApprovalExpired => (Code::FailedPrecondition, R::ApprovalExpired),
        Rejection::ApprovalChanged => (Code::FailedPrecondition, R::ApprovalChanged),
        Rejection::DeliveryNotFound => (Code::NotFound, R::DeliveryNotFound),
    }
}

/// With a number that the caller can go on with.
fn numbered(code: Code, reason: ErrorReason, message: String, name: &str, value: u64) -> Status {
    let metadata = HashMap::from([(name.to_owned(), value.to_string())]);
    with_details(code, reason, message, metadata, |_| {})
}

fn not_found(reason: ErrorReason, kind: &str, message: String) -> Status {
    with_details(Code::NotFound, reason, message, HashMap::new(), |details| {
        details.set_resource_info(kind, "", "", "");
    })
}

fn with_details(
    code: Code,
    reason: ErrorReason,
    message: impl Into<String>,
    metadata: HashMap<String, String>,
    add: impl FnOnce(&mut ErrorDetails),
) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason_name(reason), DOMAIN, metadata);
    add(&mut details);
    Status::with_error_details(code, message, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_go_over_the_wire_without_their_prefix() {
        assert_eq!(reason_name(ErrorReason::RunNotFound), "RUN_NOT_FOUND");
    }

    #[test]
    fn only_what_may_be_repeated_says_when() {
        let delay = |error: &Error| {
            let details = refused(error).get_error_details();
            details.retry_info().and_then(|info| info.retry_delay)
        };
        assert!(delay(&Error::Busy("x")).is_some());
        assert!(delay(&Error::Draining).is_some());
        let limit = Error::LimitExceeded {
            subject: "open watchers",
            limit: 1,
        };
        assert!(delay(&limit).is_none());
        assert_eq!(refused(&limit).code(), Code::ResourceExhausted);
    }
}
