//! HandBackConversation: the agents have it again.

use crate::decide::hand_off::marker;
use crate::decide::{mailbox, open_conversation};
use crate::event::{Event, RunEvent};
use crate::rejection::Rejection;
use crate::state::conversation::{Conversation, Handover};
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::Message;

/// Gives the conversation back to the agents. A turn that waits for it is
/// told what was written meanwhile; otherwise the customer's messages that
/// nobody has answered become a turn.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `NotHandedOff`.
pub fn hand_back(tx: &mut Transaction<'_>, author_name: Text, note: Text) -> Result<(), Rejection> {
    let now = tx.context.now;
    let conversation = open_conversation(tx.root)?;
    let handover = conversation.handover.as_ref();
    let handover = handover.ok_or(Rejection::NotHandedOff)?;
    let messages = written_meanwhile(conversation, handover);
    let waiting = conversation.turn.as_ref().and_then(|turn| {
        let key = turn.hand_off.clone()?;
        Some((turn.slot, key))
    });
    let text = match note.as_str() {
        "" => "Handed back".to_owned(),
        note => format!("Handed back: {note}"),
    };
    let by = ("author_name", author_name.to_string());
    let attributes = [("marker", "handed_back".to_owned()), by];
    let marker = marker(conversation, now, &text, &attributes);
    tx.emit(Event::HandedBack {
        marker: Box::new(marker),
    });
    if let Some((slot, key)) = waiting {
        let event = RunEvent::HandedBack {
            key,
            author_name,
            note,
            messages,
        };
        tx.emit_run(slot, event);
    }
    mailbox::settle(tx);
    Ok(())
}

/// What was written while the person owned the conversation, and whatever of
/// the customer's messages nobody has answered: as many as go together.
fn written_meanwhile(conversation: &Conversation, handover: &Handover) -> Vec<Message> {
    let mailbox = &conversation.mailbox;
    let through = conversation.burst_through();
    let waits = |message: &Message| mailbox.iter().any(|m| m.sequence == message.sequence);
    let answered = handover.messages.iter().filter(|m| !waits(m));
    let waiting = mailbox.iter().take_while(|m| m.sequence <= through);
    let mut messages: Vec<Message> = answered.chain(waiting).cloned().collect();
    messages.sort_by_key(|m| m.sequence);
    messages
}
