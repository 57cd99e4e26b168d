//! What passes between workers and the runtime: tasks and answers to them,
//! results and outputs.

use std::sync::Arc;

use bytes::Bytes;
use everturn_engine::decide::{ActivityStart, ActivityToken, Completion, TaskToken};
use everturn_engine::event::RunId;
use everturn_engine::text::{RootKey, Text, TypeName, WorkflowId};
use everturn_engine::value::{Failure, Payload, Usage};

use crate::error::Error;
use crate::journal::Entry;
use crate::typing::TypingNotice;

/// A result that a worker reports.
#[derive(Clone, Debug)]
pub struct TaskResult {
    /// Number chosen by the worker.
    pub result_id: u64,
    /// The root that the task belongs to.
    pub root: RootKey,
    /// What is reported.
    pub body: ResultBody,
}

/// What a result says.
#[derive(Clone, Debug)]
pub enum ResultBody {
    /// An attempt succeeded.
    ActivityCompleted {
        /// The attempt.
        token: ActivityToken,
        /// What it returned.
        result: Payload,
        /// What it used, if it said so.
        usage: Option<Box<Usage>>,
    },
    /// An attempt failed.
    ActivityFailed {
        /// The attempt.
        token: ActivityToken,
        /// How.
        failure: Failure,
        /// What it used, if it said so.
        usage: Option<Box<Usage>>,
    },
    /// The provider took a message.
    DeliveryAccepted {
        /// The attempt.
        token: ActivityToken,
        /// Id that the provider gave it, or empty.
        provider_message_id: Text,
    },
    /// A workflow task was completed.
    TaskCompleted {
        /// The task.
        token: TaskToken,
        /// What its code wants.
        completion: Completion,
        /// The worker keeps the run in its cache.
        cached: bool,
    },
    /// A workflow task could not be run.
    TaskFailed {
        /// The task.
        token: TaskToken,
        /// Why.
        failure: Failure,
    },
    /// A workflow task is wanted again with the whole journal.
    TaskNeedsJournal {
        /// The task.
        token: TaskToken,
    },
}

/// A piece of the partial output of an attempt.
#[derive(Clone, Debug)]
pub struct OutputPiece {
    /// The root.
    pub root: RootKey,
    /// The attempt.
    pub token: ActivityToken,
    /// Position in its output, from 1.
    pub sequence: u64,
    /// The piece.
    pub data: Bytes,
}

/// An attempt for a worker to run.
#[derive(Clone, Debug)]
pub struct ActivityTask {
    /// Number of the delivery in its session; 0 when polled.
    pub delivery_id: u64,
    /// The root.
    pub root: RootKey,
    /// Names the attempt when it is reported.
    pub token: ActivityToken,
    /// The attempt.
    pub start: ActivityStart,
    /// Workflow id of the run.
    pub workflow_id: WorkflowId,
    /// Run id of the run.
    pub run_id: RunId,
}

/// A run whose code has something to do.
#[derive(Clone, Debug)]
pub struct WorkflowTask {
    /// Number of the delivery in its session; 0 when polled.
    pub delivery_id: u64,
    /// The root.
    pub root: RootKey,
    /// Names the task when it is reported.
    pub token: TaskToken,
    /// Workflow id.
    pub workflow_id: WorkflowId,
    /// Run id.
    pub run_id: RunId,
    /// Workflow type.
    pub type_name: TypeName,
    /// The worker's cached run continues from this event; 0: from nothing.
    pub previous: u64,
    /// The events to apply; possibly only the first page.
    pub entries: Vec<Arc<Entry>>,
    /// There are no more than these.
    pub complete: bool,
    /// The last event of the journal.
    pub through: u64,
}

/// Something for a worker.
#[derive(Clone, Debug)]
pub enum WorkItem {
    /// An attempt to run.
    Activity(Box<ActivityTask>),
    /// A workflow task to run.
    Workflow(Box<WorkflowTask>),
    /// A result is durable.
    Accepted(u64),
    /// A result was not taken.
    Rejected {
        /// Its number.
        result_id: u64,
        /// Why.
        error: Error,
        /// Events to deliver before completing again.
        unread: Vec<Arc<Entry>>,
    },
    /// An attempt should stop.
    Cancel {
        /// The root.
        root: RootKey,
        /// The attempt.
        token: ActivityToken,
        /// It is over already.
        fenced: bool,
    },
    /// Somebody types an answer: its adapter can show so.
    Typing(Box<TypingNotice>),
    /// A cached run is of no more use.
    Evict(RunId),
    /// The server is shutting down.
    Draining,
}

impl WorkItem {
    /// Whether it goes back to its queue when its session is closed before it
    /// left. The task queues give back themselves what is to be confirmed, but
    /// do not know that a delivery that never left is not lost.
    pub(crate) fn goes_back(&self) -> bool {
        match self {
            Self::Activity(task) => task.delivery_id == 0 || task.token.slot == 0,
            Self::Workflow(task) => task.delivery_id == 0,
            _ => false,
        }
    }

    /// Roughly what it adds to a message on the wire, in bytes.
    pub(crate) fn size_bytes(&self) -> usize {
        const NAMES: usize = 4 * 1024;
        let content = match self {
            Self::Activity(task) => {
                let activity = &task.start.activity;
                let details = activity.heartbeat_details.as_ref();
                activity.input.size_bytes() + details.map_or(0, Payload::size_bytes)
            }
            // It is a page at most.
            Self::Workflow(task) => task.entries.iter().map(|entry| entry.size_bytes()).sum(),
            _ => 0,
        };
        NAMES + content
    }
}
