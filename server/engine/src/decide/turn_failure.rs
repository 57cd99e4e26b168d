//! What follows a turn whose last attempt failed: a person, an event, or
//! nothing until the next turn.

use crate::decide::ownership::{HandOff, take_over};
use crate::event::Event;
use crate::limits;
use crate::policy::AfterFailure;
use crate::state::turn::EndedTurn;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{Blob, InboundEvent, Payload};

/// Does what the policy says about a turn that has just ended, unless it
/// completed, was interrupted or is tried again.
pub(crate) fn follow_up(tx: &mut Transaction<'_>, number: u64) {
    let conversation = tx.root.conversation.as_ref();
    // In a pause nobody would look at it again. Whoever has it sees it.
    let Some(conversation) = conversation.filter(|c| c.is_open() && c.handover.is_none()) else {
        return;
    };
    let last = conversation.last_turn.as_ref();
    let Some(failed) = last.filter(|last| last.number == number && last.has_failed()) else {
        return;
    };
    if conversation.retry.is_some() {
        return;
    }
    match &conversation.policy.on_turn_failure.then {
        AfterFailure::Wait => {}
        AfterFailure::HandOff(assignee) => {
            let request = HandOff {
                assignee: assignee.clone(),
                reason: failed.said().into(),
                context: None,
            };
            take_over(tx, request);
        }
        AfterFailure::Event(event_type) => {
            // A turn that fails at that very event would go on for ever.
            let full = conversation.events.len() >= limits::MAILBOX_EVENTS;
            if !failed.was_told && !full {
                let event = InboundEvent {
                    sequence: conversation.event_count + 1,
                    event_type: event_type.clone(),
                    event_id: Text::default(),
                    payload: payload(failed),
                    time: tx.context.now,
                    after_message: conversation.message_count,
                };
                tx.emit(Event::EventReceived(event));
            }
        }
    }
}

fn payload(turn: &EndedTurn) -> Payload {
    let failure = turn.failure.as_ref();
    let text = |part: Option<&Text>| part.map_or(String::new(), |it| it.as_str().to_owned());
    let json = serde_json::json!({
        "turn": turn.number,
        "attempts": turn.attempt,
        "failure": {
            "type": text(failure.map(|it| &it.type_name)),
            "message": text(failure.map(|it| &it.message)),
        },
    });
    Payload {
        data: Blob(json.to_string().into()),
        content_type: Text::default(),
    }
}
