//! What events of a conversation hold: updates, approvals, deliveries, the
//! tombstone.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::policy::{OptOut, TurnPolicy};
use crate::text::{QueueName, Text, TypeName};
use crate::value::{Payload, Time};

/// What an update of a conversation leaves behind: the new values, whole.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Update {
    /// Its labels.
    #[n(0)]
    pub labels: BTreeMap<Text, Text>,
    /// Its addresses by channel.
    #[n(1)]
    pub addresses: BTreeMap<Text, Text>,
    /// Its policy.
    #[n(2)]
    pub policy: TurnPolicy,
    /// Its reply channel.
    #[n(3)]
    pub reply_channel: Text,
    /// Its type, if that changes: of the turns from here on.
    #[n(4)]
    pub type_name: Option<TypeName>,
    /// Its task queue, if that changes.
    #[n(5)]
    pub task_queue: Option<QueueName>,
    /// What the customer does not want, by channel, if that changes.
    #[n(6)]
    pub opt_outs: Option<BTreeMap<Text, OptOut>>,
}

/// What a provider said of a message before its adapter could say which id it
/// has.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EarlyReceipt {
    /// Channel of the message, or empty.
    #[n(0)]
    pub channel: Text,
    /// Id that the provider gave it.
    #[n(1)]
    pub provider_message_id: Text,
    /// What became of it.
    #[n(2)]
    pub status: DeliveryStatus,
    /// What the provider said.
    #[n(3)]
    pub detail: Text,
}

/// What stays of an erased conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Tombstone {
    /// Messages that were removed.
    #[n(0)]
    pub messages: u64,
    /// Runs whose journals were removed.
    #[n(1)]
    pub runs: u64,
    /// Turns that it had.
    #[n(2)]
    pub turns: u64,
}

/// How far the delivery of a message has come. In order: a status never goes
/// back to a smaller one by a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum DeliveryStatus {
    /// In the queue of its channel.
    #[n(1)]
    Pending,
    /// An adapter has it.
    #[n(2)]
    Sending,
    /// Nobody knows whether the provider has it.
    #[n(3)]
    Unknown,
    /// The provider took it.
    #[n(4)]
    Accepted,
    /// It will not reach the customer.
    #[n(5)]
    Failed,
    /// It reached the customer.
    #[n(6)]
    Delivered,
    /// The customer has read it.
    #[n(7)]
    Read,
}

/// What a person is asked to approve.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ApprovalRequest {
    /// In one line.
    #[n(0)]
    pub title: Text,
    /// What they need to decide.
    #[n(1)]
    pub details: Option<Payload>,
    /// The arguments of what will be done.
    #[n(2)]
    pub arguments: Payload,
    /// When it expires, if it does.
    #[n(3)]
    pub expire_at: Option<Time>,
}

/// How an approval ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Decided {
    /// How.
    #[n(0)]
    pub outcome: ApprovalOutcome,
    /// Who decided; empty when it expired.
    #[n(1)]
    pub decider: Text,
    /// What they said about it.
    #[n(2)]
    pub comment: Text,
    /// What is approved.
    #[n(3)]
    pub arguments: Option<Payload>,
}

/// How an approval ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ApprovalOutcome {
    /// As asked.
    #[n(1)]
    Approved,
    /// With other arguments.
    #[n(2)]
    ApprovedWithChanges,
    /// Not.
    #[n(3)]
    Rejected,
    /// Nobody decided in time.
    #[n(4)]
    Expired,
    /// The run that asked has closed or taken it back.
    #[n(5)]
    Withdrawn,
}

impl ApprovalOutcome {
    /// Whether a person has decided.
    #[must_use]
    pub fn is_a_persons(self) -> bool {
        match self {
            Self::Approved | Self::ApprovedWithChanges | Self::Rejected => true,
            Self::Expired | Self::Withdrawn => false,
        }
    }
}
