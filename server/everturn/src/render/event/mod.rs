//! Journal events, one object each: `id`, `time`, `type`, then the fields of
//! the event as the API names them.

mod command;
mod notification;

use std::io;

use everturn_client::v1;
use serde_json::{Value, json};
use v1::history_event::Kind;

use super::Output;
use super::value::{clock, time};

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

fn describe(kind: Option<&Kind>) -> (&'static str, Value) {
    let Some(kind) = kind else {
        return ("Unknown", json!({}));
    };
    command::describe(kind)
        .or_else(|| notification::describe(kind))
        .unwrap_or(("Unknown", json!({})))
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

    /// One event of each kind, by name: a kind that is added to the API has
    /// to be added here.
    fn one_of_each() -> Vec<(&'static str, Kind)> {
        macro_rules! kinds {
            ($($name:ident)*) => {
                vec![$((stringify!($name), Kind::$name(v1::$name::default()))),*]
            };
        }
        kinds! {
            RunStarted ActivityScheduled TimerStarted ChildStarted LocalRecorded MessageSent
            MessageSuppressed AskOpened StateSet SignalScheduled CommandCanceled RunClosed
            ActivityCompleted ActivityFailed TimerFired ChildClosed SignalReceived AskAnswered
            CancelRequested SignalDelivered TurnInterrupted MessagesArrived
            ActivityAttemptFailed ApprovalRequested ApprovalDecided HandedOff HandedBack
            EventsArrived DeliveryChanged RunPaused RunResumed CommandFailed
            ProblemRecorded NoReplyRecorded MessageHeld CloseRecorded
        }
    }

    #[test]
    fn every_kind_has_its_name() {
        let kinds = one_of_each();
        assert_eq!(kinds.len(), 36, "as many as event.proto has");
        for (name, kind) in kinds {
            assert_eq!(describe(Some(&kind)).0, name);
        }
    }

    #[test]
    fn a_turn_says_why_it_began_and_with_what() {
        let turn = v1::TurnInput {
            number: 3,
            cause: v1::TurnCause::Event.into(),
            events: vec![v1::ConversationEvent {
                event_type: "order-delayed".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let kind = Kind::RunStarted(v1::RunStarted {
            turn: Some(turn),
            ..Default::default()
        });
        let fields = describe(Some(&kind)).1;
        assert_eq!(fields["turn"]["cause"], "event");
        assert_eq!(fields["turn"]["events"][0]["event_type"], "order-delayed");
    }

    #[test]
    fn a_decision_says_who_decided_what() {
        let kind = Kind::ApprovalDecided(v1::ApprovalDecided {
            key: "refund".to_owned(),
            outcome: v1::ApprovalOutcome::ApprovedWithChanges.into(),
            decider: "Kim".to_owned(),
            arguments: Some(everturn_client::json(&json!({ "amount": 10 })).expect("JSON")),
            ..Default::default()
        });
        let (name, fields) = describe(Some(&kind));
        let text = format!("{name} {}", inline(&fields));
        assert_eq!(
            text,
            "ApprovalDecided arguments={\"amount\":10} decider=Kim key=refund \
             outcome=approved_with_changes"
        );
    }
}
