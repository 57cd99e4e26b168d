//! What a policy says about channels, and about what comes from outside: opt
//! outs, machines, turns without end.

use minicbor::{Decode, Encode};

use crate::text::{Text, TypeName};
use crate::value::{Assignee, Span};

/// What holds for the deliveries of one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ChannelPolicy {
    /// How long a message is worth sending; `None`: the default of the channel.
    #[n(0)]
    pub expires_after: Option<Span>,
    /// What follows a failure for good.
    #[n(1)]
    #[cbor(default)]
    pub on_undeliverable: OnUndeliverable,
}

impl ChannelPolicy {
    /// How long a message is worth sending by a channel of which nobody says
    /// more.
    pub const EXPIRES_AFTER: Span = Span::from_secs(86_400);
    /// The same where people wait in front of a screen.
    pub const CHAT_EXPIRES_AFTER: Span = Span::from_secs(3_600);

    /// The default of a channel.
    #[must_use]
    pub fn expiry_of(channel: &Text) -> Span {
        match channel.as_str() {
            "chat" => Self::CHAT_EXPIRES_AFTER,
            _ => Self::EXPIRES_AFTER,
        }
    }
}

/// What follows a message that will not reach the customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum OnUndeliverable {
    /// Nothing: the delivery has failed.
    #[default]
    #[n(0)]
    Nothing,
    /// It goes out by another channel that has an address.
    #[n(1)]
    NextChannel,
    /// The conversation is handed over.
    #[n(2)]
    HandOff(#[n(0)] Assignee),
    /// An event of this type.
    #[n(3)]
    Event(#[n(0)] TypeName),
}

/// How many turns a conversation may have in a while: two machines must not
/// talk for ever.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TurnCap {
    /// Turns in any window; 0: no bound.
    #[n(0)]
    pub turns: u32,
    /// Length of the window.
    #[n(1)]
    pub window: Span,
    /// What follows one more.
    #[n(2)]
    pub then: AfterCap,
}

impl Default for TurnCap {
    fn default() -> Self {
        Self {
            turns: 120,
            window: Span::from_secs(3_600),
            then: AfterCap::Wait,
        }
    }
}

/// What follows when a conversation has had as many turns as it may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub enum AfterCap {
    /// The next turn waits until the window has room.
    #[default]
    #[n(0)]
    Wait,
    /// The conversation is handed over.
    #[n(1)]
    HandOff(#[n(0)] Assignee),
}

/// What a message of a machine does: an auto-reply, a bounce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum OnAutomatic {
    /// It is in the transcript, and starts no turn.
    #[default]
    #[n(1)]
    Record,
    /// It is as any other.
    #[n(2)]
    Turn,
}

/// What it does when the customer changes a message that a turn was given and
/// is done with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum OnEdit {
    /// The change is in the transcript.
    #[default]
    #[n(1)]
    Record,
    /// The change is a message.
    #[n(2)]
    Turn,
}

/// What the customer does not want to get by a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum OptOut {
    /// What agents write first.
    #[n(1)]
    Proactive,
    /// Anything.
    #[n(2)]
    All,
}
