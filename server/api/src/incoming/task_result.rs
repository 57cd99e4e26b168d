//! Task tokens and the results that are reported under them.

use everturn_engine::decide::{ActivityToken, Completion, TaskToken};
use everturn_engine::text::{RootKey, Text};
use everturn_proto::v1 as pb;
use everturn_proto::v1::ErrorReason;
use everturn_runtime::{OutputPiece, ResultBody, TaskResult};
use tonic::{Code, Status};

use crate::checker::{Checker, Path};
use crate::error;
use crate::incoming;
use crate::task_token::{self, Token};

/// Why a result was not even handed to its run.
#[derive(Debug)]
pub(crate) struct Invalid {
    /// The reason.
    pub reason: ErrorReason,
    /// Text for people.
    pub message: String,
}

impl Invalid {
    fn token() -> Self {
        Self {
            reason: ErrorReason::TaskTokenInvalid,
            message: "task_token was not made by this server for such a task".to_owned(),
        }
    }

    fn fields(checker: &Checker) -> Self {
        let (message, is_limit) = checker.summary();
        let reason = if is_limit {
            ErrorReason::LimitExceeded
        } else {
            ErrorReason::FieldInvalid
        };
        Self { reason, message }
    }

    /// The same as a status, for calls that report one result.
    pub fn into_status(self) -> Status {
        let code = match self.reason {
            ErrorReason::LimitExceeded => Code::ResourceExhausted,
            _ => Code::InvalidArgument,
        };
        error::status(code, self.reason, self.message)
    }
}

/// The answer to a result that was not even handed to its run.
pub(crate) fn rejection_of(result_id: u64, invalid: Invalid) -> pb::ResultRejection {
    pb::ResultRejection {
        result_id,
        reason: error::reason_name(invalid.reason).to_owned(),
        message: invalid.message,
        unread_events: Vec::new(),
    }
}

/// The attempt that a token names.
pub(crate) fn activity_token(token: &[u8]) -> Result<(RootKey, ActivityToken), Invalid> {
    match task_token::parse(token) {
        Some(Token::Activity(root, token)) => Ok((root, token)),
        _ => Err(Invalid::token()),
    }
}

/// The workflow task that a token names.
pub(crate) fn workflow_token(token: &[u8]) -> Result<(RootKey, TaskToken), Invalid> {
    match task_token::parse(token) {
        Some(Token::Workflow(root, token)) => Ok((root, token)),
        _ => Err(Invalid::token()),
    }
}

/// The result of an attempt.
pub(crate) fn activity_result(value: pb::ActivityResult) -> Result<TaskResult, Invalid> {
    use pb::activity_result::Outcome;
    let (root, token) = activity_token(&value.task_token)?;
    let mut checker = Checker::default();
    let usage = incoming::usage(&mut checker, Path::field("usage"), value.usage);
    let body = match value.outcome {
        Some(Outcome::Failure(failure)) => ResultBody::ActivityFailed {
            token,
            failure: incoming::failure(Some(failure)),
            usage,
        },
        Some(Outcome::Result(result)) if token.slot == OUTBOX => ResultBody::DeliveryAccepted {
            token,
            provider_message_id: provider_message_id(&result.data),
        },
        Some(Outcome::Result(result)) => ResultBody::ActivityCompleted {
            token,
            result: incoming::payload(&mut checker, Path::field("result"), Some(result)),
            usage,
        },
        None => ResultBody::ActivityCompleted {
            token,
            result: everturn_engine::value::Payload::default(),
            usage,
        },
    };
    finish(&checker, value.result_id, root, body)
}

/// The slot of tasks that deliver messages.
const OUTBOX: u32 = 0;

/// The id that the provider gave a message, if the result of its delivery says
/// so: a text or a number, whatever else it says. A result that is not JSON, or
/// `null`, says nothing; the message is out all the same.
fn provider_message_id(result: &[u8]) -> Text {
    let receipt: serde_json::Value = serde_json::from_slice(result).unwrap_or_default();
    match receipt.get("providerMessageId") {
        Some(serde_json::Value::String(id)) => super::outside::id(id),
        Some(serde_json::Value::Number(id)) => id.to_string().into(),
        _ => Text::default(),
    }
}

/// A piece of partial output.
pub(crate) fn output_piece(value: pb::ActivityOutput) -> Result<OutputPiece, Invalid> {
    let (root, token) = activity_token(&value.task_token)?;
    let mut checker = Checker::default();
    if value.sequence == 0 {
        checker.violation(Path::field("sequence"), "begins at 1");
    }
    if value.data.len() > OUTPUT_BYTES {
        checker.over_limit("bytes of a piece of output", OUTPUT_BYTES as u64);
    }
    if !checker.is_clean() {
        return Err(Invalid::fields(&checker));
    }
    Ok(OutputPiece {
        root,
        token,
        sequence: value.sequence,
        data: value.data,
    })
}

/// Bytes of one piece of partial output.
const OUTPUT_BYTES: usize = 64 * 1024;

/// The result of a workflow task.
pub(crate) fn workflow_task_result(value: pb::WorkflowTaskResult) -> Result<TaskResult, Invalid> {
    let (root, token) = workflow_token(&value.task_token)?;
    let mut checker = Checker::default();
    let body = if value.needs_full_journal {
        ResultBody::TaskNeedsJournal { token }
    } else if let Some(failure) = value.failure {
        ResultBody::TaskFailed {
            token,
            failure: incoming::failure(Some(failure)),
        }
    } else {
        ResultBody::TaskCompleted {
            token,
            completion: Completion {
                seen: value.seen_event_id,
                commands: incoming::commands(&mut checker, value.commands),
                partial: value.is_partial,
            },
            cached: value.run_cached,
        }
    };
    finish(&checker, value.result_id, root, body)
}

fn finish(
    checker: &Checker,
    result_id: u64,
    root: RootKey,
    body: ResultBody,
) -> Result<TaskResult, Invalid> {
    if !checker.is_clean() {
        return Err(Invalid::fields(checker));
    }
    Ok(TaskResult {
        result_id,
        root,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::provider_message_id;

    #[test]
    fn a_message_that_is_out_is_out_whatever_the_adapter_says_about_it() {
        let id = |json: &str| provider_message_id(json.as_bytes()).to_string();
        assert_eq!(id(r#"{"providerMessageId":"m-7"}"#), "m-7");
        assert_eq!(id(r#"{"providerMessageId":7,"code":"4711"}"#), "7");
        assert_eq!(id(r#"{"providerMessageId":"a\u0000b"}"#), "a b");
        for nothing in ["", "null", "7", r#"{"code":{}}"#] {
            assert_eq!(id(nothing), "", "{nothing}");
        }
        let long = format!(r#"{{"providerMessageId":"{}"}}"#, "x".repeat(300));
        assert_eq!(id(&long).len(), 300);
    }
}
