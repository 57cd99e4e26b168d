//! Payloads and failures.

use everturn_engine::limits;
use everturn_engine::value::{Blob, Failure, FailureKind, Payload};
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};
use crate::incoming::span::optional_span;

/// Failures in a failure with all its causes.
const MEMBERS: usize = limits::FAILURE_MEMBERS;

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

/// A failure; an absent one is an application failure without text. Never
/// refused: a failure that is not recorded leaves its step waiting. What is
/// beyond its bounds is cut.
pub(crate) fn failure(value: Option<pb::Failure>) -> Failure {
    let mut members = MEMBERS;
    let mut failure = level(value.unwrap_or_default(), 0, &mut members);
    let mut bytes = 0;
    cut_details(&mut failure, &mut bytes);
    failure
}

fn level(value: pb::Failure, depth: usize, members: &mut usize) -> Failure {
    let kind = match value.kind() {
        pb::FailureKind::Unspecified | pb::FailureKind::Application => FailureKind::Application,
        pb::FailureKind::Timeout => FailureKind::Timeout,
        pb::FailureKind::Canceled => FailureKind::Canceled,
        pb::FailureKind::Terminated => FailureKind::Terminated,
        pb::FailureKind::WorkerLost => FailureKind::WorkerLost,
    };
    let mut type_name = cut(value.r#type, limits::ID_BYTES);
    type_name.retain(|it| !it.is_control());
    let causes = value.cause.map(|cause| *cause).into_iter();
    let mut causes = causes.chain(value.more_causes).filter_map(|cause| {
        let fits = depth < limits::FAILURE_CAUSES && *members > 0;
        fits.then(|| {
            *members -= 1;
            level(cause, depth + 1, members)
        })
    });
    let retry_after = optional_span(&mut Checker::default(), Path::field(""), value.retry_after);
    Failure {
        kind,
        type_name: type_name.into(),
        message: cut(value.message, limits::FAILURE_MESSAGE_BYTES).into(),
        stack_trace: cut(value.stack_trace, limits::FAILURE_STACK_BYTES).into(),
        details: value.details.map(|details| Payload {
            data: Blob(details.data),
            content_type: cut(details.content_type, limits::ID_BYTES).into(),
        }),
        non_retryable: value.non_retryable,
        retry_after,
        cause: causes.next().map(Box::new),
        more_causes: causes.collect(),
    }
}

/// Leaves out details that would make the failure too big for a message.
fn cut_details(failure: &mut Failure, bytes: &mut usize) {
    if let Some(details) = &failure.details {
        let size = details.size_bytes();
        if *bytes + size > limits::PAYLOAD_BYTES {
            failure.details = None;
        } else {
            *bytes += size;
        }
    }
    let causes = failure.cause.as_deref_mut().into_iter();
    for cause in causes.chain(&mut failure.more_causes) {
        cut_details(cause, bytes);
    }
}

/// Cuts a text to a number of bytes, at a character.
pub(crate) fn cut(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_beyond_its_bounds_is_cut_and_not_refused() {
        let mut value = pb::Failure {
            kind: 99,
            r#type: format!("Bad\n{}", "é".repeat(200)),
            message: "m".repeat(20_000),
            stack_trace: "s".repeat(40_000),
            ..pb::Failure::default()
        };
        for _ in 0..20 {
            value = pb::Failure {
                cause: Some(Box::new(value)),
                more_causes: vec![pb::Failure::default(); 3],
                ..pb::Failure::default()
            };
        }
        let mut read = &failure(Some(value));
        let mut levels = 0;
        while let Some(cause) = read.cause.as_deref() {
            read = cause;
            levels += 1;
        }
        assert_eq!(levels, limits::FAILURE_CAUSES);
        let long = pb::Failure {
            r#type: format!("Bad\n{}", "é".repeat(200)),
            message: "m".repeat(20_000),
            ..pb::Failure::default()
        };
        let read = failure(Some(long));
        assert!(read.type_name.as_str().len() <= limits::ID_BYTES);
        assert!(read.type_name.as_str().starts_with("Badé"));
        assert_eq!(read.message.as_str().len(), limits::FAILURE_MESSAGE_BYTES);
    }
}
