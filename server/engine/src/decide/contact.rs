//! Contacts: which conversation a customer's address has.

use std::collections::BTreeMap;

use crate::decide::open_conversation;
use crate::decide::submit_message::set_addresses;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::state::contact::Contact;
use crate::text::Text;
use crate::transition::Transaction;

/// What is to become of a contact.
#[derive(Clone, Debug)]
pub enum Assign {
    /// It gets a new conversation if it has none.
    Find,
    /// It gets this one if it has none.
    Claim(Text),
    /// It gets this one.
    Point(Text),
    /// It gets another one, or a new one, if it still has `of`.
    Replace {
        /// The one that takes no messages.
        of: Text,
        /// The other one; `None`: a new one.
        with: Option<Text>,
    },
}

/// Looks up the conversation of a contact, or gives it one.
pub fn assign_contact(tx: &mut Transaction<'_>, assign: Assign) -> Contact {
    let present = tx.root.contact.as_ref().map(|it| it.conversation.clone());
    let next = match (assign, &present) {
        (Assign::Find, None) => Some(new_id(tx)),
        (Assign::Claim(id), None) => Some(id),
        (Assign::Point(id), present) => Some(id).filter(|id| present.as_ref() != Some(id)),
        (Assign::Replace { of, with }, present) if present.as_ref() == Some(&of) => {
            Some(with.unwrap_or_else(|| new_id(tx)))
        }
        _ => None,
    };
    if let Some(conversation) = next {
        tx.emit(Event::ContactAssigned { conversation });
    }
    tx.root.contact.clone().unwrap_or_else(|| Contact {
        conversation: Text::default(),
        previous: Text::default(),
    })
}

/// The address is the customer's of this conversation: where it has none on the
/// channel, replies go there.
///
/// # Errors
/// `ConversationNotFound`, `ConversationErased`, `ConversationClosed`,
/// `ConversationMerged`, `LimitExceeded`.
pub fn link_address(
    tx: &mut Transaction<'_>,
    channel: Text,
    address: Text,
) -> Result<(), Rejection> {
    let conversation = open_conversation(tx.root)?;
    if conversation.addresses.contains_key(&channel) {
        return Ok(());
    }
    set_addresses(tx, BTreeMap::from([(channel, address)]), None)
}

/// Id of a conversation that an address opens.
fn new_id(tx: &mut Transaction<'_>) -> Text {
    format!("c-{:032x}", tx.context.take_run_id().0).into()
}
