//! SubmitEvent: something happened outside.

use std::collections::BTreeMap;

use crate::decide::submit_message::{Accepted, Opening, known_conversation, open, set_addresses};
use crate::decide::{closed, mailbox};
use crate::event::Event;
use crate::limits;
use crate::rejection::Rejection;
use crate::state::{event_hash, payload_hash};
use crate::text::{Text, TypeName};
use crate::transition::Transaction;
use crate::value::{InboundEvent, Payload};

/// An event, validated.
#[derive(Clone, Debug)]
pub struct SubmitEvent {
    /// What the conversation is opened with, if there is none.
    pub opening: Opening,
    /// Type of the event.
    pub event_type: TypeName,
    /// Id that its source gave it, or empty.
    pub event_id: Text,
    /// What happened.
    pub payload: Payload,
    /// Addresses of the customer, by channel.
    pub addresses: BTreeMap<Text, Text>,
    /// Channel that agents write by; used when the conversation opens.
    pub reply_channel: Text,
}

/// Adds an event to the conversation and opens it if there is none.
///
/// # Errors
/// `TypeMismatch`, `TypeRequired`, `ConversationClosed`, `ConversationErased`,
/// `LimitExceeded`.
pub fn submit_event(tx: &mut Transaction<'_>, request: SubmitEvent) -> Result<Accepted, Rejection> {
    let now = tx.context.now;
    let mut event = InboundEvent {
        sequence: 1,
        event_type: request.event_type,
        event_id: request.event_id,
        payload: request.payload,
        time: now,
        after_message: 0,
    };
    let opens = match known_conversation(tx.root, &request.opening)? {
        None => true,
        Some(conversation) => {
            let known = conversation.remembered(event_hash(&event));
            if let Some(known) = known.filter(|_| !event.event_id.as_str().is_empty()) {
                if known.differs(payload_hash(&event.payload)) {
                    return Err(Rejection::EventIdReused {
                        sequence: known.sequence,
                    });
                }
                return Ok(Accepted {
                    sequence: known.sequence,
                    time: known.time,
                });
            }
            if !conversation.is_open() {
                return Err(closed(conversation));
            }
            if conversation.events.len() >= limits::MAILBOX_EVENTS {
                return Err(Rejection::LimitExceeded {
                    subject: "events waiting in the mailbox",
                    limit: limits::MAILBOX_EVENTS as u64,
                });
            }
            let waiting = conversation.events.iter().map(|e| e.payload.size_bytes());
            if waiting.sum::<usize>() + event.payload.size_bytes() > limits::MAILBOX_BYTES {
                return Err(Rejection::LimitExceeded {
                    subject: "bytes of events waiting in the mailbox",
                    limit: limits::MAILBOX_BYTES as u64,
                });
            }
            event.sequence = conversation.event_count + 1;
            event.after_message = conversation.message_count;
            false
        }
    };
    if opens {
        open(tx, request.opening);
    }
    let reply_channel = Some(request.reply_channel).filter(|_| opens);
    set_addresses(tx, request.addresses, reply_channel)?;
    let accepted = Accepted {
        sequence: event.sequence,
        time: now,
    };
    tx.emit(Event::EventReceived(event));
    mailbox::event_came(tx);
    Ok(accepted)
}
