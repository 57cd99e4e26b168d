//! Records of the view: what is known of a run or a conversation without its
//! state machine.

use std::collections::BTreeMap;

use everturn_engine::event::{DeliveryStatus, RunId, RunStatus, Tombstone};
use everturn_engine::policy::{OptOut, TurnPolicy};
use everturn_engine::state::approval::Approval;
use everturn_engine::state::conversation::{Conversation, FailedAddress, Handover, Pause};
use everturn_engine::state::delivery::Delivery;
use everturn_engine::state::entries::State;
use everturn_engine::state::root::Root;
use everturn_engine::state::run::{Activity, Child, Run, Timer};
use everturn_engine::state::turn::{EndedTurn, Turn};
use everturn_engine::text::{QueueName, RootKey, Text, TypeName, WorkflowId};
use everturn_engine::value::{Failure, Outcome, Time, Usage};
use everturn_engine::waiting::{self, Wait};
use minicbor::{Decode, Encode};

/// A run without its journal.
#[derive(Clone, Debug, Encode, Decode)]
pub struct RunRecord {
    /// The root it belongs to.
    #[n(0)]
    pub root: RootKey,
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
    /// How it stands.
    #[n(5)]
    pub status: RunStatus,
    /// Workflow id of the parent, if it is a child.
    #[n(6)]
    pub parent: Option<WorkflowId>,
    /// When it started.
    #[n(7)]
    pub started: Time,
    /// When it closed.
    #[n(8)]
    pub closed: Option<Time>,
    /// Events in its journal.
    #[n(9)]
    pub event_count: u64,
    /// Labels.
    #[n(10)]
    pub labels: BTreeMap<Text, Text>,
    /// How it ended.
    #[n(11)]
    pub outcome: Option<Outcome>,
    /// State that its code wrote, once it is closed; empty for a turn.
    #[n(12)]
    pub state: State,
    /// Number of the turn, if it is one.
    #[n(13)]
    pub turn: Option<u64>,
    /// It is paused by itself.
    #[n(14)]
    pub paused: bool,
    /// What its activities used.
    #[n(15)]
    pub usage: Usage,
    /// Why it does not go on, while it is open.
    #[n(16)]
    #[cbor(default)]
    pub wait: Option<Wait>,
}

/// A run with everything it waits for.
#[derive(Clone, Debug)]
pub struct RunDescription {
    /// The run.
    pub record: RunRecord,
    /// Activities it waits for, with what they wait for.
    pub activities: Vec<(Activity, Wait)>,
    /// Timers it waits for.
    pub timers: Vec<Timer>,
    /// Children it waits for.
    pub children: Vec<Child>,
    /// Approvals it waits for.
    pub approvals: Vec<Approval>,
    /// Why its last workflow task failed, if it did and none succeeded since.
    pub task_failure: Option<Failure>,
    /// Workflow tasks that failed, or took down their workers, in a row.
    pub task_failures: u32,
    /// State that its code wrote; the conversation's for a turn that is open.
    pub state: State,
}

