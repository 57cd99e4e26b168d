//! Messages that were held in quiet hours leave.

use crate::decide::proactive::quiet_until;
use crate::event::Event;
use crate::state::deadlines::Deadline;
use crate::transition::Transaction;
use crate::value::{Message, Time};

/// Lets go what quiet hours do not hold any more, in the order in which it was
/// written; sets the deadline for the rest. While agents may not act all of it
/// stays.
pub(super) fn let_go(tx: &mut Transaction<'_>) {
    let now = tx.context.now;
    // Each turn of the loop takes one out: there are `limits::HELD_MESSAGES`.
    loop {
        let Some(conversation) = &tx.root.conversation else {
            return;
        };
        let first = conversation.held.front();
        let Some(held) = first.filter(|_| conversation.is_active()) else {
            tx.root.deadlines.disarm(Deadline::Held);
            return;
        };
        let until: Option<Time> = if held.is_free {
            None
        } else {
            quiet_until(conversation.policy.quiet_hours.as_ref(), now)
        };
        if let Some(until) = until {
            tx.root.deadlines.arm(Deadline::Held, until);
            return;
        }
        let message = Message {
            sequence: conversation.message_count + 1,
            time: now,
            ..held.message.clone()
        };
        let event = Event::HeldMessageSent {
            message: Box::new(message),
            slot: held.slot,
            key: held.key.clone(),
        };
        tx.emit(event);
    }
}
