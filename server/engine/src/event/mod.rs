//! Events: what became true. The log stores them, `apply` folds them, and
//! those of a run form its journal. Field and variant numbers are the stored
//! format: add new ones, never renumber.

mod conversation;
mod run;
mod run_event;

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::policy::{Budget, TurnPolicy, TypeSettings};
use crate::text::{QueueName, RootKey, StepKey, Text, TypeName};
use crate::value::{Assignee, InboundEvent, Message, Payload, Span, Time};

pub use conversation::{
    ApprovalOutcome, ApprovalRequest, Decided, DeliveryStatus, EarlyReceipt, Tombstone, Update,
};
pub use run::{Parent, RunId, RunStarted, RunStatus, SuppressReason, TurnCause, TurnStart};
pub use run_event::RunEvent;

/// Number of a run within its root; never used twice.
pub type Slot = u32;

/// Everything that one request changed in one root, in order.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Transition {
    /// The root.
    #[n(0)]
    pub root: RootKey,
    /// Log time; never goes back within a partition.
    #[n(1)]
    pub time: Time,
    /// What happened.
    #[n(2)]
    pub events: Vec<Event>,
}

/// One thing that became true in a root.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Event {
    /// An event of a run's journal.
    #[n(0)]
    Run {
        /// The run.
        #[n(0)]
        slot: Slot,
        /// Position in its journal, dense from 1.
        #[n(1)]
        id: u64,
        /// What happened.
        #[n(2)]
        event: RunEvent,
    },
    /// A worker took an attempt of an activity. Not part of the journal.
    #[n(1)]
    ActivityStarted {
        /// The run.
        #[n(0)]
        slot: Slot,
        /// Event id of its `ActivityScheduled`.
        #[n(1)]
        activity: u64,
        /// Number of the attempt, from 1.
        #[n(2)]
        attempt: u32,
        /// Epoch of this delivery; results of others are fenced.
        #[n(3)]
        epoch: u64,
        /// Identity of the worker.
        #[n(4)]
        worker: Text,
    },
    /// A workflow task was completed. Not part of the journal.
    #[n(2)]
    TaskCompleted {
        /// The run.
        #[n(0)]
        slot: Slot,
        /// Last event that its code has been given.
        #[n(1)]
        seen: u64,
    },
    /// The root became a conversation.
    #[n(3)]
    ConversationOpened {
        /// Workflow type that handles its turns.
        #[n(0)]
        type_name: TypeName,
        /// Task queue of its turns.
        #[n(1)]
        task_queue: QueueName,
        /// How messages become turns.
        #[n(2)]
        policy: TurnPolicy,
        /// Its labels.
        #[n(3)]
        labels: BTreeMap<Text, Text>,
        /// How long it is kept once its code has closed it.
        #[n(4)]
        retention: Option<Span>,
    },
    /// An inbound message was accepted.
    #[n(4)]
    MessageReceived(#[n(0)] Message),
    /// The conversation takes no more messages.
    #[n(5)]
    ConversationClosed {
        /// Why.
        #[n(0)]
        reason: Text,
        /// When its content is to be removed, if ever.
        #[n(1)]
        erase_at: Option<Time>,
    },
    /// A request with an id was carried out.
    #[n(6)]
    RequestRemembered {
        /// Hash of the request's kind and id.
        #[n(0)]
        hash: u64,
        /// Hash of what it asked for; 0 if it is not known.
        #[n(1)]
        #[cbor(default)]
        fingerprint: u64,
    },
    /// An event was accepted.
    #[n(7)]
    EventReceived(#[n(0)] InboundEvent),
    /// Labels, addresses, policy or reply channel changed.
    #[n(8)]
    ConversationUpdated(#[n(0)] Box<Update>),
    /// The conversation was paused.
    #[n(9)]
    ConversationPaused {
        /// Why.
        #[n(0)]
        reason: Text,
    },
    /// The conversation was resumed.
    #[n(10)]
    ConversationResumed,
    /// A person or team owns the conversation from here on.
    #[n(11)]
    HandedOff {
        /// Who.
        #[n(0)]
        assignee: Assignee,
        /// Why.
        #[n(1)]
        reason: Text,
        /// What they need to know.
        #[n(2)]
        context: Option<Payload>,
        /// The marker in the transcript.
        #[n(3)]
        marker: Box<Message>,
    },
    /// The agents own the conversation from here on.
    #[n(12)]
    HandedBack {
        /// The marker in the transcript.
        #[n(0)]
        marker: Box<Message>,
    },
    /// A person wrote to the customer.
    #[n(13)]
    HumanMessageSent {
        /// The message.
        #[n(0)]
        message: Box<Message>,
        /// Hash of the request's id; 0 for none.
        #[n(1)]
        request: u64,
        /// Hash of what it asked for; 0 if it is not known.
        #[n(2)]
        #[cbor(default)]
        fingerprint: u64,
        /// Position of the last message that it answers; 0: of all.
        #[n(3)]
        #[cbor(default)]
        answers_through: u64,
        /// The customer has it already: it is not delivered.
        #[n(4)]
        #[cbor(default)]
        is_sent: bool,
        /// It took the conversation over from the agents.
        #[n(5)]
        #[cbor(default)]
        took_over: bool,
    },
    /// The budget is used up; an approval was requested.
    #[n(14)]
    BudgetReached {
        /// Id of the approval.
        #[n(0)]
        approval_id: Text,
        /// What it asks for, as JSON.
        #[n(1)]
        arguments: Payload,
    },
    /// The approval for a used-up budget ended.
    #[n(15)]
    BudgetDecided {
        /// Id of the approval.
        #[n(0)]
        approval_id: Text,
        /// How.
        #[n(1)]
        decided: Box<Decided>,
        /// The budget from here on, if it was raised.
        #[n(2)]
        budget: Option<Budget>,
    },
    /// An adapter took the delivery of a message.
    #[n(16)]
    DeliveryStarted {
        /// The message.
        #[n(0)]
        sequence: u64,
        /// Number of the attempt, from 1.
        #[n(1)]
        attempt: u32,
        /// Epoch of this delivery; results of others are fenced.
        #[n(2)]
        epoch: u64,
        /// Identity of the worker.
        #[n(3)]
        worker: Text,
        /// The adapter can find out whether a message was sent.
        #[n(4)]
        reconciles: bool,
        /// Address that it goes to, if that is another one now.
        #[n(5)]
        address: Option<Text>,
    },
    /// The delivery of a message came further, or back into its queue.
    #[n(17)]
    DeliveryMoved {
        /// The message.
        #[n(0)]
        sequence: u64,
        /// How it stands.
        #[n(1)]
        status: DeliveryStatus,
        /// Id that the provider gave it, if known from here on.
        #[n(2)]
        provider_message_id: Text,
        /// Why, or what the provider said.
        #[n(3)]
        detail: Text,
        /// With `Pending`: when the next attempt may start.
        #[n(4)]
        next_at: Option<Time>,
        /// With `Pending`: the next attempt has to ask the provider first.
        #[n(5)]
        reconcile: bool,
    },
    /// The content of the conversation was removed.
    #[n(18)]
    Erased(#[n(0)] Tombstone),
    /// What conversations of a type begin with was set.
    #[n(19)]
    SettingsChanged(#[n(0)] Box<TypeSettings>),
    /// A message that was held has left.
    #[n(20)]
    HeldMessageSent {
        /// The message.
        #[n(0)]
        message: Box<Message>,
        /// The run whose code sent it.
        #[n(1)]
        slot: Slot,
        /// Key of the command.
        #[n(2)]
        key: StepKey,
    },
    /// The customer wrote to the conversation after it was closed: it is open
    /// again.
    #[n(21)]
    ConversationReopened,
    /// A message whose delivery was over is delivered again.
    #[n(22)]
    DeliveryResent {
        /// The message.
        #[n(0)]
        sequence: u64,
        /// Channel that it goes out by.
        #[n(1)]
        channel: Text,
        /// Address that it goes to.
        #[n(2)]
        address: Text,
    },
    /// An address of the customer does not take messages.
    #[n(23)]
    AddressFailed {
        /// Its channel.
        #[n(0)]
        channel: Text,
        /// The address.
        #[n(1)]
        address: Text,
        /// What the provider said.
        #[n(2)]
        detail: Text,
    },
    /// A provider told of a message that it has given no id yet.
    #[n(24)]
    EarlyReceipt(#[n(0)] EarlyReceipt),
    /// Staff or an agent wrote something that the customer does not see.
    #[n(25)]
    NoteAdded {
        /// The note.
        #[n(0)]
        message: Box<Message>,
        /// Hash of the request's id; 0 for none.
        #[n(1)]
        request: u64,
        /// Hash of what it asked for; 0 if it is not known.
        #[n(2)]
        fingerprint: u64,
    },
    /// The customer has changed a message.
    #[n(26)]
    MessageChanged {
        /// The entry of the transcript that says so.
        #[n(0)]
        message: Box<Message>,
        /// Hash of the channel, address and id of the message that is changed.
        #[n(1)]
        hash: u64,
        /// It is to be answered like a message.
        #[n(2)]
        waits: bool,
    },
    /// A message that was said elsewhere becomes part of the transcript.
    #[n(27)]
    MessageAdopted {
        /// The message.
        #[n(0)]
        message: Box<Message>,
        /// It is to be answered.
        #[n(1)]
        waits: bool,
    },
    /// A contact has another conversation from here on.
    #[n(28)]
    ContactAssigned {
        /// Its id.
        #[n(0)]
        conversation: Text,
    },
    /// The conversation becomes part of another one.
    #[n(29)]
    ConversationMerged {
        /// Id of that one.
        #[n(0)]
        into: Text,
        /// Positions of the messages that are to be answered there.
        #[n(1)]
        waiting: Vec<u64>,
    },
    /// What it holds is on its way to the other one, once more.
    #[n(30)]
    MergeTried,
    /// The other one has everything.
    #[n(31)]
    MergeEnded,
    /// Everything that another conversation held is here.
    #[n(32)]
    ConversationAbsorbed {
        /// Id of that one.
        #[n(0)]
        conversation: Text,
    },
    /// Another conversation is to become part of this one.
    #[n(33)]
    MergeExpected {
        /// Id of that one.
        #[n(0)]
        conversation: Text,
    },
    /// It is not to, after all.
    #[n(34)]
    MergeCanceled {
        /// Id of that one.
        #[n(0)]
        conversation: Text,
    },
}

impl Event {
    /// The message that the event adds to the transcript, if it adds one.
    #[must_use]
    pub fn added_message(&self) -> Option<&Message> {
        match self {
            Self::MessageReceived(message) => Some(message),
            Self::HumanMessageSent { message, .. }
            | Self::NoteAdded { message, .. }
            | Self::MessageChanged { message, .. }
            | Self::MessageAdopted { message, .. }
            | Self::HeldMessageSent { message, .. }
            | Self::HandedOff {
                marker: message, ..
            }
            | Self::HandedBack { marker: message } => Some(message),
            Self::Run {
                event: RunEvent::MessageSent { message, .. },
                ..
            } => Some(message),
            _ => None,
        }
    }
}
