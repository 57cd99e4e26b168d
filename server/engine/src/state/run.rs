//! A run: pending steps, the keys it has used, and its workflow task.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::event::{Parent, RunId, RunStatus, Slot};
use crate::limits;
use crate::policy::ActivityOptions;
use crate::state::conversation::Pause;
use crate::state::entries::State;
use crate::text::{QueueName, StepKey, Text, TypeName, WorkflowId};
use crate::value::{Failure, Outcome, Payload, Time, Usage};

/// One execution of a workflow.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Run {
    /// Its number within the root.
    #[n(0)]
    pub slot: Slot,
    /// Workflow id.
    #[n(1)]
    pub workflow_id: WorkflowId,
    /// Run id.
    #[n(2)]
    pub run_id: RunId,
    /// Workflow type.
    #[n(3)]
    pub type_name: TypeName,
    /// Task queue of its workflow tasks.
    #[n(4)]
    pub task_queue: QueueName,
    /// The parent, if it is a child.
    #[n(5)]
    pub parent: Option<Parent>,
    /// Number of the turn, if it is one.
    #[n(6)]
    pub turn: Option<u64>,
    /// How it stands.
    #[n(7)]
    pub status: RunStatus,
    /// How it ended.
    #[n(8)]
    pub outcome: Option<Outcome>,
    /// When it started.
    #[n(9)]
    pub started: Time,
    /// When it closed.
    #[n(10)]
    pub closed: Option<Time>,
    /// When it times out.
    #[n(11)]
    pub execution_deadline: Option<Time>,
    /// Labels of a top-level workflow.
    #[n(12)]
    pub labels: BTreeMap<Text, Text>,
    /// Hash of the request id that started it; 0 for none.
    #[n(13)]
    pub request: u64,
    /// Id of the last event in its journal.
    #[n(14)]
    pub last_event: u64,
    /// Id of the last notification.
    #[n(15)]
    pub last_notification: u64,
    /// Id of the last notification that must be read before it closes.
    #[n(16)]
    pub last_must_read: u64,
    /// Id of the last event that its code has been given.
    #[n(17)]
    pub seen: u64,
    /// Keys of recorded commands, hashed, with the kind of command.
    #[n(18)]
    pub keys: BTreeMap<u64, u8>,
    /// Activities it waits for, by the id of their `ActivityScheduled`.
    #[n(19)]
    pub activities: BTreeMap<u64, Activity>,
    /// Timers it waits for, by the id of their `TimerStarted`.
    #[n(20)]
    pub timers: BTreeMap<u64, Timer>,
    /// Children it waits for, by the id of their `ChildStarted`.
    #[n(21)]
    pub children: BTreeMap<u64, Child>,
    /// Signals under way, by the id of their `SignalScheduled`.
    #[n(22)]
    pub signals: BTreeMap<u64, OutgoingSignal>,
    /// Entries written by its code; a turn writes the conversation's instead.
    #[n(23)]
    pub state: State,
    /// Someone asked it to cancel.
    #[n(24)]
    pub cancel_requested: bool,
    /// Why its last workflow task failed, if it did.
    #[n(25)]
    pub task_failure: Option<Failure>,
    /// It is paused by itself.
    #[n(26)]
    pub paused: bool,
    /// What its activities used.
    #[n(27)]
    pub usage: Usage,
    /// Id of the notification before the last that must be read likewise.
    #[n(28)]
    #[cbor(default)]
    pub must_read_before: u64,
    /// Why and since when it is paused, if it is.
    #[n(29)]
    #[cbor(default)]
    pub pause: Option<Pause>,
    /// When its code last had nothing more to do.
    #[n(30)]
    #[cbor(default)]
    pub rested: Time,
    /// Hash of what the request that started it asked for; 0 if it is not
    /// known.
    #[n(31)]
    #[cbor(default)]
    pub fingerprint: u64,
    /// Where its workflow task is. Not stored: after a restart it is offered
    /// again.
    #[cbor(skip)]
    pub task: Task,
    /// Failed workflow tasks in a row. Not stored.
    #[cbor(skip)]
    pub task_failures: u32,
    /// Workers in a row that went away with its workflow task. Not stored.
    #[cbor(skip)]
    pub task_losses: u32,
    /// Since when its workflow task is where it is. Not stored.
    #[cbor(skip)]
    pub task_since: Time,
    /// Since when its workflow tasks fail. Not stored.
    #[cbor(skip)]
    pub task_failed_since: Time,
    /// Who has its workflow task. Not stored.
    #[cbor(skip)]
    pub task_worker: Text,
}

/// Where the workflow task of a run is. At most one is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// There is none.
    #[default]
    None,
    /// Offered to the task queue.
    Offered,
    /// A worker has it.
    Started {
        /// Completions with another epoch are fenced.
        epoch: u64,
        /// The last event that it carries.
        through: u64,
    },
    /// It failed and is offered again later.
    BackingOff,
}

