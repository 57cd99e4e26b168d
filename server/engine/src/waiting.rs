//! Why something does not go on, as far as its own state tells: whether a task
//! queue has workers is seen by whoever knows the queues.

use minicbor::{Decode, Encode};

use crate::event::Slot;
use crate::state::approval::Approval;
use crate::state::conversation::{Conversation, Pause};
use crate::state::deadlines::Deadline;
use crate::state::delivery::Delivery;
use crate::state::root::Root;
use crate::state::run::{Activity, Run, Stage, Task};
use crate::state::turn::EndedTurn;
use crate::text::{QueueName, Text};
use crate::value::{Failure, Time};

/// The reasons, a closed list. Stored: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum WaitReason {
    /// Its task queue has no worker.
    #[n(1)]
    NoWorker,
    /// The workers of its task queue do not have the type.
    #[n(2)]
    NotRegistered,
    /// It is in a task queue.
    #[n(3)]
    Queued,
    /// A worker has it.
    #[n(4)]
    Worker,
    /// The next attempt may not start yet.
    #[n(5)]
    BackingOff,
    /// It, a run above it or the conversation is paused.
    #[n(6)]
    Paused,
    /// The customer has to answer.
    #[n(7)]
    Customer,
    /// The workflow task failed.
    #[n(8)]
    TaskFailed,
    /// The workflow task took down its workers.
    #[n(9)]
    TaskSetApart,
    /// The budget is used up.
    #[n(10)]
    Budget,
    /// A person has to decide.
    #[n(11)]
    Approval,
    /// A person or team owns the conversation.
    #[n(12)]
    Person,
    /// A timer has to fire.
    #[n(13)]
    Timer,
    /// The code waits for something from outside.
    #[n(14)]
    Signal,
    /// A child has to close.
    #[n(15)]
    Child,
    /// A signal is on its way.
    #[n(16)]
    SignalDelivery,
    /// The burst is not over.
    #[n(17)]
    Burst,
    /// Quiet hours or the frequency cap.
    #[n(18)]
    QuietHours,
    /// The customer has no answer, and no turn is to come by itself.
    #[n(19)]
    Unanswered,
    /// It has had as many turns as it may in a while.
    #[n(20)]
    TurnCap,
    /// An earlier delivery by the same channel is under way.
    #[n(21)]
    EarlierDelivery,
}

/// Every reason, in the order of their numbers.
pub const REASONS: [WaitReason; 21] = [
    WaitReason::NoWorker,
    WaitReason::NotRegistered,
    WaitReason::Queued,
    WaitReason::Worker,
    WaitReason::BackingOff,
    WaitReason::Paused,
    WaitReason::Customer,
    WaitReason::TaskFailed,
    WaitReason::TaskSetApart,
    WaitReason::Budget,
    WaitReason::Approval,
    WaitReason::Person,
    WaitReason::Timer,
    WaitReason::Signal,
    WaitReason::Child,
    WaitReason::SignalDelivery,
    WaitReason::Burst,
    WaitReason::QuietHours,
    WaitReason::Unanswered,
    WaitReason::TurnCap,
    WaitReason::EarlierDelivery,
];

impl WaitReason {
    /// The number that is stored.
    #[must_use]
    pub fn code(self) -> u8 {
        let at = REASONS.iter().position(|reason| *reason == self);
        u8::try_from(at.map_or(0, |at| at + 1)).unwrap_or(0)
    }

    /// The reason of a number; `None` for 0 and for numbers of newer versions.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        REASONS.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// The name in metrics and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoWorker => "no_worker",
            Self::NotRegistered => "not_registered",
            Self::Queued => "queued",
            Self::Worker => "worker",
            Self::BackingOff => "backing_off",
            Self::Paused => "paused",
            Self::Customer => "customer",
            Self::TaskFailed => "task_failed",
            Self::TaskSetApart => "task_set_apart",
            Self::Budget => "budget",
            Self::Approval => "approval",
            Self::Person => "person",
            Self::Timer => "timer",
            Self::Signal => "signal",
            Self::Child => "child",
            Self::SignalDelivery => "signal_delivery",
            Self::Burst => "burst",
            Self::QuietHours => "quiet_hours",
            Self::Unanswered => "unanswered",
            Self::TurnCap => "turn_cap",
            Self::EarlierDelivery => "earlier_delivery",
        }
    }

    /// Which of several things that a run waits for says most: the first is
    /// shown.
    fn rank(self) -> u8 {
        match self {
            Self::Paused => 0,
            Self::Budget => 1,
            Self::NoWorker | Self::NotRegistered => 2,
            Self::Queued => 3,
            Self::BackingOff => 4,
            Self::Worker => 5,
            Self::Child => 6,
            Self::SignalDelivery => 7,
            Self::Approval => 8,
            Self::Person => 9,
            Self::Customer => 10,
            _ => 11,
        }
    }
}

