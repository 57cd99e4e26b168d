//! What a turn policy says about people and the end.

use everturn_client::v1;
use serde_json::{Value, json};

use super::span;
use crate::render::value::{assignee, assignee_text, seconds};

/// What follows a handover that nobody took up, as JSON.
pub(super) fn handoff_timeout_json(value: Option<&v1::HandoffTimeout>) -> Value {
    use v1::handoff_timeout::Then;
    value.map_or(Value::Null, |it| {
        json!({
            "after": seconds(it.after.as_ref()),
            "then": match &it.then {
                None => json!("hand_back"),
                Some(Then::HandOff(to)) => json!({ "hand_off": assignee(Some(to)) }),
                Some(Then::EventType(name)) => json!({ "event_type": name }),
            },
        })
    })
}

/// What the policy says about people and the end, where it is not the default.
pub(super) fn people_text(policy: &v1::TurnPolicy) -> Vec<String> {
    use v1::handoff_timeout::Then;
    let mut parts = Vec::new();
    if policy.on_closed() == v1::OnClosed::Refuse {
        parts.push("closed for good".to_owned());
    }
    if policy.on_erased() == v1::OnErased::BeginAnew {
        parts.push("begins anew once erased".to_owned());
    }
    match policy.on_human_message() {
        v1::OnHumanMessage::Keep => parts.push("agents keep it when people write".to_owned()),
        v1::OnHumanMessage::Refuse => parts.push("people write once handed over".to_owned()),
        _ => {}
    }
    if let Some(it) = &policy.handoff_timeout {
        let after = span(it.after.as_ref()).unwrap_or_default();
        let then = match &it.then {
            None => "back to the agents".to_owned(),
            Some(Then::HandOff(to)) => format!("to {}", assignee_text(Some(to))),
            Some(Then::EventType(name)) => format!("event {name}"),
        };
        parts.push(format!("handover untaken for {after}: {then}"));
    }
    parts
}
