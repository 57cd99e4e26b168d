//! A handover that nobody has taken up.

use crate::decide::hand_back::give_back;
use crate::decide::mailbox;
use crate::decide::ownership::{HandOff, take_over};
use crate::event::Event;
use crate::limits;
use crate::policy::AfterHandoff;
use crate::text::{Text, TypeName};
use crate::transition::Transaction;
use crate::value::{Blob, InboundEvent, Payload};

/// Does what the policy says when no person has written for a while.
pub(super) fn handoff_timeout(tx: &mut Transaction<'_>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let Some(handover) = conversation.handover.as_ref().filter(|it| !it.is_taken) else {
        return;
    };
    let Some(timeout) = conversation.policy.handoff_timeout.clone() else {
        return;
    };
    let assignee = handover.assignee.to_string();
    let note = format!("nobody took it over in time: {assignee}");
    match timeout.then {
        AfterHandoff::HandBack => give_back(tx, Text::default(), note.into()),
        AfterHandoff::HandOff(assignee) => {
            let request = HandOff {
                assignee,
                reason: note.into(),
                context: handover.context.clone(),
            };
            take_over(tx, request);
        }
        AfterHandoff::Event(event_type) => {
            give_back(tx, Text::default(), note.into());
            happen(tx, event_type, &assignee);
        }
    }
    mailbox::settle(tx);
}

/// The event that tells the agents of it.
fn happen(tx: &mut Transaction<'_>, event_type: TypeName, assignee: &str) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    if conversation.events.len() >= limits::MAILBOX_EVENTS {
        return;
    }
    let json = serde_json::json!({ "assignee": assignee });
    let event = InboundEvent {
        sequence: conversation.event_count + 1,
        event_type,
        event_id: Text::default(),
        payload: Payload {
            data: Blob(json.to_string().into()),
            content_type: Text::default(),
        },
        time: tx.context.now,
        after_message: conversation.message_count,
    };
    tx.emit(Event::EventReceived(event));
}
