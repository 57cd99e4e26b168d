//! Messages that agents wrote in quiet hours: they leave when those are over.

use minicbor::{Decode, Encode};

use crate::event::Slot;
use crate::text::StepKey;
use crate::value::{Message, Time};

/// A message that has not left yet.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Held {
    /// The run whose code sent it.
    #[n(0)]
    pub slot: Slot,
    /// Key of the command.
    #[n(1)]
    pub key: StepKey,
    /// The message, without its position.
    #[n(2)]
    pub message: Message,
    /// When it leaves.
    #[n(3)]
    pub until: Time,
    /// The last event that its code had been given.
    #[n(4)]
    pub seen: u64,
    /// The customer has written since: nothing holds it any more.
    #[n(5)]
    pub is_free: bool,
}
