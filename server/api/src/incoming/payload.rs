//! Payloads and failures.

use everturn_engine::limits;
use everturn_engine::value::{Blob, Failure, FailureKind, Payload};
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};
use crate::incoming::policy::optional_span;

/// Bytes of a failure's text.
const MESSAGE_BYTES: usize = 16 * 1024;
/// Bytes of a failure's stack trace.
const STACK_TRACE_BYTES: usize = 32 * 1024;
/// Levels of causes.
const CAUSES: usize = 8;

/// A payload; an absent one is empty.
pub(crate) fn payload(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::Payload>,
) -> Payload {
    optional_payload(checker, path, value).unwrap_or_default()
}

/// A payload that may be left out.
pub(crate) fn optional_payload(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::Payload>,
) -> Option<Payload> {
    let value = value?;
    if value.data.len() > limits::PAYLOAD_BYTES {
        checker.over_limit("bytes of a payload", limits::PAYLOAD_BYTES as u64);
    }
    checker.optional_name(path.then("content_type"), &value.content_type);
    Some(Payload {
        data: Blob(value.data),
        content_type: value.content_type.into(),
    })
}

/// A failure; an absent one is an application failure without text.
pub(crate) fn failure(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::Failure>,
) -> Failure {
    level(checker, path, value.unwrap_or_default(), 0)
}

fn level(checker: &mut Checker, path: Path<'_>, value: pb::Failure, depth: usize) -> Failure {
    let kind = match value.kind() {
        pb::FailureKind::Unspecified | pb::FailureKind::Application => FailureKind::Application,
        pb::FailureKind::Timeout => FailureKind::Timeout,
        pb::FailureKind::Canceled => FailureKind::Canceled,
        pb::FailureKind::Terminated => FailureKind::Terminated,
        pb::FailureKind::WorkerLost => FailureKind::WorkerLost,
    };
    if pb::FailureKind::try_from(value.kind).is_err() {
        checker.violation(path.then("kind"), "is unknown");
    }
    checker.optional_name(path.then("type"), &value.r#type);
    checker.text(path.then("message"), &value.message, MESSAGE_BYTES);
    checker.text(
        path.then("stack_trace"),
        &value.stack_trace,
        STACK_TRACE_BYTES,
    );
    let cause = value.cause.and_then(|cause| {
        if depth + 1 > CAUSES {
            checker.violation(
                path.then("cause"),
                format!("is nested deeper than {CAUSES}"),
            );
            return None;
        }
        Some(Box::new(level(
            checker,
            path.then("cause"),
            *cause,
            depth + 1,
        )))
    });
    Failure {
        kind,
        type_name: value.r#type.into(),
        message: value.message.into(),
        stack_trace: value.stack_trace.into(),
        details: optional_payload(checker, path.then("details"), value.details),
        non_retryable: value.non_retryable,
        retry_after: optional_span(checker, path.then("retry_after"), value.retry_after),
        cause,
    }
}
