//! What a turn policy says about channels, machines that write, and edits.

use everturn_client::v1;
use serde_json::{Value, json};

use super::span;
use crate::render::value::{assignee, assignee_text, seconds};

/// What holds for deliveries by channel, as JSON.
pub(super) fn channels_json(policy: &v1::TurnPolicy) -> Value {
    use v1::channel_policy::OnUndeliverable as After;
    let entries = policy.channels.iter().map(|(channel, it)| {
        let value = json!({
            "expires_after": seconds(it.expires_after.as_ref()),
            "on_undeliverable": match &it.on_undeliverable {
                None | Some(After::NextChannel(false)) => json!("nothing"),
                Some(After::NextChannel(true)) => json!("next_channel"),
                Some(After::HandOff(to)) => json!({ "hand_off": assignee(Some(to)) }),
                Some(After::EventType(name)) => json!({ "event_type": name }),
            },
        });
        (channel.clone(), value)
    });
    Value::Object(entries.collect())
}

/// How many turns there may be, as JSON, or null.
pub(super) fn turn_cap_json(cap: Option<&v1::TurnCap>) -> Value {
    cap.filter(|it| it.turns > 0).map_or(Value::Null, |it| {
        json!({
            "turns": it.turns,
            "window": seconds(it.window.as_ref()),
            "then": match &it.then {
                None => json!("wait"),
                Some(v1::turn_cap::Then::HandOff(to)) => {
                    json!({ "hand_off": assignee(Some(to)) })
                }
            },
        })
    })
}

/// The same for people, where it is not the default.
pub(super) fn outside_text(policy: &v1::TurnPolicy) -> Vec<String> {
    let mut parts = Vec::new();
    let mut channels: Vec<_> = policy.channels.iter().collect();
    channels.sort_by_key(|(channel, _)| *channel);
    for (channel, it) in channels {
        if let Some(after) = span(it.expires_after.as_ref()) {
            parts.push(format!("{channel} worth sending for {after}"));
        }
        if let Some(then) = undeliverable_text(it) {
            parts.push(format!("{channel} undeliverable: {then}"));
        }
    }
    if let Some(it) = policy.turn_cap.as_ref().filter(|it| it.turns > 0) {
        let window = span(it.window.as_ref()).unwrap_or_default();
        let then = match &it.then {
            None => String::new(),
            Some(v1::turn_cap::Then::HandOff(to)) => {
                format!(", then to {}", assignee_text(Some(to)))
            }
        };
        parts.push(format!("at most {} turns in {window}{then}", it.turns));
    }
    if policy.on_automatic() == v1::OnAutomatic::Turn {
        parts.push("answers machines".to_owned());
    }
    if policy.on_edit() == v1::OnEdit::Turn {
        parts.push("answers edits".to_owned());
    }
    if !policy.own_addresses.is_empty() {
        parts.push(format!("own addresses {}", policy.own_addresses.join(" ")));
    }
    parts
}

fn undeliverable_text(it: &v1::ChannelPolicy) -> Option<String> {
    use v1::channel_policy::OnUndeliverable as After;
    match it.on_undeliverable.as_ref()? {
        After::NextChannel(false) => None,
        After::NextChannel(true) => Some("by the next channel".to_owned()),
        After::HandOff(to) => Some(format!("to {}", assignee_text(Some(to)))),
        After::EventType(name) => Some(format!("event {name}")),
    }
}
