//! Payloads, failures, state.

use std::collections::HashMap;

use everturn_engine::state::entries::State;
use everturn_engine::value::{Failure, FailureKind, Outcome, Payload};
use everturn_proto::v1 as pb;

use crate::outgoing::duration;

/// A payload.
pub(crate) fn payload(value: &Payload) -> pb::Payload {
    pb::Payload {
        data: value.data.0.clone(),
        content_type: value.content_type.to_string(),
    }
}

/// A failure.
pub(crate) fn failure(value: &Failure) -> pb::Failure {
    let kind = match value.kind {
        FailureKind::Application => pb::FailureKind::Application,
        FailureKind::Timeout => pb::FailureKind::Timeout,
        FailureKind::Canceled => pb::FailureKind::Canceled,
        FailureKind::Terminated => pb::FailureKind::Terminated,
        FailureKind::WorkerLost => pb::FailureKind::WorkerLost,
    };
    pb::Failure {
        kind: kind.into(),
        r#type: value.type_name.to_string(),
        message: value.message.to_string(),
        stack_trace: value.stack_trace.to_string(),
        details: value.details.as_ref().map(payload),
        non_retryable: value.non_retryable,
        retry_after: value.retry_after.map(duration),
        cause: value.cause.as_deref().map(|cause| Box::new(failure(cause))),
        more_causes: value.more_causes.iter().map(failure).collect(),
    }
}

/// A result or a failure.
pub(crate) fn outcome(value: &Outcome) -> (Option<pb::Payload>, Option<pb::Failure>) {
    match value {
        Outcome::Completed(result) => (Some(payload(result)), None),
        Outcome::Failed(value) => (None, Some(failure(value))),
    }
}

/// Entries of a state.
pub(crate) fn state(value: &State) -> HashMap<String, pb::Payload> {
    let entries = value.entries.iter();
    entries
        .map(|(name, value)| (name.to_string(), payload(value)))
        .collect()
}