/// Why something waits.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Wait {
    /// Why.
    #[n(0)]
    pub reason: WaitReason,
    /// Since when.
    #[n(1)]
    pub since: Time,
    /// When it ends by itself, if it does.
    #[n(2)]
    pub until: Option<Time>,
    /// Key of the step that the code waits for, or empty.
    #[n(3)]
    pub key: Text,
    /// Task queue that it is in or was taken from, or empty.
    #[n(4)]
    pub queue: QueueName,
    /// What is in the queue is the code of a run.
    #[n(5)]
    pub is_workflow_task: bool,
    /// Type of what waits, or empty.
    #[n(6)]
    pub type_name: Text,
    /// Worker that has it, or empty.
    #[n(7)]
    pub worker: Text,
    /// Number of the current attempt, or of the failures in a row; 0 for none.
    #[n(8)]
    pub attempt: u32,
    /// The approval that it waits for, or empty.
    #[n(9)]
    pub approval_id: Text,
    /// What people said or what failed: in one line.
    #[n(10)]
    pub detail: Text,
    /// When the worker that has it was last heard of.
    #[n(11)]
    pub heard: Option<Time>,
}

impl Wait {
    /// A reason without more.
    #[must_use]
    pub fn new(reason: WaitReason, since: Time) -> Self {
        Self {
            reason,
            since,
            until: None,
            key: Text::default(),
            queue: QueueName::default(),
            is_workflow_task: false,
            type_name: Text::default(),
            worker: Text::default(),
            attempt: 0,
            approval_id: Text::default(),
            detail: Text::default(),
            heard: None,
        }
    }

    fn of_pause(pause: Option<&Pause>, otherwise: Time) -> Self {
        let mut wait = Self::new(WaitReason::Paused, otherwise);
        if let Some(pause) = pause {
            wait.since = pause.since;
            wait.detail = pause.reason.clone();
        }
        wait
    }
}

/// What an activity waits for.
#[must_use]
pub fn activity(root: &Root, run: &Run, activity: &Activity) -> Wait {
    let mut wait = match &activity.stage {
        Stage::Queued(since) if root.is_paused(run.slot) => Wait {
            since: (*since).max(paused(root, run).since),
            ..paused(root, run)
        },
        Stage::Queued(since) if root.holds_activities(run.slot) || activity.stands_still => {
            budget(root, *since)
        }
        Stage::Queued(since) => Wait::new(WaitReason::Queued, *since),
        Stage::Started { at, worker, .. } => Wait {
            worker: worker.clone(),
            heard: activity.options.heartbeat.map(|_| activity.heard.max(*at)),
            until: Some(*at + activity.options.start_to_close),
            ..Wait::new(WaitReason::Worker, *at)
        },
        Stage::BackingOff(until) => Wait {
            until: Some(*until),
            ..Wait::new(WaitReason::BackingOff, activity.scheduled)
        },
    };
    if let Some(failure) = &activity.last_failure {
        if wait.reason == WaitReason::BackingOff && is_unregistered(failure) {
            wait.reason = WaitReason::NotRegistered;
        }
        if wait.detail.as_str().is_empty() {
            wait.detail = line(failure);
        }
    }
    wait.key = activity.key.as_str().into();
    wait.queue = activity.options.task_queue.clone();
    wait.type_name = activity.activity_type.as_str().into();
    wait.attempt = activity.attempt;
    wait
}

/// What the delivery of a message waits for, while it is under way.
#[must_use]
pub fn delivery(conversation: &Conversation, delivery: &Delivery) -> Option<Wait> {
    if !delivery.is_under_way() {
        return None;
    }
    let since = delivery.updated;
    let mut wait = match (&delivery.holder, delivery.next_at) {
        (Some(holder), _) => Wait {
            worker: holder.worker.clone(),
            until: delivery.due(),
            ..Wait::new(WaitReason::Worker, holder.since)
        },
        (None, Some(until)) => Wait {
            until: Some(until),
            ..Wait::new(WaitReason::BackingOff, since)
        },
        (None, None) => match &conversation.pause {
            Some(pause) => Wait::of_pause(Some(pause), since),
            None if delivery.stands_still => Wait::new(WaitReason::EarlierDelivery, since),
            None => Wait::new(WaitReason::Queued, since),
        },
    };
    if wait.detail.as_str().is_empty() {
        wait.detail = delivery.detail.clone();
    }
    wait.queue = delivery.queue();
    wait.attempt = delivery.attempt;
    Some(wait)
}

