//! The beginning and the end of a run, notifications and information.

use everturn_client::v1;
use serde_json::{Value, json};
use v1::history_event::Kind;

use crate::render::approval::outcome_name;
use crate::render::message::{delivery_status, message_json, outside_event_json};
use crate::render::value::{
    failure, labels, payload, payloads, run_status, seconds, time, usage, variant,
};

/// Name and fields of the beginning, the end, notifications and information.
pub(super) fn describe(kind: &Kind) -> Option<(&'static str, Value)> {
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
                "result": payload(it.result.as_ref()), "usage": usage(it.usage.as_ref()) }),
        ),
        Kind::ActivityFailed(it) => (
            "ActivityFailed",
            json!({ "key": it.key, "attempt": it.attempt,
                "failure": failure(it.failure.as_ref()), "usage": usage(it.usage.as_ref()) }),
        ),
        Kind::ActivityAttemptFailed(it) => (
            "ActivityAttemptFailed",
            json!({ "key": it.key, "attempt": it.attempt,
                "failure": failure(it.failure.as_ref()),
                "next_attempt_time": time(it.next_attempt_time.as_ref()),
                "usage": usage(it.usage.as_ref()) }),
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
        other => return describe_conversation(other),
    })
}

/// What concerns the conversation of a turn.
fn describe_conversation(kind: &Kind) -> Option<(&'static str, Value)> {
    Some(match kind {
        Kind::AskAnswered(it) => (
            "AskAnswered",
            json!({ "key": it.key, "messages": messages(&it.messages),
                "earlier_message_count": it.earlier_message_count }),
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
        Kind::EventsArrived(it) => ("EventsArrived", json!({ "events": events(&it.events) })),
        Kind::ApprovalDecided(it) => (
            "ApprovalDecided",
            json!({ "key": it.key, "outcome": outcome_name(it.outcome()),
                "decider": it.decider, "comment": it.comment,
                "arguments": payload(it.arguments.as_ref()) }),
        ),
        Kind::HandedBack(it) => (
            "HandedBack",
            json!({ "key": it.key, "author_name": it.author_name, "note": it.note,
                "messages": messages(&it.messages), "has_more": it.has_more }),
        ),
        Kind::DeliveryChanged(it) => (
            "DeliveryChanged",
            json!({ "key": it.key, "message_sequence": it.message_sequence,
                "status": delivery_status(it.status()), "detail": it.detail }),
        ),
        Kind::RunPaused(it) => ("RunPaused", json!({ "reason": it.reason })),
        Kind::RunResumed(_) => ("RunResumed", json!({})),
        Kind::CommandFailed(it) => (
            "CommandFailed",
            json!({ "key": it.key, "failure": failure(it.failure.as_ref()) }),
        ),
        Kind::ProblemRecorded(it) => (
            "ProblemRecorded",
            json!({ "key": it.key, "failure": failure(it.failure.as_ref()) }),
        ),
        Kind::NoReplyRecorded(it) => (
            "NoReplyRecorded",
            json!({ "key": it.key, "reason": it.reason, "suppressed": it.suppressed }),
        ),
        _ => return None,
    })
}

fn messages(messages: &[v1::Message]) -> Value {
    messages.iter().map(message_json).collect()
}

fn events(events: &[v1::ConversationEvent]) -> Value {
    events.iter().map(outside_event_json).collect()
}

fn turn(turn: Option<&v1::TurnInput>) -> Value {
    turn.map_or(Value::Null, |it| {
        json!({
            "conversation_id": it.conversation_id,
            "conversation_type": it.conversation_type,
            "number": it.number,
            "cause": variant(it.cause().as_str_name(), "TURN_CAUSE"),
            "reply_channel": it.reply_channel,
            "addresses": labels(&it.addresses),
            "messages": messages(&it.messages),
            "events": events(&it.events),
            "recent_count": it.recent.len(),
            "interrupted": interrupted(it.interrupted.as_ref()),
            "state": payloads(&it.state),
        })
    })
}

fn interrupted(turns: Option<&v1::InterruptedTurns>) -> Value {
    use v1::interrupted_step::Outcome;
    let step = |it: &v1::InterruptedStep| {
        let (result, cause) = match &it.outcome {
            Some(Outcome::Result(it)) => (payload(Some(it)), Value::Null),
            Some(Outcome::Failure(it)) => (Value::Null, failure(Some(it))),
            None => (Value::Null, Value::Null),
        };
        json!({
            "turn": it.turn,
            "key": it.key,
            "kind": variant(it.kind().as_str_name(), "STEP_KIND"),
            "activity_type": it.activity_type,
            "is_known": it.outcome.is_some(),
            "result": result,
            "failure": cause,
            "is_cut": it.is_cut,
        })
    };
    turns.map_or(Value::Null, |it| {
        let steps: Vec<Value> = it.steps.iter().map(step).collect();
        json!({ "first_turn": it.first_turn, "steps": steps })
    })
}