/// A conversation without its transcript.
#[derive(Clone, Debug, Encode, Decode)]
pub struct ConversationRecord {
    /// Its key.
    #[n(0)]
    pub key: RootKey,
    /// Workflow type that handles its turns.
    #[n(1)]
    pub type_name: TypeName,
    /// Task queue of its turns.
    #[n(2)]
    pub task_queue: QueueName,
    /// How messages become turns.
    #[n(3)]
    pub policy: TurnPolicy,
    /// Why it was closed, if it was.
    #[n(4)]
    pub closed: Option<Text>,
    /// Channel of the last inbound message.
    #[n(5)]
    pub reply_channel: Text,
    /// Messages in the transcript.
    #[n(6)]
    pub message_count: u64,
    /// Inbound messages that no turn has taken.
    #[n(7)]
    pub waiting_count: u64,
    /// Turns started so far.
    #[n(8)]
    pub turn_count: u64,
    /// The current turn.
    #[n(9)]
    pub turn: Option<TurnRecord>,
    /// Labels.
    #[n(10)]
    pub labels: BTreeMap<Text, Text>,
    /// When it was opened.
    #[n(11)]
    pub created: Time,
    /// When it last changed.
    #[n(12)]
    pub updated: Time,
    /// It is paused.
    #[n(13)]
    pub pause: Option<Pause>,
    /// A person or team owns it; without what was written meanwhile.
    #[n(14)]
    pub handover: Option<Handover>,
    /// Addresses by channel.
    #[n(15)]
    pub addresses: BTreeMap<Text, Text>,
    /// Events that no turn has taken.
    #[n(16)]
    pub waiting_events: u64,
    /// What its activities used.
    #[n(17)]
    pub usage: Usage,
    /// What its current or last turn used.
    #[n(18)]
    pub turn_usage: Usage,
    /// Its budget is used up.
    #[n(19)]
    pub budget_reached: bool,
    /// What is left of it, once it was erased.
    #[n(20)]
    pub tombstone: Option<Tombstone>,
    /// Why it does not go on; `None` when there is nothing to do.
    #[n(21)]
    #[cbor(default)]
    pub wait: Option<Wait>,
    /// Since when the customer has no answer.
    #[n(22)]
    pub unanswered_since: Option<Time>,
    /// Messages that turns which failed have left.
    #[n(23)]
    #[cbor(default)]
    pub unanswered_count: u64,
    /// How the last turn ended.
    #[n(24)]
    pub last_turn: Option<EndedTurn>,
    /// What the customer does not want, by channel.
    #[n(25)]
    #[cbor(default)]
    pub opt_outs: BTreeMap<Text, OptOut>,
    /// Addresses that do not take messages, by channel.
    #[n(26)]
    #[cbor(default)]
    pub failed_addresses: BTreeMap<Text, FailedAddress>,
    /// The conversation that it was merged into.
    #[n(27)]
    pub merged_into: Option<Text>,
    /// Entries written by its code; `None` in lists.
    #[cbor(skip)]
    pub state: Option<State>,
}

/// The current turn of a conversation.
#[derive(Clone, Debug, Encode, Decode)]
pub struct TurnRecord {
    /// Number of the turn.
    #[n(0)]
    pub number: u64,
    /// Workflow id of its run.
    #[n(1)]
    pub workflow_id: WorkflowId,
    /// Run id of its run.
    #[n(2)]
    pub run_id: RunId,
    /// When it started.
    #[n(3)]
    pub started: Time,
    /// It waits for the customer.
    #[n(4)]
    pub asking: bool,
    /// It is superseded and cleans up.
    #[n(5)]
    pub interrupted: bool,
}

impl RunRecord {
    /// What is known of a run.
    pub(crate) fn of(root: &Root, run: &Run) -> Self {
        Self {
            root: root.key.clone(),
            workflow_id: run.workflow_id.clone(),
            run_id: run.run_id,
            type_name: run.type_name.clone(),
            task_queue: run.task_queue.clone(),
            status: run.status,
            parent: run.parent.as_ref().map(|p| p.workflow_id.clone()),
            started: run.started,
            closed: run.closed,
            event_count: run.last_event,
            labels: run.labels.clone(),
            outcome: run.outcome.clone(),
            state: if run.status.is_open() {
                State::default()
            } else {
                run.state.clone()
            },
            turn: run.turn,
            paused: run.paused,
            usage: run.usage.clone(),
            wait: waiting::run(root, run),
        }
    }
}

impl RunDescription {
    /// Everything about a run that is in memory.
    pub(crate) fn of(root: &Root, run: &Run) -> Self {
        let conversation = root.conversation.as_ref().filter(|_| run.turn.is_some());
        Self {
            record: RunRecord::of(root, run),
            activities: run
                .activities
                .values()
                .map(|it| (it.clone(), waiting::activity(root, run, it)))
                .collect(),
            timers: run.timers.values().cloned().collect(),
            children: run.children.values().cloned().collect(),
            approvals: root
                .approvals
                .values()
                .filter(|approval| approval.slot == run.slot && approval.ended.is_none())
                .cloned()
                .collect(),
            task_failure: run.task_failure.clone(),
            task_failures: run.task_failures.max(run.task_losses),
            state: conversation.map_or_else(|| run.state.clone(), |c| c.state.clone()),
        }
    }

    /// A closed run that the view holds.
    pub(crate) fn closed(record: RunRecord) -> Self {
        Self {
            state: record.state.clone(),
            record,
            activities: Vec::new(),
            timers: Vec::new(),
            children: Vec::new(),
            approvals: Vec::new(),
            task_failure: None,
            task_failures: 0,
        }
    }
}

