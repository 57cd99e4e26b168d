//! EditMessage and RetractMessage: the customer changes what they wrote.

use crate::decide::{mailbox, open_conversation};
use crate::event::Event;
use crate::policy::OnEdit;
use crate::rejection::Rejection;
use crate::state::conversation::{Conversation, Remembered};
use crate::state::{content_hash, message_hash};
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{AuthorKind, Change, Message, MessageContent};

/// A change of a customer's message, validated.
#[derive(Clone, Debug)]
pub struct ChangeMessage {
    /// Channel of the message.
    pub channel: Text,
    /// Address that it came from, or empty.
    pub address: Text,
    /// Id that the provider gave it.
    pub provider_message_id: Text,
    /// What it says now; `None`: it is taken back.
    pub content: Option<MessageContent>,
}

/// Where a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Position of the message that was changed.
    pub sequence: u64,
    /// Position of the entry that says so.
    pub changed_by: u64,
}

/// Changes a message. Before a turn was given it, the turn is given what it
/// says then. While one has it, the change is a message to that turn, as the
/// policy says. After it the change is in the transcript, and starts a turn if
/// the policy says so. The same change again gets the same answer.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `MessageNotFound`.
pub fn change_message(
    tx: &mut Transaction<'_>,
    request: ChangeMessage,
) -> Result<Changed, Rejection> {
    let conversation = open_conversation(tx.root)?;
    let id = &request.provider_message_id;
    let hash = message_hash(&request.channel, &request.address, id);
    let known = conversation.remembered(hash);
    let known = known.ok_or(Rejection::MessageNotFound)?;
    if is_same(&known, request.content.as_ref()) {
        return Ok(Changed {
            sequence: known.sequence,
            changed_by: known.changed_by,
        });
    }
    let waits = waits(conversation, known.sequence);
    let change = match request.content {
        Some(_) => Change::Edit(known.sequence),
        None => Change::Retract(known.sequence),
    };
    let message = Message {
        sequence: conversation.message_count + 1,
        author: AuthorKind::Customer,
        author_name: Text::default(),
        channel: request.channel,
        provider_message_id: request.provider_message_id,
        content: request.content.unwrap_or_default(),
        time: tx.context.now,
        turn: 0,
        address: request.address,
        is_automatic: false,
        is_note: false,
        change: Some(change),
        origin: None,
    };
    let changed = Changed {
        sequence: known.sequence,
        changed_by: message.sequence,
    };
    tx.emit(Event::MessageChanged {
        message: Box::new(message),
        hash,
        waits,
    });
    if waits {
        mailbox::message_came(tx);
    } else {
        mailbox::settle(tx);
    }
    Ok(changed)
}

/// Whether the message is so already. One that was taken back stays so.
fn is_same(known: &Remembered, content: Option<&MessageContent>) -> bool {
    match content {
        _ if known.changed == Remembered::RETRACTED => true,
        None => false,
        Some(content) => {
            let now = if known.changed == 0 {
                known.fingerprint
            } else {
                known.changed
            };
            now == content_hash(content)
        }
    }
}

/// Whether somebody has to look at the change: a turn has the message, or the
/// policy wants one.
fn waits(conversation: &Conversation, sequence: u64) -> bool {
    let mut waiting = conversation.mailbox.iter().chain(&conversation.unanswered);
    if waiting.any(|m| m.sequence == sequence) {
        return false;
    }
    let turn = conversation.turn.as_ref();
    let has = turn.is_some_and(|turn| {
        let given = turn.context.messages.iter();
        let mut given = given.chain(&turn.unanswered).chain(&turn.answers);
        given.any(|m| m.sequence == sequence)
    });
    has || conversation.policy.on_edit == OnEdit::Turn
}
