//! What a turn policy says about the end of a conversation, and about people.

use everturn_engine::policy::{
    AfterHandoff, HandoffTimeout, OnClosed, OnErased, OnHumanMessage, TurnPolicy,
};
use everturn_engine::value::Span;
use everturn_proto::v1 as pb;

use super::LONGEST_SILENCE;
use crate::checker::{Checker, Path};
use crate::incoming::assignee::assignee;
use crate::incoming::span::bounded;

/// What a request gives of it.
#[derive(Clone, Debug, Default)]
pub(super) struct PeopleChanges {
    on_closed: Option<OnClosed>,
    on_erased: Option<OnErased>,
    on_human_message: Option<OnHumanMessage>,
    handoff_timeout: Option<HandoffTimeout>,
}

impl PeopleChanges {
    /// Makes the changes. A timeout of zero is removed.
    pub fn apply(self, policy: &mut TurnPolicy) {
        policy.on_closed = self.on_closed.unwrap_or(policy.on_closed);
        policy.on_erased = self.on_erased.unwrap_or(policy.on_erased);
        let on_human_message = self.on_human_message;
        policy.on_human_message = on_human_message.unwrap_or(policy.on_human_message);
        if let Some(timeout) = self.handoff_timeout {
            policy.handoff_timeout = Some(timeout).filter(|it| it.after.0 > 0);
        }
    }
}

/// What a request says about it.
pub(super) fn changes(
    checker: &mut Checker,
    path: Path<'_>,
    value: &pb::TurnPolicy,
) -> PeopleChanges {
    let on_closed = match pb::OnClosed::try_from(value.on_closed) {
        Ok(pb::OnClosed::Unspecified) => None,
        Ok(pb::OnClosed::Reopen) => Some(OnClosed::Reopen),
        Ok(pb::OnClosed::Refuse) => Some(OnClosed::Refuse),
        Err(_) => unknown(checker, path.then("on_closed")),
    };
    let on_erased = match pb::OnErased::try_from(value.on_erased) {
        Ok(pb::OnErased::Unspecified) => None,
        Ok(pb::OnErased::Refuse) => Some(OnErased::Refuse),
        Ok(pb::OnErased::BeginAnew) => Some(OnErased::BeginAnew),
        Err(_) => unknown(checker, path.then("on_erased")),
    };
    let on_human_message = match pb::OnHumanMessage::try_from(value.on_human_message) {
        Ok(pb::OnHumanMessage::Unspecified) => None,
        Ok(pb::OnHumanMessage::TakeOver) => Some(OnHumanMessage::TakeOver),
        Ok(pb::OnHumanMessage::Keep) => Some(OnHumanMessage::Keep),
        Ok(pb::OnHumanMessage::Refuse) => Some(OnHumanMessage::Refuse),
        Err(_) => unknown(checker, path.then("on_human_message")),
    };
    let timeout = value.handoff_timeout.clone();
    PeopleChanges {
        on_closed,
        on_erased,
        on_human_message,
        handoff_timeout: timeout
            .map(|value| handoff_timeout(checker, path.then("handoff_timeout"), value)),
    }
}

fn unknown<T>(checker: &mut Checker, path: Path<'_>) -> Option<T> {
    checker.violation(path, "is unknown");
    None
}

fn handoff_timeout(
    checker: &mut Checker,
    path: Path<'_>,
    value: pb::HandoffTimeout,
) -> HandoffTimeout {
    use pb::handoff_timeout::Then;
    let after = path.then("after");
    let span = bounded(checker, after, value.after, Span(0), LONGEST_SILENCE);
    if value.after.is_none() {
        checker.violation(after, "is required");
    }
    if span.is_some_and(|span| span.0 > 0 && span < Span::from_secs(1)) {
        checker.violation(after, "is under 1s");
    }
    HandoffTimeout {
        after: span.unwrap_or_default(),
        then: match value.then {
            None => AfterHandoff::HandBack,
            Some(Then::HandOff(to)) => {
                AfterHandoff::HandOff(assignee(checker, path.then("hand_off"), Some(to)))
            }
            Some(Then::EventType(name)) => {
                checker.name(path.then("event_type"), &name);
                AfterHandoff::Event(name.into())
            }
        },
    }
}