/// What an approval waits for, while it is not decided.
#[must_use]
pub fn approval(approval: &Approval) -> Option<Wait> {
    if approval.ended.is_some() {
        return None;
    }
    Some(Wait {
        until: approval.request.expire_at,
        approval_id: approval.id.clone(),
        key: approval.key.as_str().into(),
        detail: approval.request.title.clone(),
        ..Wait::new(WaitReason::Approval, approval.requested)
    })
}

/// What a run waits for, while it is open.
#[must_use]
pub fn run(root: &Root, run: &Run) -> Option<Wait> {
    if !run.status.is_open() {
        return None;
    }
    if root.is_paused(run.slot) {
        return Some(paused(root, run));
    }
    Some(task(root, run).unwrap_or_else(|| steps(root, run)))
}

/// What a conversation waits for; `None` when there is nothing to do.
#[must_use]
pub fn conversation(root: &Root) -> Option<Wait> {
    let conversation = root.conversation.as_ref().filter(|c| c.is_open())?;
    if let Some(pause) = &conversation.pause {
        return Some(Wait::of_pause(Some(pause), pause.since));
    }
    if let Some(handover) = &conversation.handover {
        return Some(person(handover));
    }
    let turn = conversation.turn.as_ref();
    if let Some(turn) = turn.and_then(|turn| root.runs.get(&turn.slot)) {
        return run(root, turn);
    }
    let next = root.deadlines.at(Deadline::Burst);
    let waits = !conversation.mailbox.is_empty() || !conversation.events.is_empty();
    if let Some(until) = conversation
        .capped_until()
        .filter(|at| waits && next == Some(*at))
    {
        let last = conversation.turn_times.back().copied();
        let cap = &conversation.policy.turn_cap;
        return Some(Wait {
            until: Some(until),
            detail: format!("{} turns in {} s", cap.turns, cap.window.0 / 1_000_000).into(),
            ..Wait::new(WaitReason::TurnCap, last.unwrap_or(until))
        });
    }
    if let Some(first) = conversation.mailbox.front() {
        return Some(Wait {
            until: conversation.burst_due(),
            ..Wait::new(WaitReason::Burst, first.time)
        });
    }
    if let Some(first) = conversation.events.front() {
        return Some(Wait {
            until: root.deadlines.at(Deadline::Burst),
            ..Wait::new(WaitReason::QuietHours, first.time)
        });
    }
    if let Some(wait) = unanswered(conversation) {
        return Some(wait);
    }
    let under_way = conversation.deliveries.values();
    let waits = under_way.filter_map(|it| delivery(conversation, it));
    waits.min_by_key(|wait| (wait.reason.rank(), wait.since))
}

/// The customer waits, and no turn is at work: for another attempt, or for
/// nothing that comes by itself.
fn unanswered(conversation: &Conversation) -> Option<Wait> {
    let last = conversation.last_turn.as_ref();
    let failed = last.filter(|turn| turn.has_failed());
    let detail = failed.map(EndedTurn::said).unwrap_or_default().into();
    if let (Some(retry), Some(last)) = (&conversation.retry, last) {
        return Some(Wait {
            until: Some(retry.at),
            attempt: last.attempt,
            type_name: conversation.type_name.as_str().into(),
            detail,
            ..Wait::new(WaitReason::BackingOff, last.ended)
        });
    }
    let since = conversation.unanswered_since?;
    Some(Wait {
        detail,
        ..Wait::new(WaitReason::Unanswered, since)
    })
}

/// The workflow task, if it is what the run waits for.
fn task(root: &Root, run: &Run) -> Option<Wait> {
    let reason = match (&run.task, run.task_failures) {
        _ if run.task_losses >= Run::LOSSES => WaitReason::TaskSetApart,
        (Task::None, 0) if run.last_notification <= run.seen => return None,
        (_, 1..) => WaitReason::TaskFailed,
        (Task::Started { .. }, _) => WaitReason::Worker,
        _ => WaitReason::Queued,
    };
    let failed = matches!(reason, WaitReason::TaskFailed | WaitReason::TaskSetApart);
    let unregistered = run.task_failure.as_ref().is_some_and(is_unregistered);
    let mut wait = Wait::new(reason, run.task_since);
    if failed {
        wait.since = run.task_failed_since;
        wait.until = root.deadlines.at(Deadline::TaskRetry(run.slot));
        wait.attempt = run.task_failures.max(run.task_losses);
        wait.detail = run.task_failure.as_ref().map(line).unwrap_or_default();
    }
    if reason == WaitReason::TaskFailed && unregistered {
        wait.reason = WaitReason::NotRegistered;
    }
    if let Task::Started { .. } = run.task {
        wait.worker = run.task_worker.clone();
    }
    wait.queue = run.task_queue.clone();
    wait.is_workflow_task = true;
    wait.type_name = run.type_name.as_str().into();
    Some(wait)
}

