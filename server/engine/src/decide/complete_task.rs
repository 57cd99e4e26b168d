//! CompleteWorkflowTask: the code of a run has said what it wants.

use crate::command::Command;
use crate::decide::task::current_task;
use crate::decide::{TaskToken, commands, mailbox, validate};
use crate::event::Event;
use crate::rejection::Rejection;
use crate::state::deadlines::Deadline;
use crate::state::run::Task;
use crate::transition::Transaction;

/// Carries out the commands of a workflow task, all or none. `seen` is the
/// last event that the code was given.
///
/// # Errors
/// `Fenced` when the task is over; `CommandInvalid` and `LimitExceeded` when a
/// command cannot be carried out; `UnreadEvents` when the run would close
/// although its code has not been given everything: the task stays under way.
pub fn complete_task(
    tx: &mut Transaction<'_>,
    token: TaskToken,
    seen: u64,
    commands: Vec<Command>,
) -> Result<(), Rejection> {
    let through = current_task(tx, token)?;
    let slot = token.slot;
    validate::check(tx.root, slot, seen, through, &commands)?;
    if let Some(run) = tx.root.runs.get_mut(&slot) {
        run.task = Task::None;
        run.task_failure = None;
        run.task_failures = 0;
        // Without commands nothing is stored: at worst a restart gives the
        // code the same events again.
        run.seen = run.seen.max(seen);
    }
    let seen = tx.root.runs.get(&slot).map_or(seen, |run| run.seen);
    tx.root.deadlines.disarm(Deadline::TaskTimeout(slot));
    if !commands.is_empty() {
        tx.emit(Event::TaskCompleted { slot, seen });
        commands::carry_out(tx, slot, commands);
        // For an ask that was opened, and for messages that went back to the
        // mailbox.
        mailbox::settle(tx);
    }
    tx.offer_task(slot);
    Ok(())
}
