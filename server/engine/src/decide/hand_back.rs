//! HandBackConversation: the agents have it again.

use crate::decide::ownership::marker;
use crate::decide::{mailbox, open_conversation};
use crate::event::{Event, RunEvent};
use crate::limits;
use crate::rejection::Rejection;
use crate::state::conversation::{Conversation, Handover};
use crate::state::request::Request;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::Message;

/// A hand-back, validated.
#[derive(Clone, Debug, Default)]
pub struct HandBack {
    /// Who hands it back.
    pub author_name: Text,
    /// What they say to the agents.
    pub note: Text,
    /// Which handover they mean; 0: the present one.
    pub epoch: u64,
    /// The id of the request.
    pub request: Request,
}

/// Gives the conversation back to the agents. A turn that waits for it is
/// told what was written meanwhile; otherwise the customer's messages that
/// nobody has answered become a turn. The same request again, or of the
/// handover that was ended last, changes nothing.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `NotHandedOff`,
/// `HandoffChanged`, `RequestIdReused`.
pub fn hand_back(tx: &mut Transaction<'_>, request: HandBack) -> Result<(), Rejection> {
    if tx.root.knows_request(request.request)? {
        return Ok(());
    }
    let conversation = open_conversation(tx.root)?;
    let current = conversation
        .handover
        .as_ref()
        .map(|handover| handover.epoch);
    let last = request.epoch != 0 && request.epoch == conversation.handoffs;
    match current {
        None if last => return Ok(()),
        None => return Err(Rejection::NotHandedOff),
        Some(epoch) if request.epoch != 0 && request.epoch != epoch => {
            return Err(Rejection::HandoffChanged { epoch });
        }
        Some(_) => {}
    }
    tx.remember(request.request);
    give_back(tx, request.author_name, request.note);
    mailbox::settle(tx);
    Ok(())
}

/// The agents have the conversation again.
pub(super) fn give_back(tx: &mut Transaction<'_>, author_name: Text, note: Text) {
    let now = tx.context.now;
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let Some(handover) = &conversation.handover else {
        return;
    };
    let waiting = conversation.turn.as_ref().and_then(|turn| {
        let key = turn.hand_off.clone()?;
        Some((turn.slot, key, written_meanwhile(conversation, handover)))
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
    let Some((slot, key, mut pages)) = waiting else {
        return;
    };
    let last = pages.len().saturating_sub(1);
    for (at, messages) in pages.drain(..).enumerate() {
        let event = RunEvent::HandedBack {
            key: key.clone(),
            author_name: author_name.clone(),
            note: note.clone(),
            messages,
            has_more: at < last,
        };
        tx.emit_run(slot, event);
    }
}

/// What was written while the person owned the conversation, and whatever of
/// the customer's messages nobody has answered, in pages: at least one.
fn written_meanwhile(conversation: &Conversation, handover: &Handover) -> Vec<Vec<Message>> {
    let mailbox = &conversation.mailbox;
    let waits = |message: &Message| mailbox.iter().any(|m| m.sequence == message.sequence);
    let answered = handover.messages.iter().filter(|m| !waits(m));
    let mut messages: Vec<Message> = answered.chain(mailbox).cloned().collect();
    messages.sort_by_key(|m| m.sequence);
    let mut pages = vec![Vec::new()];
    let mut bytes = 0;
    for message in messages {
        let size = message.content.size_bytes();
        bytes += size;
        let page: &Vec<Message> = pages.last().expect("has one");
        if bytes > limits::BURST_BYTES && !page.is_empty() {
            bytes = size;
            pages.push(Vec::new());
        }
        if let Some(page) = pages.last_mut() {
            page.push(message);
        }
    }
    pages
}
