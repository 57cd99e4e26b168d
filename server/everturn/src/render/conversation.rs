//! Conversations without their transcripts.

use std::io;

use everturn_client::v1;
use serde_json::{Value, json};

use super::Output;
use super::policy::{policy_json, policy_text};
use super::value::{
    assignee, assignee_text, clock, failure, failure_text, labels, payload, payloads, run_status,
    time, usage, usage_text, variant,
};
use super::waiting::wait;

/// What a turn is doing; "ended" when it is over.
pub(crate) fn turn_status(status: v1::TurnStatus) -> String {
    match status {
        v1::TurnStatus::Unspecified => "ended".to_owned(),
        status => variant(status.as_str_name(), "TURN_STATUS"),
    }
}

fn status(conversation: &v1::Conversation) -> String {
    variant(conversation.status().as_str_name(), "CONVERSATION_STATUS")
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

/// A pause as JSON, or null.
pub(super) fn pause_json(pause: Option<&v1::Pause>) -> Value {
    pause.map_or(
        Value::Null,
        |it| json!({ "reason": it.reason, "pause_time": time(it.pause_time.as_ref()) }),
    )
}

/// A handover as JSON, or null.
pub(super) fn handover_json(handover: Option<&v1::Handover>) -> Value {
    handover.map_or(Value::Null, |it| {
        json!({
            "assignee": assignee(it.assignee.as_ref()),
            "reason": it.reason,
            "context": payload(it.context.as_ref()),
            "hand_off_time": time(it.hand_off_time.as_ref()),
            "handoff_epoch": it.handoff_epoch,
            "is_taken": it.is_taken,
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
        "waiting_event_count": it.waiting_event_count,
        "turn_count": it.turn_count,
        "turn": turn_json(it.turn.as_ref()),
        "state": payloads(&it.state),
        "labels": labels(&it.labels),
        "addresses": labels(&it.addresses),
        "turn_policy": policy_json(it.turn_policy.as_ref()),
        "create_time": time(it.create_time.as_ref()),
        "update_time": time(it.update_time.as_ref()),
        "pause": pause_json(it.pause.as_ref()),
        "handover": handover_json(it.handover.as_ref()),
        "usage": usage(it.usage.as_ref()),
        "turn_usage": usage(it.turn_usage.as_ref()),
        "budget_reached": it.budget_reached,
        "erased_run_count": it.erased_run_count,
        "wait": wait(it.wait.as_ref()),
        "unanswered_since_time": time(it.unanswered_since_time.as_ref()),
        "unanswered_message_count": it.unanswered_message_count,
        "last_turn": ended_turn_json(it.last_turn.as_ref()),
        "opt_outs": opt_outs_json(it),
        "failed_addresses": failed_addresses_json(it),
        "merged_into_conversation_id": it.merged_into_conversation_id,
    })
}

fn opt_outs_json(it: &v1::Conversation) -> Value {
    let entries = it.opt_outs.iter().map(|(channel, value)| {
        let value = v1::OptOut::try_from(*value).unwrap_or_default();
        let name = variant(value.as_str_name(), "OPT_OUT");
        (channel.clone(), Value::from(name))
    });
    Value::Object(entries.collect())
}

fn failed_addresses_json(it: &v1::Conversation) -> Value {
    let entries = it.failed_addresses.iter().map(|(channel, failed)| {
        let value = json!({
            "address": failed.address,
            "detail": failed.detail,
            "fail_time": time(failed.fail_time.as_ref()),
        });
        (channel.clone(), value)
    });
    Value::Object(entries.collect())
}

/// What keeps messages from a customer, each on a line.
fn unreachable(it: &v1::Conversation) -> Vec<String> {
    let mut lines = Vec::new();
    if !it.opt_outs.is_empty() {
        lines.push(format!("opted out     {}", opt_outs_json(it)));
    }
    let mut failed: Vec<_> = it.failed_addresses.iter().collect();
    failed.sort_by_key(|(channel, _)| *channel);
    for (channel, failed) in failed {
        let (address, why) = (&failed.address, because(&failed.detail));
        lines.push(format!("unreachable   {channel} {address}{why}"));
    }
    lines
}

fn ended_turn_json(turn: Option<&v1::EndedTurn>) -> Value {
    turn.map_or(Value::Null, |turn| {
        json!({
            "number": turn.number,
            "workflow_id": turn.workflow_id,
            "run_id": turn.run_id,
            "attempt": turn.attempt,
            "status": run_status(turn.status()),
            "failure": failure(turn.failure.as_ref()),
            "start_time": time(turn.start_time.as_ref()),
            "end_time": time(turn.end_time.as_ref()),
            "interrupted": turn.interrupted,
            "replied": turn.replied,
            "no_reply_reason": turn.no_reply_reason,
        })
    })
}

/// How the last turn ended, for people.
fn ended_turn_text(turn: &v1::EndedTurn) -> String {
    let status = run_status(turn.status());
    let mut text = format!("{} {status}", turn.number);
    if turn.attempt > 1 {
        text.push_str(&format!(" (attempt {})", turn.attempt));
    }
    if let Some(failure) = &turn.failure {
        text.push_str(&format!(": {}", failure_text(failure)));
    }
    if !turn.no_reply_reason.is_empty() {
        text.push_str(&format!(", no reply: {}", turn.no_reply_reason));
    }
    text
}

/// What keeps agents from acting, each with why.
fn hindrances(it: &v1::Conversation) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(pause) = &it.pause {
        let since = clock(pause.pause_time.as_ref());
        lines.push(format!(
            "paused        since {since}{}",
            because(&pause.reason)
        ));
    }
    if let Some(handover) = &it.handover {
        let who = assignee_text(handover.assignee.as_ref());
        let since = clock(handover.hand_off_time.as_ref());
        let why = because(&handover.reason);
        lines.push(format!("handed to     {who} since {since}{why}"));
        if handover.context.is_some() {
            lines.push(format!(
                "context       {}",
                payload(handover.context.as_ref())
            ));
        }
    }
    if it.budget_reached {
        lines.push("budget        used up: an approval is waited for".to_owned());
    }
    lines
}

/// A reason behind a colon, if there is one.
pub(super) fn because(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(": {reason}"),
    }
}

fn conversation_text(it: &v1::Conversation) -> String {
    let turn = it.turn.as_ref().map_or_else(
        || "none running".to_owned(),
        |turn| format!("{} {}", turn.number, turn_status(turn.status())),
    );
    let mut lines = vec![
        format!("conversation  {}", it.conversation_id),
        format!("type          {}", it.conversation_type),
        format!("status        {}", status(it)),
    ];
    if let Some(wait) = &it.wait {
        lines.push(format!("waits         {}", wait.text));
    }
    lines.extend(hindrances(it));
    lines.extend([
        format!("task queue    {}", it.task_queue),
        format!("channel       {}", it.reply_channel),
        format!("addresses     {}", labels(&it.addresses)),
    ]);
    lines.extend(unreachable(it));
    lines.extend([
        format!("turn          {turn} ({} so far)", it.turn_count),
        format!(
            "messages      {} ({} waiting)",
            it.message_count, it.waiting_message_count
        ),
    ]);
    if let Some(turn) = &it.last_turn {
        lines.push(format!("last turn     {}", ended_turn_text(turn)));
    }
    if it.unanswered_since_time.is_some() {
        let since = clock(it.unanswered_since_time.as_ref());
        lines.push(format!("unanswered    since {since}"));
    }
    if it.waiting_event_count > 0 {
        lines.push(format!("events        {} waiting", it.waiting_event_count));
    }
    lines.extend([
        format!("state         {}", payloads(&it.state)),
        format!("labels        {}", labels(&it.labels)),
        format!("policy        {}", policy_text(it.turn_policy.as_ref())),
    ]);
    let used = usage_text(it.usage.as_ref());
    if !used.is_empty() {
        lines.push(format!("used          {used}"));
    }
    if !it.merged_into_conversation_id.is_empty() {
        lines.push(format!("merged into   {}", it.merged_into_conversation_id));
    }
    if it.erased_run_count > 0 {
        lines.push(format!("runs erased   {}", it.erased_run_count));
    }
    lines.extend([
        format!("opened        {}", clock(it.create_time.as_ref())),
        format!("changed       {}", clock(it.update_time.as_ref())),
    ]);
    lines.join("\n")
}

fn line_text(it: &v1::Conversation) -> String {
    let stands = match (&it.pause, &it.handover) {
        (Some(_), _) => "paused".to_owned(),
        (None, Some(_)) => "human".to_owned(),
        (None, None) => status(it),
    };
    format!(
        "{:<32} {:<16} {stands:<7} {:>5} messages {:>4} turns  {}",
        it.conversation_id,
        it.conversation_type,
        it.message_count,
        it.turn_count,
        clock(it.update_time.as_ref()),
    )
}

/// Prints a conversation as one line of a list.
pub(crate) fn conversation_line(output: Output, it: &v1::Conversation) -> io::Result<()> {
    output.record(|| conversation_json(it), || line_text(it))
}

/// Prints a conversation with everything but its transcript.
pub(crate) fn conversation(output: Output, it: &v1::Conversation) -> io::Result<()> {
    output.record(
        || json!({ "conversation": conversation_json(it) }),
        || conversation_text(it),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handed() -> v1::Conversation {
        v1::Conversation {
            conversation_id: "c-1".to_owned(),
            conversation_type: "support".to_owned(),
            status: v1::ConversationStatus::Open.into(),
            message_count: 3,
            turn_count: 1,
            pause: Some(v1::Pause {
                reason: "audit".to_owned(),
                ..Default::default()
            }),
            handover: Some(v1::Handover {
                assignee: Some(v1::Assignee {
                    kind: Some(v1::assignee::Kind::Team("refunds".to_owned())),
                }),
                ..Default::default()
            }),
            budget_reached: true,
            usage: Some(v1::Usage {
                output_tokens: 9,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    #[test]
    fn who_may_act_is_shown_first() {
        let text = conversation_text(&handed());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..6],
            [
                "conversation  c-1",
                "type          support",
                "status        open",
                "paused        since -: audit",
                "handed to     team refunds since -",
                "budget        used up: an approval is waited for",
            ]
        );
        assert!(lines.contains(&"used          0 tokens in, 9 out"));
        assert!(line_text(&handed()).contains(" paused "));
    }

    #[test]
    fn json_has_every_field_of_the_api() {
        let json = conversation_json(&handed());
        assert_eq!(json["handover"]["assignee"]["team"], "refunds");
        assert_eq!(json["pause"]["reason"], "audit");
        assert_eq!(json["usage"]["output_tokens"], 9);
        // As many as conversation_service.proto has.
        assert_eq!(json.as_object().expect("an object").len(), 30);
    }
}
