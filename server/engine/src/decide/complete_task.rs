//! CompleteWorkflowTask: the code of a run has said what it wants.

use crate::command::{self, Command, CommandKind, fence};
use crate::decide::task::{self, current_task};
use crate::decide::{TaskToken, mailbox};
use crate::event::{Event, SuppressReason};
use crate::limits;
use crate::rejection::Rejection;
use crate::state::deadlines::Deadline;
use crate::state::root::Root;
use crate::state::run::{Run, Task};
use crate::transition::Transaction;

/// What the code of a run wants, or a part of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    /// The last event that the code was given.
    pub seen: u64,
    /// What it asks for, in order.
    pub commands: Vec<Command>,
    /// More follows under the same token: the task stays under way.
    pub partial: bool,
}

impl Completion {
    /// All that the code wants.
    #[must_use]
    pub fn new(seen: u64, commands: Vec<Command>) -> Self {
        Self {
            seen,
            commands,
            partial: false,
        }
    }
}

/// Carries out the commands of a workflow task, in order. One that cannot be
/// carried out fails by itself, and its code is told.
///
/// # Errors
/// `Fenced` when the task is over, or when a turn would speak or write into the
/// state of a conversation that is paused: it comes again after the pause; `CompletionInvalid` and `LimitExceeded`
/// when it does not fit its task; `UnreadEvents` when the run would close
/// although its code has not been given everything: the task stays under way.
pub fn complete_task(
    tx: &mut Transaction<'_>,
    token: TaskToken,
    completion: Completion,
) -> Result<(), Rejection> {
    let through = current_task(tx, token)?;
    let slot = token.slot;
    let speaks = completion.commands.iter().any(|it| it.kind.is_fenced());
    if speaks && fence(tx, slot) == Some(SuppressReason::ConversationPaused) {
        // What the code would do now it does once it may: it is given the same
        // again, and nothing of it counts as done.
        task::give_back(tx, slot);
        return Err(Rejection::Fenced);
    }
    let Some(run) = tx.root.runs.get(&slot) else {
        return Err(Rejection::Fenced);
    };
    check(tx.root, run, through, &completion)?;
    let Completion {
        seen,
        commands,
        partial,
    } = completion;
    let until = tx.context.now + tx.context.task_timeout;
    if partial {
        tx.root.deadlines.arm(Deadline::TaskTimeout(slot), until);
        command::carry_out(tx, slot, commands);
        return Ok(());
    }
    if let Some(run) = tx.root.runs.get_mut(&slot) {
        run.task = Task::None;
        run.task_failure = None;
        run.task_failures = 0;
        run.task_losses = 0;
        // Without commands nothing is stored: at worst a restart gives the
        // code the same events again.
        run.seen = run.seen.max(seen);
    }
    let seen = tx.root.runs.get(&slot).map_or(seen, |run| run.seen);
    tx.root.deadlines.disarm(Deadline::TaskTimeout(slot));
    if !commands.is_empty() {
        tx.emit(Event::TaskCompleted { slot, seen });
        command::carry_out(tx, slot, commands);
        // For an ask that was opened, and for messages that went back to the
        // mailbox.
        mailbox::settle(tx);
    }
    tx.offer_task(slot);
    Ok(())
}

/// Checks that a completion fits its task.
fn check(root: &Root, run: &Run, through: u64, completion: &Completion) -> Result<(), Rejection> {
    let Completion { seen, commands, .. } = completion;
    // After UNREAD_EVENTS the code has been given more than the task carried.
    if *seen > run.last_event.max(through) {
        let reason = "seen_event_id is beyond the journal";
        return Err(Rejection::CompletionInvalid(reason));
    }
    if commands.len() > limits::COMMANDS {
        return Err(Rejection::LimitExceeded {
            subject: "commands in one completion",
            limit: limits::COMMANDS as u64,
        });
    }
    let closes = commands.iter().any(|command| command.kind.closes());
    if closes && run.last_must_read > *seen && !canceled_answer(root, run, *seen, commands) {
        return Err(Rejection::UnreadEvents { after: *seen });
    }
    Ok(())
}

/// Whether the only unread event is the answer to an ask that the same
/// completion cancels: its messages go back to the mailbox.
fn canceled_answer(root: &Root, run: &Run, seen: u64, commands: &[Command]) -> bool {
    let turn = root.conversation.as_ref().and_then(|c| c.turn.as_ref());
    let answer = turn
        .filter(|turn| turn.slot == run.slot)
        .and_then(|turn| turn.answer.as_ref());
    answer.is_some_and(|answer| {
        answer.event == run.last_must_read
            && answer.event > seen
            && run.must_read_before <= seen
            && commands.iter().any(|command| {
                matches!(&command.kind, CommandKind::Cancel(cancel) if cancel.target == answer.key)
            })
    })
}