/// Whether something has to be in memory; the least of its parts counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rest {
    /// A worker has something of it, or is about to.
    Busy,
    /// What it has to do is in the task queues.
    Queued,
    /// It has nothing to do.
    Waiting,
}

/// An activity that a run waits for.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Activity {
    /// Key of the command.
    #[n(0)]
    pub key: StepKey,
    /// Name of the activity.
    #[n(1)]
    pub activity_type: TypeName,
    /// Its input.
    #[n(2)]
    pub input: Payload,
    /// Queue, retries and timeouts.
    #[n(3)]
    pub options: Box<ActivityOptions>,
    /// When it was scheduled.
    #[n(4)]
    pub scheduled: Time,
    /// Number of the current attempt, from 1.
    #[n(5)]
    pub attempt: u32,
    /// How the attempt stands.
    #[n(6)]
    pub stage: Stage,
    /// The run asked it to stop.
    #[n(7)]
    pub cancel_requested: bool,
    /// Failure of the last attempt that failed.
    #[n(8)]
    pub last_failure: Option<Failure>,
    /// Details of the last heartbeat of any attempt.
    #[n(9)]
    pub heartbeat_details: Option<Payload>,
    /// When the attempt was last heard of. Not stored: a restart counts as a
    /// sign of life.
    #[cbor(skip)]
    pub heard: Time,
    /// It was to start while it must not: it is offered once it may. Not
    /// stored: a restart finds out again.
    #[cbor(skip)]
    pub stands_still: bool,
    /// Where the code of the attempt stands, if it keeps its worker from doing
    /// anything else. Not stored.
    #[cbor(skip)]
    pub blocked_stack: Text,
}

/// How an attempt stands.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Stage {
    /// In its task queue since then.
    #[n(0)]
    Queued(#[n(0)] Time),
    /// A worker has it.
    #[n(1)]
    Started {
        /// Since when.
        #[n(0)]
        at: Time,
        /// Results with another epoch are fenced.
        #[n(1)]
        epoch: u64,
        /// Identity of the worker.
        #[n(2)]
        worker: Text,
    },
    /// Waiting until then.
    #[n(2)]
    BackingOff(#[n(0)] Time),
}

/// A timer that a run waits for.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Timer {
    /// Key of the command.
    #[n(0)]
    pub key: StepKey,
    /// When it fires.
    #[n(1)]
    pub fire_at: Time,
}

/// A child that a run waits for.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Child {
    /// Key of the command.
    #[n(0)]
    pub key: StepKey,
    /// Slot of the child.
    #[n(1)]
    pub slot: Slot,
    /// Workflow id of the child.
    #[n(2)]
    pub workflow_id: WorkflowId,
}

/// A signal that was sent and not yet confirmed.
#[derive(Clone, Debug, Encode, Decode)]
pub struct OutgoingSignal {
    /// Key of the command.
    #[n(0)]
    pub key: StepKey,
    /// The receiver.
    #[n(1)]
    pub workflow_id: WorkflowId,
    /// Name of the signal.
    #[n(2)]
    pub name: Text,
    /// Its input.
    #[n(3)]
    pub input: Payload,
}

impl Run {
    /// Workers in a row that a workflow task may take with it before it is set
    /// apart.
    pub const LOSSES: u32 = 3;

    /// Whether its code has something to do and no task says so yet.
    #[must_use]
    pub fn wants_task(&self) -> bool {
        self.status.is_open() && self.task == Task::None && self.last_notification > self.seen
    }

    /// Whether its journal has room for events that its code did not ask for.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.last_event + limits::JOURNAL_RESERVE < limits::JOURNAL_EVENTS
    }

    /// Whether somebody has to do with it.
    pub(super) fn rest(&self, paused: bool) -> Rest {
        if !self.status.is_open() {
            return Rest::Waiting;
        }
        let read = self.last_notification <= self.seen;
        let task = match self.task {
            Task::None if read || paused => Rest::Waiting,
            // How often it failed is not stored.
            Task::Offered if self.task_failures == 0 && self.task_losses == 0 => Rest::Queued,
            _ => Rest::Busy,
        };
        let signals = match self.signals.is_empty() {
            true => Rest::Waiting,
            false => Rest::Busy,
        };
        let activities = self
            .activities
            .values()
            .map(|activity| match activity.stage {
                Stage::Queued(_) if !activity.stands_still => Rest::Queued,
                Stage::Queued(_) | Stage::BackingOff(_) => Rest::Waiting,
                Stage::Started { .. } => Rest::Busy,
            });
        activities.fold(task.min(signals), Rest::min)
    }

    /// Whether something of it would be offered if the rest of its root let it.
    pub(super) fn stands_still(&self) -> bool {
        self.activities.values().any(|it| it.stands_still)
    }
}
