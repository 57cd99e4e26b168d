//! What happens when a deadline comes.

use crate::decide::activity_result::end_attempt;
use crate::decide::decide_approval::{check_budget, expire_approval};
use crate::decide::deliveries::delivery_due;
use crate::decide::erase_conversation::erase_conversation;
use crate::decide::handoff_timeout::handoff_timeout;
use crate::decide::{closing, mailbox, merge, task};
use crate::event::{RunEvent, RunStatus, Slot, TurnCause};
use crate::state::deadlines::Deadline;
use crate::state::run::{Stage, Task};
use crate::state::terminated;
use crate::transition::Transaction;
use crate::value::{Failure, Outcome};

/// Meets every deadline that has come.
pub fn meet_deadlines(tx: &mut Transaction<'_>) {
    let now = tx.context.now;
    while let Some(deadline) = tx.root.deadlines.take_due(now) {
        meet(tx, deadline);
    }
}

fn meet(tx: &mut Transaction<'_>, deadline: Deadline) {
    match deadline {
        Deadline::Retry(slot, activity) => retry(tx, slot, activity),
        // What must not start waits anew once it may.
        Deadline::ScheduleToStart(slot, _) if tx.root.holds_activities(slot) => {}
        Deadline::ScheduleToStart(slot, activity) => {
            give_up(tx, slot, activity, "ScheduleToStart");
        }
        Deadline::ScheduleToClose(slot, activity) => {
            tx.cancel_attempt(slot, activity, true);
            give_up(tx, slot, activity, "ScheduleToClose");
        }
        Deadline::StartToClose(slot, activity) => {
            tx.cancel_attempt(slot, activity, true);
            end_attempt(tx, slot, activity, Failure::timeout("StartToClose"), None);
        }
        Deadline::Heartbeat(slot, activity) => miss_heartbeat(tx, slot, activity),
        Deadline::Timer(slot, timer) => fire(tx, slot, timer),
        Deadline::Execution(slot) => {
            let outcome = Outcome::Failed(Failure::timeout("Execution"));
            closing::close(tx, slot, RunStatus::TimedOut, outcome);
        }
        Deadline::Burst | Deadline::Held => mailbox::settle(tx),
        Deadline::HandoffTimeout => handoff_timeout(tx),
        Deadline::Grace(slot) => {
            let failure = terminated("the turn was superseded and its grace passed");
            let outcome = Outcome::Failed(failure);
            closing::close(tx, slot, RunStatus::Terminated, outcome);
        }
        Deadline::Approval(slot, event) => expire_approval(tx, slot, event),
        Deadline::Idle => mailbox::silence(tx, deadline, TurnCause::Idle),
        Deadline::CustomerTimeout => {
            mailbox::silence(tx, deadline, TurnCause::CustomerTimeout);
        }
        Deadline::StaffTimeout => mailbox::silence(tx, deadline, TurnCause::StaffTimeout),
        Deadline::Delivery(sequence) => delivery_due(tx, sequence),
        Deadline::Retention => {
            // The conversation is there: the deadline went with it otherwise.
            let _ = erase_conversation(tx);
        }
        Deadline::Merge => merge::try_merge(tx),
        Deadline::TaskTimeout(slot) => task::lose_task(tx, slot),
        Deadline::TaskRetry(slot) => {
            if let Some(run) = tx.root.runs.get_mut(&slot)
                && run.task == Task::BackingOff
            {
                run.task = Task::None;
                tx.offer_task(slot);
            }
        }
    }
}

/// The backoff passed. Not an event: after a crash the backoff is found in
/// the past and passes again.
fn retry(tx: &mut Transaction<'_>, slot: Slot, activity: u64) {
    let now = tx.context.now;
    let run = tx.root.runs.get_mut(&slot);
    let Some(pending) = run.and_then(|run| run.activities.get_mut(&activity)) else {
        return;
    };
    if matches!(pending.stage, Stage::BackingOff(_)) {
        pending.stage = Stage::Queued(now);
        tx.root.rearm(slot, activity);
        tx.offer_activity(slot, activity);
    }
}

fn give_up(tx: &mut Transaction<'_>, slot: Slot, activity: u64, timeout: &str) {
    let run = tx.root.runs.get(&slot);
    let Some(pending) = run.and_then(|run| run.activities.get(&activity)) else {
        return;
    };
    let started = matches!(pending.stage, Stage::Started { .. });
    let mut failure = Failure::timeout(timeout);
    failure.cause = pending.last_failure.clone().map(Box::new);
    let event = RunEvent::ActivityFailed {
        activity,
        key: pending.key.clone(),
        failure,
        attempt: pending.attempt - u32::from(!started),
        usage: None,
    };
    tx.emit_run(slot, event);
    check_budget(tx);
}

/// Heartbeats do not move the deadline, they are only noted; so it may come
/// although the attempt was heard of in between.
fn miss_heartbeat(tx: &mut Transaction<'_>, slot: Slot, activity: u64) {
    let now = tx.context.now;
    let run = tx.root.runs.get(&slot);
    let Some(pending) = run.and_then(|run| run.activities.get(&activity)) else {
        return;
    };
    let Stage::Started { at, .. } = pending.stage else {
        return;
    };
    let silence = pending.options.heartbeat.unwrap_or_default();
    let due = pending.heard.max(at) + silence;
    if due > now {
        let deadline = Deadline::Heartbeat(slot, activity);
        tx.root.deadlines.arm(deadline, due);
        return;
    }
    tx.cancel_attempt(slot, activity, true);
    end_attempt(tx, slot, activity, Failure::timeout("Heartbeat"), None);
}

fn fire(tx: &mut Transaction<'_>, slot: Slot, timer: u64) {
    let run = tx.root.runs.get(&slot);
    if let Some(pending) = run.and_then(|run| run.timers.get(&timer)) {
        let key = pending.key.clone();
        tx.emit_run(slot, RunEvent::TimerFired { timer, key });
    }
}
