//! Lists of messages and events that forget their oldest items.

use std::collections::VecDeque;

use crate::value::{InboundEvent, Message};

/// What a message counts.
pub(super) fn message_bytes(message: &Message) -> usize {
    message.content.size_bytes()
}

/// What an event counts.
pub(super) fn event_bytes(event: &InboundEvent) -> usize {
    event.payload.size_bytes()
}

/// Drops the oldest items beyond the bounds.
pub(super) fn trim<T>(
    items: &mut VecDeque<T>,
    max_count: usize,
    max_bytes: usize,
    size: impl Fn(&T) -> usize,
) {
    let mut bytes: usize = items.iter().map(&size).sum();
    while items.len() > max_count || bytes > max_bytes {
        match items.pop_front() {
            Some(dropped) => bytes -= size(&dropped),
            None => return,
        }
    }
}
