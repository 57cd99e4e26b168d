//! Turn policies and the settings of conversation types.

mod outside;
mod people;

use std::io;

use everturn_client::v1;
use serde_json::{Value, json};

use super::Output;
use super::value::{assignee, assignee_text, money, seconds, variant};
use outside::{channels_json, outside_text, turn_cap_json};
use people::{handoff_timeout_json, people_text};

fn on_busy(value: v1::OnBusy) -> String {
    variant(value.as_str_name(), "ON_BUSY")
}

/// A turn policy as JSON; what is not in force is null.
pub(super) fn policy_json(policy: Option<&v1::TurnPolicy>) -> Value {
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
    let quiet_hours = policy.quiet_hours.as_ref().map_or(Value::Null, |it| {
        json!({
            "time_zone": it.time_zone,
            "start_minute": it.start_minute,
            "end_minute": it.end_minute,
        })
    });
    let frequency_cap = policy.frequency_cap.as_ref().map_or(
        Value::Null,
        |it| json!({ "max_messages": it.max_messages, "window": seconds(it.window.as_ref()) }),
    );
    let budget = policy.budget.as_ref().map_or(Value::Null, |it| {
        json!({
            "tokens": it.tokens,
            "cost_micros": it.cost_micros,
            "currency": it.currency,
        })
    });
    json!({
        "debounce": debounce,
        "on_busy": on_busy(policy.on_busy()),
        "interrupt_grace": seconds(policy.interrupt_grace.as_ref()),
        "on_event": on_busy(policy.on_event()),
        "idle_timeout": seconds(policy.idle_timeout.as_ref()),
        "customer_timeout": seconds(policy.customer_timeout.as_ref()),
        "staff_timeout": seconds(policy.staff_timeout.as_ref()),
        "quiet_hours": quiet_hours,
        "frequency_cap": frequency_cap,
        "budget": budget,
        "on_turn_failure": on_turn_failure_json(policy.on_turn_failure.as_ref()),
        "max_interrupts": policy.max_interrupts,
        "max_delay": seconds(policy.max_delay.as_ref()),
        "on_closed": variant(policy.on_closed().as_str_name(), "ON_CLOSED"),
        "on_erased": variant(policy.on_erased().as_str_name(), "ON_ERASED"),
        "on_human_message": variant(policy.on_human_message().as_str_name(), "ON_HUMAN_MESSAGE"),
        "handoff_timeout": handoff_timeout_json(policy.handoff_timeout.as_ref()),
        "channels": channels_json(policy),
        "turn_cap": turn_cap_json(policy.turn_cap.as_ref()),
        "on_automatic": variant(policy.on_automatic().as_str_name(), "ON_AUTOMATIC"),
        "own_addresses": policy.own_addresses,
        "on_edit": variant(policy.on_edit().as_str_name(), "ON_EDIT"),
    })
}

fn on_turn_failure_json(value: Option<&v1::OnTurnFailure>) -> Value {
    use v1::on_turn_failure::Then;
    value.map_or(Value::Null, |it| {
        json!({
            "attempts": it.attempts,
            "backoff": seconds(it.backoff.as_ref()),
            "then": match &it.then {
                None => json!("wait"),
                Some(Then::HandOff(to)) => json!({ "hand_off": assignee(Some(to)) }),
                Some(Then::EventType(name)) => json!({ "event_type": name }),
            },
        })
    })
}

/// What follows a failed turn, if it is not nothing.
fn on_turn_failure_text(it: &v1::OnTurnFailure) -> Option<String> {
    use v1::on_turn_failure::Then;
    let then = match &it.then {
        None if it.attempts <= 1 => return None,
        None => "wait".to_owned(),
        Some(Then::HandOff(to)) => format!("hand to {}", assignee_text(Some(to))),
        Some(Then::EventType(name)) => format!("event {name}"),
    };
    let attempts = it.attempts.max(1);
    let plural = if attempts == 1 { "" } else { "s" };
    Some(format!(
        "failed turn {attempts} attempt{plural}, then {then}"
    ))
}

fn span(duration: Option<&prost_types::Duration>) -> Option<String> {
    let duration = duration.and_then(|it| std::time::Duration::try_from(*it).ok())?;
    Some(crate::config::Span(duration).to_string())
}

