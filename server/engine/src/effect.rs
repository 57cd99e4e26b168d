//! Effects: what the outside has to do once a transition is durable.

use crate::event::{RunId, Slot};
use crate::text::{QueueName, Text, WorkflowId};
use crate::value::{Message, Payload};

/// One thing to do, after its transition is durable and not before.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A run's code has something to do: offer a workflow task.
    OfferWorkflowTask {
        /// The run.
        slot: Slot,
        /// Its task queue.
        queue: QueueName,
    },
    /// An attempt of an activity may start: offer it.
    OfferActivity {
        /// The run.
        slot: Slot,
        /// Event id of its `ActivityScheduled`.
        activity: u64,
        /// Number of the attempt.
        attempt: u32,
        /// Its task queue.
        queue: QueueName,
        /// Order within the queue, 0 first.
        priority: u8,
    },
    /// Tell the worker of a started attempt to stop.
    CancelActivity {
        /// The run; 0 for the delivery of a message.
        slot: Slot,
        /// Event id of its `ActivityScheduled`, or position of the message.
        activity: u64,
        /// Number of the attempt.
        attempt: u32,
        /// Epoch of the delivery.
        epoch: u64,
        /// The attempt is over already; its result will not be taken.
        fenced: bool,
    },
    /// A run closed: wake those who wait for its result.
    RunClosed {
        /// The run.
        slot: Slot,
        /// Its id, under which workers have it in their caches.
        run_id: RunId,
    },
    /// The conversation is merged: bring what it holds to the other one.
    Merge,
    /// A message became part of the transcript: tell watchers.
    MessageAdded(Box<Message>),
    /// The current turn changed: tell watchers.
    TurnChanged {
        /// Number of the turn.
        number: u64,
        /// What it is doing; `None` when it ended.
        activity: Option<TurnActivity>,
    },
    /// The conversation closed: tell watchers and end their streams.
    ConversationClosed {
        /// Why.
        reason: Text,
    },
    /// The delivery of a message changed: tell watchers.
    DeliveryMoved {
        /// The message.
        sequence: u64,
    },
    /// Who may act in the conversation changed: tell watchers.
    ConversationChanged,
    /// The content of the conversation was removed: forget it everywhere.
    Erased,
    /// Deliver a signal to another root, then report with
    /// `decide::signal_outcome`.
    SendSignal {
        /// The sending run.
        slot: Slot,
        /// Event id of its `SignalScheduled`.
        signal: u64,
        /// The receiver.
        workflow_id: WorkflowId,
        /// Name of the signal.
        name: Text,
        /// Its input.
        input: Payload,
    },
}

/// What the current turn of a conversation is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnActivity {
    /// Working on an answer.
    Running,
    /// Waiting for the customer.
    Asking,
    /// Superseded and cleaning up.
    Interrupted,
}