/// The step that says most about why the code does not go on.
fn steps(root: &Root, run: &Run) -> Wait {
    let activities = run.activities.values().map(|it| activity(root, run, it));
    let children = run.children.values().map(|child| Wait {
        key: child.key.as_str().into(),
        ..Wait::new(WaitReason::Child, run.rested)
    });
    let signals = run.signals.values().map(|signal| Wait {
        key: signal.key.as_str().into(),
        detail: signal.workflow_id.as_str().into(),
        ..Wait::new(WaitReason::SignalDelivery, run.rested)
    });
    let approvals = root.approvals.values();
    let approvals = approvals.filter(|it| it.slot == run.slot);
    let timers = run.timers.values().min_by_key(|timer| timer.fire_at);
    let timers = timers.into_iter().map(|timer| Wait {
        key: timer.key.as_str().into(),
        until: Some(timer.fire_at),
        ..Wait::new(WaitReason::Timer, run.rested)
    });
    let all = activities.chain(children).chain(signals);
    let all = all.chain(approvals.filter_map(approval));
    let all = all.chain(of_turn(root, run.slot)).chain(timers);
    let worst = all.min_by(|one, other| {
        let of = |wait: &Wait| (wait.reason.rank(), wait.since, wait.until);
        of(one).cmp(&of(other))
    });
    worst.unwrap_or_else(|| Wait::new(WaitReason::Signal, run.rested))
}

/// Whom a turn waits for.
fn of_turn(root: &Root, slot: Slot) -> Option<Wait> {
    let conversation = root.conversation.as_ref()?;
    let turn = conversation.turn.as_ref().filter(|it| it.slot == slot)?;
    if turn.hand_off.is_some() {
        return conversation.handover.as_ref().map(person);
    }
    let key = turn.ask.as_ref()?;
    let since = conversation.customer_since.unwrap_or(turn.started);
    Some(Wait {
        key: key.as_str().into(),
        ..Wait::new(WaitReason::Customer, since)
    })
}

fn person(handover: &crate::state::conversation::Handover) -> Wait {
    Wait {
        worker: handover.assignee.to_string().as_str().into(),
        detail: handover.reason.clone(),
        ..Wait::new(WaitReason::Person, handover.since)
    }
}

fn paused(root: &Root, run: &Run) -> Wait {
    let conversation = root.conversation.as_ref().and_then(|c| c.pause.as_ref());
    if conversation.is_some() {
        return Wait::of_pause(conversation, run.started);
    }
    let mut next = Some(run);
    // Depth is bounded by `limits::CHILD_DEPTH`.
    while let Some(above) = next {
        if above.paused {
            return Wait::of_pause(above.pause.as_ref(), above.started);
        }
        next = above.parent.as_ref().and_then(|p| root.runs.get(&p.slot));
    }
    Wait::of_pause(None, run.started)
}

fn budget(root: &Root, since: Time) -> Wait {
    let mut asked = root.approvals.values();
    let asked = asked.rfind(|it| it.slot == 0 && it.ended.is_none());
    Wait {
        approval_id: asked.map(|it| it.id.clone()).unwrap_or_default(),
        ..Wait::new(WaitReason::Budget, since)
    }
}

/// What SDKs say when a worker is given a type that it does not have.
fn is_unregistered(failure: &Failure) -> bool {
    let name = failure.type_name.as_str();
    name == "ActivityNotRegistered" || name == "WorkflowNotRegistered"
}

/// A failure in one line.
fn line(failure: &Failure) -> Text {
    const BYTES: usize = 256;
    let message = failure.message.as_str();
    let first = message.lines().next().unwrap_or_default();
    let text = match (failure.type_name.as_str(), first) {
        (name, "") => name.to_owned(),
        ("", message) => message.to_owned(),
        (name, message) => format!("{name}: {message}"),
    };
    text[..text.floor_char_boundary(BYTES)].into()
}
