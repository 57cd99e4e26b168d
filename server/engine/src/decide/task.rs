//! The workflow task of a run: a worker takes it, loses it or fails it.

use crate::decide::open_slot;
use crate::event::Slot;
use crate::rejection::Rejection;
use crate::state::deadlines::Deadline;
use crate::state::run::{Run, Task};
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{Failure, FailureKind, Span};

/// Delay before a failed workflow task is offered again; doubles each time.
const RETRY_INITIAL: Span = Span::from_secs(1);
/// Bound of that delay.
const RETRY_MAXIMUM: Span = Span::from_secs(60);
/// Pause after which a workflow task that took down its workers comes again;
/// doubles each time, and chance makes it up to twice as long.
const APART_INITIAL: Span = Span::from_secs(5);
/// Bound of that pause, before chance.
const APART_MAXIMUM: Span = Span::from_secs(300);

/// Names one delivery of a workflow task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskToken {
    /// The run.
    pub slot: Slot,
    /// Epoch of the delivery.
    pub epoch: u64,
}

/// A workflow task that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskStart {
    /// Epoch of this delivery, part of the task token.
    pub epoch: u64,
    /// The last event that the run's code was given by an earlier task.
    pub seen: u64,
    /// The last event of the journal.
    pub through: u64,
}

/// Starts the task that was offered. Nothing is stored: after a crash the
/// task is offered again, with a later epoch.
///
/// # Errors
/// `Stale` when the run is closed, has nothing to do or is set apart.
pub fn begin_task(
    tx: &mut Transaction<'_>,
    slot: Slot,
    worker: &Text,
) -> Result<TaskStart, Rejection> {
    let now = tx.context.now;
    let epoch = tx.context.take_epoch();
    let paused = tx.root.is_paused(slot);
    let run = tx.root.runs.get_mut(&slot).ok_or(Rejection::Stale)?;
    if paused {
        // A resume offers it anew.
        if run.task == Task::Offered {
            run.task = Task::None;
        }
        return Err(Rejection::Stale);
    }
    let wanted = matches!(run.task, Task::Offered | Task::Started { .. });
    if !run.status.is_open() || !wanted {
        return Err(Rejection::Stale);
    }
    // It comes from its queue again: whoever had it never even confirmed it.
    if matches!(run.task, Task::Started { .. }) && note_loss(tx, slot, false) {
        return Err(Rejection::Stale);
    }
    let run = tx.root.runs.get_mut(&slot).ok_or(Rejection::Stale)?;
    let start = TaskStart {
        epoch,
        seen: run.seen,
        through: run.last_event,
    };
    run.task = Task::Started {
        epoch,
        through: run.last_event,
    };
    run.task_since = now;
    run.task_worker = worker.clone();
    let until = now + tx.context.task_timeout;
    tx.root.deadlines.arm(Deadline::TaskTimeout(slot), until);
    Ok(start)
}

/// The worker that had the task went away, or did not complete it in time:
/// offers it again. No effect if the task is over.
pub fn lose_task(tx: &mut Transaction<'_>, slot: Slot) {
    let run = tx.root.runs.get(&slot);
    if run.is_some_and(|run| matches!(run.task, Task::Started { .. })) && note_loss(tx, slot, true)
    {
        return;
    }
    offer_again(tx, slot);
}

/// Nobody has the task any more; it is offered again once it may be.
pub(super) fn give_back(tx: &mut Transaction<'_>, slot: Slot) {
    if let Some(run) = tx.root.runs.get_mut(&slot) {
        run.task = Task::None;
        tx.root.deadlines.disarm(Deadline::TaskTimeout(slot));
    }
}

fn offer_again(tx: &mut Transaction<'_>, slot: Slot) {
    let Some(run) = tx.root.runs.get_mut(&slot) else {
        return;
    };
    if matches!(run.task, Task::Started { .. } | Task::Offered) {
        run.task = Task::None;
        tx.root.deadlines.disarm(Deadline::TaskTimeout(slot));
        tx.offer_task(slot);
    }
}

/// Counts that a worker went away with the task. True: it was not the first
/// one, the task is set apart and comes again after a while. A task that was
/// never confirmed may be innocent, its worker deaf: its pauses do not grow.
fn note_loss(tx: &mut Transaction<'_>, slot: Slot, is_confirmed: bool) -> bool {
    let now = tx.context.now;
    // Tasks that were lost together come back one after the other, so that
    // only the one that is to blame is lost again.
    let chance = tx.context.take_fraction();
    let Some(run) = tx.root.runs.get_mut(&slot) else {
        return false;
    };
    run.task_losses += 1;
    if run.task_losses == 1 {
        run.task_failed_since = run.task_since;
    }
    let Some(again) = run.task_losses.checked_sub(Run::LOSSES) else {
        return false;
    };
    let again = if is_confirmed { again } else { 0 };
    let message = format!(
        "the workflow task took down {} workers in a row, the last one was {}",
        run.task_losses, run.task_worker
    );
    let failure = Failure::new(FailureKind::WorkerLost, "TaskSetApart", &message);
    run.task_failure = Some(failure);
    run.task = Task::BackingOff;
    let pause = (APART_INITIAL.0 << again.min(16)).min(APART_MAXIMUM.0);
    let pause = Span(pause + (pause as f64 * chance) as i64);
    let deadlines = &mut tx.root.deadlines;
    deadlines.disarm(Deadline::TaskTimeout(slot));
    deadlines.arm(Deadline::TaskRetry(slot), now + pause);
    true
}

/// A worker gives the task back at once, because it needs the whole journal.
///
/// # Errors
/// `Fenced` when the task is over.
pub fn reoffer_task(tx: &mut Transaction<'_>, token: TaskToken) -> Result<(), Rejection> {
    current_task(tx, token)?;
    offer_again(tx, token.slot);
    Ok(())
}

/// A worker could not run the code: the task is offered again later.
///
/// # Errors
/// `Fenced` when the task is over.
pub fn fail_task(
    tx: &mut Transaction<'_>,
    token: TaskToken,
    failure: Failure,
) -> Result<(), Rejection> {
    current_task(tx, token)?;
    let now = tx.context.now;
    let Some(run) = tx.root.runs.get_mut(&token.slot) else {
        return Err(Rejection::Fenced);
    };
    let doublings = run.task_failures.min(16);
    if run.task_failures == 0 {
        run.task_failed_since = now;
    }
    run.task_failures += 1;
    run.task_losses = 0;
    run.task_failure = Some(failure);
    run.task = Task::BackingOff;
    let delay = Span((RETRY_INITIAL.0 << doublings).min(RETRY_MAXIMUM.0));
    let deadlines = &mut tx.root.deadlines;
    deadlines.disarm(Deadline::TaskTimeout(token.slot));
    deadlines.arm(Deadline::TaskRetry(token.slot), now + delay);
    Ok(())
}

/// Checks that a token names the task that is under way; the last event that
/// it carries.
pub(crate) fn current_task(tx: &Transaction<'_>, token: TaskToken) -> Result<u64, Rejection> {
    match open_slot(tx.root, token.slot)?.task {
        Task::Started { epoch, through } if epoch == token.epoch => Ok(through),
        _ => Err(Rejection::Fenced),
    }
}
