//! AddNote: staff or an agent writes something that the customer does not see.

use crate::decide::open_conversation;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::state::request::Request;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{AuthorKind, Message, MessageContent};

/// A note, validated.
#[derive(Clone, Debug)]
pub struct AddNote {
    /// Who writes.
    pub author_name: Text,
    /// What it says.
    pub content: MessageContent,
    /// The id of the request.
    pub request: Request,
}

/// Adds the note to the transcript; the answer is its position. The same
/// request gets the same answer.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `RequestIdReused`.
pub fn add_note(tx: &mut Transaction<'_>, request: AddNote) -> Result<u64, Rejection> {
    let id = request.request;
    let conversation = tx.root.conversation.as_ref();
    let known = conversation.and_then(|c| c.remembered(id.hash));
    if let Some(known) = known.filter(|_| id.is_given()) {
        id.check_same(known.fingerprint)?;
        return Ok(known.sequence);
    }
    let sequence = open_conversation(tx.root)?.message_count + 1;
    let message = Message {
        sequence,
        author: AuthorKind::Human,
        author_name: request.author_name,
        channel: Text::default(),
        provider_message_id: Text::default(),
        content: request.content,
        time: tx.context.now,
        turn: 0,
        address: Text::default(),
        is_automatic: false,
        is_note: true,
        change: None,
        origin: None,
    };
    tx.emit(Event::NoteAdded {
        message: Box::new(message),
        request: id.hash,
        fingerprint: id.fingerprint,
    });
    Ok(sequence)
}
