//! Who types: nothing of it is kept.

use everturn_engine::text::{RootKey, Text};
use everturn_engine::value::AuthorKind;

/// Somebody is typing, or has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typing {
    /// Who.
    pub author: AuthorKind,
    /// Their name, or empty.
    pub author_name: Text,
    /// The channel.
    pub channel: Text,
    /// They are typing.
    pub is_typing: bool,
}

/// The same, for the adapter of the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypingNotice {
    /// The conversation.
    pub conversation: RootKey,
    /// Address of the customer.
    pub address: Text,
    /// What there is to show.
    pub typing: Typing,
}
