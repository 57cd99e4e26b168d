//! Conversations, messages and the updates of a watch.

use std::io;

use everturn_client::v1;
use serde_json::{Value, json};

use super::Output;
use super::value::{clock, labels, payload, payloads, seconds, time, variant};

fn author_kind(message: &v1::Message) -> String {
    variant(message.author_kind().as_str_name(), "AUTHOR_KIND")
}

fn turn_status(status: v1::TurnStatus) -> String {
    match status {
        v1::TurnStatus::Unspecified => "ended".to_owned(),
        status => variant(status.as_str_name(), "TURN_STATUS"),
    }
}

/// What a message says, as JSON.
pub(super) fn content_json(content: Option<&v1::MessageContent>) -> Value {
    let Some(content) = content else {
        return Value::Null;
    };
    json!({
        "text": content.text,
        "data": payload(content.data.as_ref()),
        "attributes": labels(&content.attributes),
    })
}

/// A message as JSON.
pub(super) fn message_json(message: &v1::Message) -> Value {
    json!({
        "sequence": message.sequence,
        "author_kind": author_kind(message),
        "author_name": message.author_name,
        "channel": message.channel,
        "provider_message_id": message.provider_message_id,
        "content": content_json(message.content.as_ref()),
        "create_time": time(message.create_time.as_ref()),
        "turn": message.turn,
    })
}

fn message_text(message: &v1::Message) -> String {
    let author = match (author_kind(message), message.author_name.as_str()) {
        (kind, "") => kind,
        (kind, name) => format!("{kind} {name}"),
    };
    let content = message.content.clone().unwrap_or_default();
    let mut text = format!(
        "#{:<4} {}  {author} ({}): {}",
        message.sequence,
        clock(message.create_time.as_ref()),
        message.channel,
        content.text,
    );
    if content.data.is_some() {
        text.push_str(&format!("  {}", payload(content.data.as_ref())));
    }
    text
}

/// Prints a message of a transcript.
pub(crate) fn message(output: Output, message: &v1::Message) -> io::Result<()> {
    output.record(
        || json!({ "message": message_json(message) }),
        || message_text(message),
    )
}

/// Prints an update of a watch: one key names its kind.
pub(crate) fn update(
    output: Output,
    update: &v1::watch_conversation_response::Update,
) -> io::Result<()> {
    use v1::watch_conversation_response::Update;
    match update {
        Update::Message(message) => self::message(output, message),
        Update::CaughtUp(_) => output.record(
            || json!({ "caught_up": {} }),
            || "-- up to date, following".to_owned(),
        ),
        Update::TurnChanged(turn) => {
            let status = turn_status(turn.status());
            output.record(
                || json!({ "turn_changed": { "number": turn.number, "status": status } }),
                || format!("-- turn {} {status}", turn.number),
            )
        }
        Update::Lagged(lagged) => output.record(
            || json!({ "lagged": { "skipped_count": lagged.skipped_count } }),
            || format!("-- {} changes left out", lagged.skipped_count),
        ),
        Update::OutputDelta(_)
        | Update::OutputReset(_)
        | Update::OutputEnded(_)
        | Update::Delivery(_)
        | Update::Changed(_) => Ok(()),
        Update::Closed(closed) => output.record(
            || json!({ "closed": { "reason": closed.reason } }),
            || format!("-- closed {}", closed.reason),
        ),
    }
}

fn status(conversation: &v1::Conversation) -> String {
    variant(conversation.status().as_str_name(), "CONVERSATION_STATUS")
}

fn policy_json(policy: Option<&v1::TurnPolicy>) -> Value {
    let Some(policy) = policy else {
        return Value::Null;
    };
    let debounce = policy.debounce.as_ref().map_or(Value::Null, |it| {
        json!({
            "quiet": seconds(it.quiet.as_ref()),
            "max_wait": seconds(it.max_wait.as_ref()),
            "max_messages": it.max_messages,
        })
    });
    json!({
        "debounce": debounce,
        "on_busy": variant(policy.on_busy().as_str_name(), "ON_BUSY"),
        "interrupt_grace": seconds(policy.interrupt_grace.as_ref()),
    })
}

fn turn_json(turn: Option<&v1::Turn>) -> Value {
    turn.map_or(Value::Null, |turn| {
        json!({
            "number": turn.number,
            "workflow_id": turn.workflow_id,
            "run_id": turn.run_id,
            "status": turn_status(turn.status()),
            "start_time": time(turn.start_time.as_ref()),
        })
    })
}

fn conversation_json(it: &v1::Conversation) -> Value {
    json!({
        "namespace": it.namespace,
        "conversation_id": it.conversation_id,
        "conversation_type": it.conversation_type,
        "status": status(it),
        "task_queue": it.task_queue,
        "reply_channel": it.reply_channel,
        "message_count": it.message_count,
        "waiting_message_count": it.waiting_message_count,
        "turn_count": it.turn_count,
        "turn": turn_json(it.turn.as_ref()),
        "state": payloads(&it.state),
        "labels": labels(&it.labels),
        "turn_policy": policy_json(it.turn_policy.as_ref()),
        "create_time": time(it.create_time.as_ref()),
        "update_time": time(it.update_time.as_ref()),
    })
}

/// Prints a conversation as one line of a list.
pub(crate) fn conversation_line(output: Output, it: &v1::Conversation) -> io::Result<()> {
    output.record(
        || conversation_json(it),
        || {
            format!(
                "{:<32} {:<16} {:<7} {:>5} messages {:>4} turns  {}",
                it.conversation_id,
                it.conversation_type,
                status(it),
                it.message_count,
                it.turn_count,
                clock(it.update_time.as_ref()),
            )
        },
    )
}

/// Prints a conversation with everything but its transcript.
pub(crate) fn conversation(output: Output, it: &v1::Conversation) -> io::Result<()> {
    output.record(
        || json!({ "conversation": conversation_json(it) }),
        || {
            let turn = it.turn.as_ref().map_or_else(
                || "none running".to_owned(),
                |turn| format!("{} {}", turn.number, turn_status(turn.status())),
            );
            [
                format!("conversation  {}", it.conversation_id),
                format!("type          {}", it.conversation_type),
                format!("status        {}", status(it)),
                format!("task queue    {}", it.task_queue),
                format!("channel       {}", it.reply_channel),
                format!("turn          {turn} ({} so far)", it.turn_count),
                format!(
                    "messages      {} ({} waiting)",
                    it.message_count, it.waiting_message_count
                ),
                format!("state         {}", payloads(&it.state)),
                format!("labels        {}", labels(&it.labels)),
                format!("opened        {}", clock(it.create_time.as_ref())),
                format!("changed       {}", clock(it.update_time.as_ref())),
            ]
            .join("\n")
        },
    )
}
