//! Contacts: which conversation a customer's address has. A root of its own,
//! so that webhooks that come at the same time agree.

use std::collections::VecDeque;

use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::text::Text;
use crate::value::{InboundEvent, Span, Time};

/// The conversations of an address.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Contact {
    /// The one that its messages go to.
    #[n(0)]
    pub conversation: Text,
    /// The one before, or empty: it knows messages that come again.
    #[n(1)]
    pub previous: Text,
}

impl Contact {
    /// Id of the root that holds the contact of an address. The address itself
    /// is not in it, and stays when the conversation is erased. Ids that begin
    /// with "~" are not given to anything else.
    #[must_use]
    pub fn root_id(channel: &Text, address: &Text) -> Text {
        let mut hasher = Sha256::new();
        hasher.update((channel.as_str().len() as u64).to_be_bytes());
        hasher.update(channel.as_str());
        // RFC 5321 lets the part before the "@" differ by case; no provider
        // does.
        match address.as_str().contains('@') {
            true => hasher.update(address.as_str().to_lowercase()),
            false => hasher.update(address.as_str()),
        }
        let digest = hasher.finalize();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("~contact:{hex}").into()
    }
}

/// What a conversation has become that was merged into another one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Merged {
    /// Id of the other one.
    #[n(0)]
    pub into: Text,
    /// When its messages were last sent on their way.
    #[n(1)]
    pub tried: Time,
    /// The other one has everything.
    #[n(2)]
    pub is_done: bool,
    /// Positions of the messages that are to be answered there.
    #[n(3)]
    pub waiting: Vec<u64>,
    /// Events that are to be handled there.
    #[n(4)]
    pub events: VecDeque<InboundEvent>,
}

/// What a conversation has of another one that was merged into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Absorbed {
    /// Position there of the last message that is here.
    #[n(0)]
    pub through: u64,
    /// Everything is here.
    #[n(1)]
    pub is_done: bool,
}

/// Why a conversation is closed that was merged into another one.
pub(crate) fn merged_into(other: &Text) -> Text {
    format!("merged into {other}").into()
}

impl Merged {
    /// Time after which it is tried again.
    pub const RETRY: Span = Span::from_secs(10);

    /// When it is tried again, if the other one does not have everything.
    #[must_use]
    pub fn due(&self) -> Option<Time> {
        (!self.is_done).then(|| self.tried + Self::RETRY)
    }
}