/// A turn policy on one line: what differs from doing nothing.
pub(super) fn policy_text(policy: Option<&v1::TurnPolicy>) -> String {
    let Some(policy) = policy else {
        return "default".to_owned();
    };
    let mut parts = vec![format!("on busy {}", on_busy(policy.on_busy()))];
    if policy.on_event != policy.on_busy {
        parts.push(format!("on event {}", on_busy(policy.on_event())));
    }
    if let Some(it) = &policy.debounce
        && let Some(quiet) = span(it.quiet.as_ref()).filter(|it| it != "0s")
    {
        let bound = match it.max_messages {
            0 => String::new(),
            count => format!(" or {count} messages"),
        };
        parts.push(format!("debounce {quiet}{bound}"));
    }
    for (name, value) in [
        ("grace", policy.interrupt_grace.as_ref()),
        ("idle", policy.idle_timeout.as_ref()),
        ("customer wait", policy.customer_timeout.as_ref()),
        ("staff wait", policy.staff_timeout.as_ref()),
    ] {
        if let Some(value) = span(value) {
            parts.push(format!("{name} {value}"));
        }
    }
    if let Some(it) = &policy.quiet_hours {
        let time = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let zone = if it.time_zone.is_empty() {
            "UTC"
        } else {
            &it.time_zone
        };
        let (start, end) = (time(it.start_minute), time(it.end_minute));
        parts.push(format!("quiet hours {start}-{end} {zone}"));
    }
    if let Some(it) = &policy.frequency_cap {
        let window = span(it.window.as_ref()).unwrap_or_default();
        parts.push(format!("at most {} proactive in {window}", it.max_messages));
    }
    if let Some(it) = &policy.budget {
        if it.tokens > 0 {
            parts.push(format!("budget {} tokens", it.tokens));
        }
        if it.cost_micros > 0 {
            let amount = money(it.cost_micros);
            parts.push(format!("budget {amount} {}", it.currency));
        }
    }
    parts.extend(
        policy
            .on_turn_failure
            .as_ref()
            .and_then(on_turn_failure_text),
    );
    parts.extend(people_text(policy));
    parts.extend(outside_text(policy));
    parts.join(", ")
}

/// Prints what conversations of a type begin with.
pub(crate) fn conversation_type(output: Output, it: &v1::ConversationType) -> io::Result<()> {
    output.record(
        || {
            json!({
                "conversation_type": it.conversation_type,
                "turn_policy": policy_json(it.turn_policy.as_ref()),
                "retention": seconds(it.retention.as_ref()),
            })
        },
        || {
            let name = match it.conversation_type.as_str() {
                "" => "(all without settings of their own)",
                name => name,
            };
            let kept = span(it.retention.as_ref());
            [
                format!("type       {name}"),
                format!("policy     {}", policy_text(it.turn_policy.as_ref())),
                format!("retention  {}", kept.as_deref().unwrap_or("for ever")),
            ]
            .join("\n")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds_of(seconds: i64) -> Option<prost_types::Duration> {
        Some(prost_types::Duration { seconds, nanos: 0 })
    }

    #[test]
    fn a_policy_is_one_line_of_what_is_in_force() {
        let policy = v1::TurnPolicy {
            debounce: Some(v1::Debounce {
                quiet: seconds_of(2),
                max_messages: 5,
                ..Default::default()
            }),
            on_busy: v1::OnBusy::Interrupt.into(),
            on_event: v1::OnBusy::Queue.into(),
            idle_timeout: seconds_of(3_600),
            quiet_hours: Some(v1::QuietHours {
                time_zone: "Europe/Berlin".to_owned(),
                start_minute: 1_320,
                end_minute: 420,
            }),
            budget: Some(v1::Budget {
                cost_micros: 500_000,
                currency: "EUR".to_owned(),
                ..Default::default()
            }),
            on_turn_failure: Some(v1::OnTurnFailure {
                attempts: 2,
                backoff: seconds_of(5),
                then: Some(v1::on_turn_failure::Then::EventType("sorry".to_owned())),
            }),
            ..Default::default()
        };
        assert_eq!(
            policy_text(Some(&policy)),
            "on busy interrupt, on event queue, debounce 2s or 5 messages, idle 1h, \
             quiet hours 22:00-07:00 Europe/Berlin, budget 0.50 EUR, \
             failed turn 2 attempts, then event sorry"
        );
        let json = policy_json(Some(&policy));
        assert_eq!(json["on_turn_failure"]["then"]["event_type"], "sorry");
        assert_eq!(json["idle_timeout"], 3_600.0);
        assert_eq!(json["frequency_cap"], Value::Null);
        assert_eq!(json["quiet_hours"]["start_minute"], 1_320);
    }
}