impl ConversationRecord {
    /// What is known of a conversation, without its state.
    pub(crate) fn of(root: &Root, conversation: &Conversation) -> Self {
        let turn = conversation.turn.as_ref();
        Self {
            key: root.key.clone(),
            type_name: conversation.type_name.clone(),
            task_queue: conversation.task_queue.clone(),
            policy: conversation.policy.clone(),
            closed: conversation.closed.clone(),
            reply_channel: conversation.reply_channel.clone(),
            message_count: conversation.message_count,
            waiting_count: conversation.mailbox.len() as u64,
            turn_count: conversation.turn_count,
            turn: turn.and_then(|turn| TurnRecord::of(root, turn)),
            labels: root.labels.clone(),
            created: root.created,
            updated: root.updated,
            pause: conversation.pause.clone(),
            handover: conversation.handover.as_ref().map(without_messages),
            addresses: conversation.addresses.clone(),
            waiting_events: conversation.events.len() as u64,
            usage: conversation.usage.clone(),
            turn_usage: conversation.turn_usage.clone(),
            budget_reached: conversation.budget_reached,
            tombstone: None,
            wait: waiting::conversation(root),
            unanswered_since: conversation.unanswered_since,
            unanswered_count: conversation.unanswered.len() as u64,
            last_turn: conversation.last_turn.clone(),
            opt_outs: conversation.opt_outs.clone(),
            failed_addresses: conversation.failed_addresses.clone(),
            merged_into: conversation.merged.as_ref().map(|it| it.into.clone()),
            state: None,
        }
    }

    /// What is left of an erased conversation.
    pub(crate) fn erased(root: &Root, tombstone: Tombstone) -> Self {
        Self {
            key: root.key.clone(),
            type_name: TypeName::default(),
            task_queue: QueueName::default(),
            policy: TurnPolicy::default(),
            closed: Some(Text::default()),
            reply_channel: Text::default(),
            message_count: tombstone.messages,
            waiting_count: 0,
            turn_count: tombstone.turns,
            turn: None,
            labels: BTreeMap::new(),
            created: root.created,
            updated: root.updated,
            pause: None,
            handover: None,
            addresses: BTreeMap::new(),
            waiting_events: 0,
            usage: Usage::default(),
            turn_usage: Usage::default(),
            budget_reached: false,
            tombstone: Some(tombstone),
            wait: None,
            unanswered_since: None,
            unanswered_count: 0,
            last_turn: None,
            opt_outs: BTreeMap::new(),
            failed_addresses: BTreeMap::new(),
            merged_into: None,
            state: None,
        }
    }
}

/// A handover as it is shown.
pub(crate) fn without_messages(handover: &Handover) -> Handover {
    Handover {
        messages: std::collections::VecDeque::new(),
        ..handover.clone()
    }
}

/// The delivery of a message, without the message.
#[derive(Clone, Debug)]
pub struct DeliveryRecord {
    /// How it stands.
    pub status: DeliveryStatus,
    /// Channel that it goes out by.
    pub channel: Text,
    /// Address it goes to.
    pub address: Text,
    /// Id that the provider gave it, or empty.
    pub provider_message_id: Text,
    /// Number of the current or last attempt; 0 before the first.
    pub attempt: u32,
    /// Why it failed or is unknown, or what the provider said.
    pub detail: Text,
    /// When its status last changed.
    pub updated: Time,
    /// What it waits for, while it is under way.
    pub wait: Option<Wait>,
}

impl DeliveryRecord {
    /// What is known of a delivery.
    pub(crate) fn of(conversation: &Conversation, delivery: &Delivery) -> Self {
        // One that waits for its next attempt shows the last one.
        let waits = u32::from(delivery.status == DeliveryStatus::Pending);
        Self {
            status: delivery.status,
            channel: delivery.channel.clone(),
            address: delivery.address.clone(),
            provider_message_id: delivery.provider_message_id.clone(),
            attempt: delivery.attempt - waits,
            detail: delivery.detail.clone(),
            updated: delivery.updated,
            wait: waiting::delivery(conversation, delivery),
        }
    }
}

impl TurnRecord {
    fn of(root: &Root, turn: &Turn) -> Option<Self> {
        let run = root.runs.get(&turn.slot)?;
        Some(Self {
            number: turn.number,
            workflow_id: run.workflow_id.clone(),
            run_id: run.run_id,
            started: turn.started,
            asking: turn.ask.is_some(),
            interrupted: turn.interrupted.is_some(),
        })
    }
}
