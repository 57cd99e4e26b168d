//! Journal events, one object each: `id`, `time`, `type`, then the fields of
//! the event as the API names them.

use std::io;

use everturn_client::v1;
use serde_json::{Value, json};
use v1::history_event::Kind;

use super::Output;
use super::conversation::{content_json, message_json};
use super::value::{clock, failure, payload, run_status, seconds, time, variant};

/// Prints an event of a journal.
pub(crate) fn event(output: Output, event: &v1::HistoryEvent) -> io::Result<()> {
    let (name, fields) = describe(event.kind.as_ref());
    output.record(
        || {
            let mut object = json!({
                "id": event.id,
                "time": time(event.time.as_ref()),
                "type": name,
            });
            if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields.clone())
            {
                // The run's workflow type must not hide behind the event's.
                object.extend(fields);
            }
            object
        },
        || {
            format!(
                "{:>5}  {}  {name:<22} {}",
                event.id,
                clock(event.time.as_ref()),
                inline(&fields)
            )
        },
    )
}

/// Fields that say something, as `name=value`.
fn inline(fields: &Value) -> String {
    let Value::Object(fields) = fields else {
        return String::new();
    };
    let parts: Vec<String> = fields
        .iter()
        .filter(|(_, value)| !value.is_null() && value.as_str() != Some(""))
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            value => format!("{name}={value}"),
        })
        .collect();
    parts.join(" ")
}

fn messages(messages: &[v1::Message]) -> Value {
    messages.iter().map(message_json).collect()
}

fn describe(kind: Option<&Kind>) -> (&'static str, Value) {
    let Some(kind) = kind else {
        return ("Unknown", json!({}));
    };
    describe_command(kind)
        .or_else(|| describe_notification(kind))
        .unwrap_or(("Unknown", json!({})))
}

/// Records of commands.
fn describe_command(kind: &Kind) -> Option<(&'static str, Value)> {
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
        Kind::LocalRecorded(it) => {
            use v1::local_recorded::Outcome;
            let (result, cause) = match &it.outcome {
                Some(Outcome::Result(it)) => (payload(Some(it)), Value::Null),
                Some(Outcome::Failure(it)) => (Value::Null, failure(Some(it))),
                None => (Value::Null, Value::Null),
            };
            (
                "LocalRecorded",
                json!({ "key": it.key, "seen_event_id": it.seen_event_id,
                    "result": result, "failure": cause }),
            )
        }
        Kind::MessageSent(it) => (
            "MessageSent",
            json!({ "key": it.key, "message_sequence": it.message_sequence,
                "channel": it.channel }),
        ),
        Kind::MessageSuppressed(it) => (
            "MessageSuppressed",
            json!({ "key": it.key,
                "reason": variant(it.reason().as_str_name(), "SUPPRESS_REASON"),
                "content": content_json(it.content.as_ref()) }),
        ),
        Kind::AskOpened(it) => ("AskOpened", json!({ "key": it.key })),
        Kind::StateSet(it) => (
            "StateSet",
            json!({ "key": it.key, "name": it.name, "value": payload(it.value.as_ref()) }),
        ),
        Kind::SignalScheduled(it) => (
            "SignalScheduled",
            json!({ "key": it.key, "workflow_id": it.workflow_id,
                "signal_name": it.signal_name, "input": payload(it.input.as_ref()) }),
        ),
        Kind::CommandCanceled(it) => ("CommandCanceled", json!({ "target_key": it.target_key })),
        _ => return None,
    })
}

/// The beginning, the end, notifications and information.
fn describe_notification(kind: &Kind) -> Option<(&'static str, Value)> {
    Some(match kind {
        Kind::RunStarted(it) => (
            "RunStarted",
            json!({ "workflow_type": it.workflow_type, "task_queue": it.task_queue,
                "input": payload(it.input.as_ref()), "turn": turn(it.turn.as_ref()),
                "parent_workflow_id": it.parent_workflow_id,
                "execution_timeout": seconds(it.execution_timeout.as_ref()) }),
        ),
        Kind::RunClosed(it) => (
            "RunClosed",
            json!({ "status": run_status(it.status()), "result": payload(it.result.as_ref()),
                "failure": failure(it.failure.as_ref()) }),
        ),
        Kind::ActivityCompleted(it) => (
            "ActivityCompleted",
            json!({ "key": it.key, "attempt": it.attempt,
                "result": payload(it.result.as_ref()) }),
        ),
        Kind::ActivityFailed(it) => (
            "ActivityFailed",
            json!({ "key": it.key, "attempt": it.attempt,
                "failure": failure(it.failure.as_ref()) }),
        ),
        Kind::ActivityAttemptFailed(it) => (
            "ActivityAttemptFailed",
            json!({ "key": it.key, "attempt": it.attempt,
                "failure": failure(it.failure.as_ref()),
                "next_attempt_time": time(it.next_attempt_time.as_ref()) }),
        ),
        Kind::TimerFired(it) => ("TimerFired", json!({ "key": it.key })),
        Kind::ChildClosed(it) => (
            "ChildClosed",
            json!({ "key": it.key, "status": run_status(it.status()),
                "result": payload(it.result.as_ref()), "failure": failure(it.failure.as_ref()) }),
        ),
        Kind::SignalReceived(it) => (
            "SignalReceived",
            json!({ "signal_name": it.signal_name, "input": payload(it.input.as_ref()) }),
        ),
        Kind::SignalDelivered(it) => (
            "SignalDelivered",
            json!({ "key": it.key, "failure": failure(it.failure.as_ref()) }),
        ),
        Kind::AskAnswered(it) => (
            "AskAnswered",
            json!({ "key": it.key, "messages": messages(&it.messages) }),
        ),
        Kind::CancelRequested(it) => ("CancelRequested", json!({ "reason": it.reason })),
        Kind::TurnInterrupted(it) => (
            "TurnInterrupted",
            json!({ "grace": seconds(it.grace.as_ref()) }),
        ),
        Kind::MessagesArrived(it) => (
            "MessagesArrived",
            json!({ "messages": messages(&it.messages) }),
        ),
        _ => return None,
    })
}

fn turn(turn: Option<&v1::TurnInput>) -> Value {
    turn.map_or(Value::Null, |it| {
        json!({ "conversation_id": it.conversation_id, "number": it.number,
            "reply_channel": it.reply_channel, "messages": messages(&it.messages) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_its_type_and_fields() {
        let kind = Kind::TimerFired(v1::TimerFired {
            key: "nap".to_owned(),
        });
        assert_eq!(
            describe(Some(&kind)),
            ("TimerFired", json!({ "key": "nap" }))
        );
        assert_eq!(
            inline(&json!({ "key": "nap", "failure": null, "n": 1 })),
            "key=nap n=1"
        );
    }
}
