//! Records of commands.

use everturn_client::v1;
use serde_json::{Value, json};
use v1::history_event::Kind;

use crate::render::message::content_json;
use crate::render::value::{failure, payload, time, variant};

/// Name and fields of a record of a command.
pub(super) fn describe(kind: &Kind) -> Option<(&'static str, Value)> {
    Some(match kind {
        Kind::ActivityScheduled(it) => (
            "ActivityScheduled",
            json!({ "key": it.key, "activity_type": it.activity_type,
                "input": payload(it.input.as_ref()),
                "task_queue": it.options.as_ref().map(|it| it.task_queue.as_str()) }),
        ),
        Kind::TimerStarted(it) => (
            "TimerStarted",
            json!({ "key": it.key, "fire_time": time(it.fire_time.as_ref()) }),
        ),
        Kind::ChildStarted(it) => (
            "ChildStarted",
            json!({ "key": it.key, "workflow_type": it.workflow_type,
                "workflow_id": it.workflow_id, "run_id": it.run_id }),
        ),
        Kind::LocalRecorded(it) => ("LocalRecorded", local(it)),
        Kind::MessageSent(it) => (
            "MessageSent",
            json!({ "key": it.key, "message_sequence": it.message_sequence,
                "channel": it.channel }),
        ),
        Kind::MessageSuppressed(it) => (
            "MessageSuppressed",
            json!({ "key": it.key,
                "reason": variant(it.reason().as_str_name(), "SUPPRESS_REASON"),
                "channel": it.channel,
                "content": content_json(it.content.as_ref()) }),
        ),
        Kind::MessageHeld(it) => (
            "MessageHeld",
            json!({ "key": it.key, "channel": it.channel,
                "until_time": time(it.until_time.as_ref()),
                "content": content_json(it.content.as_ref()) }),
        ),
        Kind::AskOpened(it) => (
            "AskOpened",
            json!({ "key": it.key, "after_message_sequence": it.after_message_sequence,
                "is_held": it.is_held }),
        ),
        Kind::CloseRecorded(it) => (
            "CloseRecorded",
            json!({ "key": it.key, "reason": it.reason, "suppressed": it.suppressed }),
        ),
        Kind::StateSet(it) => (
            "StateSet",
            json!({ "key": it.key, "name": it.name, "value": payload(it.value.as_ref()),
                "suppressed": it.suppressed }),
        ),
        Kind::SignalScheduled(it) => (
            "SignalScheduled",
            json!({ "key": it.key, "workflow_id": it.workflow_id,
                "signal_name": it.signal_name, "input": payload(it.input.as_ref()) }),
        ),
        Kind::ApprovalRequested(it) => (
            "ApprovalRequested",
            json!({ "key": it.key, "approval_id": it.approval_id,
                "expire_time": time(it.expire_time.as_ref()) }),
        ),
        Kind::HandedOff(it) => ("HandedOff", json!({ "key": it.key })),
        Kind::CommandCanceled(it) => ("CommandCanceled", json!({ "target_key": it.target_key })),
        _ => return None,
    })
}

fn local(it: &v1::LocalRecorded) -> Value {
    use v1::local_recorded::Outcome;
    let (result, cause) = match &it.outcome {
        Some(Outcome::Result(it)) => (payload(Some(it)), Value::Null),
        Some(Outcome::Failure(it)) => (Value::Null, failure(Some(it))),
        None => (Value::Null, Value::Null),
    };
    json!({ "key": it.key, "seen_event_id": it.seen_event_id,
        "result": result, "failure": cause })
}
