//! Approvals of a root: what people are asked, and what they answered.

use minicbor::{Decode, Encode};

use crate::event::{ApprovalRequest, Decided, Slot};
use crate::text::{StepKey, Text, WorkflowId};
use crate::value::Time;

/// Something that a person is asked to approve.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Approval {
    /// Id, unique in the namespace.
    #[n(0)]
    pub id: Text,
    /// The run that asks; 0 for the budget of a conversation.
    #[n(1)]
    pub slot: Slot,
    /// Workflow id of that run, or of the conversation.
    #[n(2)]
    pub workflow_id: WorkflowId,
    /// Key of the command that asked.
    #[n(3)]
    pub key: StepKey,
    /// What is asked.
    #[n(4)]
    pub request: Box<ApprovalRequest>,
    /// When it was requested.
    #[n(5)]
    pub requested: Time,
    /// How and when it ended, once it has.
    #[n(6)]
    pub ended: Option<Ended>,
    /// Event id of the `ApprovalRequested`; 0 for a budget.
    #[n(7)]
    pub event: u64,
}

/// The end of an approval.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Ended {
    /// When.
    #[n(0)]
    pub at: Time,
    /// How.
    #[n(1)]
    pub decided: Box<Decided>,
}

impl Approval {
    /// SHA-256 (FIPS 180-4) of the arguments: what a decision is bound to.
    #[must_use]
    pub fn arguments_hash(&self) -> [u8; 32] {
        use sha2::Digest as _;
        sha2::Sha256::digest(&self.request.arguments.data.0).into()
    }
}
