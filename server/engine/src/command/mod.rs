//! Commands: what the code of a run asks for. Each kind is one file, with its
//! check and its carrying out side by side, and one row of the table below.

mod ask;
mod body;
mod cancel_step;
mod close_conversation;
mod close_run;
mod fences;
mod hand_off;
mod no_reply;
mod record_local;
mod record_problem;
mod refused;
mod request_approval;
mod schedule_activity;
mod send_message;
mod send_signal;
mod set_state;
mod start_child;
mod start_timer;

pub use ask::Ask;
pub use cancel_step::CancelStep;
pub use close_conversation::CloseConversation;
pub use close_run::{CancelRun, CompleteRun, FailRun};
pub use hand_off::HandOffConversation;
pub use no_reply::NoReply;
pub use record_local::RecordLocal;
pub use record_problem::RecordProblem;
pub use refused::Refused;
pub use request_approval::RequestApproval;
pub use schedule_activity::ScheduleActivity;
pub use send_message::Draft;
pub use send_signal::SendSignal;
pub use set_state::SetState;
pub use start_child::StartChild;
pub use start_timer::StartTimer;

pub(crate) use fences::fence;

use body::{At, Body};

use crate::event::{RunEvent, Slot};
use crate::limits;
use crate::rejection::Refusal;
use crate::state::{key_hash, kind_hash};
use crate::text::StepKey;
use crate::transition::Transaction;
use crate::value::Failure;

/// One command of a workflow task.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Name of the step; empty for the kinds that have none.
    pub key: StepKey,
    /// What to do.
    pub kind: CommandKind,
}

/// Makes the kinds of commands: one row each.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident($body:ty),)*) => {
        /// What a command asks for.
        #[derive(Clone, Debug, PartialEq)]
        pub enum CommandKind {
            $($(#[$doc])* $name($body),)*
        }

        $(impl From<$body> for CommandKind {
            fn from(body: $body) -> Self {
                Self::$name(body)
            }
        })*

        impl CommandKind {
            /// The discriminant that is remembered beside the key, so that a
            /// key that comes again as another kind is noticed; 0 for those
            /// that close the run. Stored: never renumber.
            #[must_use]
            pub fn code(&self) -> u8 {
                match self {
                    $(Self::$name(body) => body.code(),)*
                }
            }

            fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
                match self {
                    $(Self::$name(body) => body.check(at),)*
                }
            }

            fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
                match self {
                    $(Self::$name(body) => body.carry_out(tx, slot, key),)*
                }
            }
        }
    };
}

kinds! {
    /// Run an activity on a worker.
    ScheduleActivity(ScheduleActivity),
    /// Wake the run after a while.
    StartTimer(StartTimer),
    /// Start a child workflow.
    StartChild(StartChild),
    /// Record the result of a step that ran inside the worker.
    RecordLocal(RecordLocal),
    /// Send a message to the customer.
    SendMessage(Draft),
    /// Wait for the customer's next messages.
    Ask(Ask),
    /// Write an entry of the state.
    SetState(SetState),
    /// Send a signal to another workflow.
    SendSignal(SendSignal),
    /// Cancel a pending step of this run.
    Cancel(CancelStep),
    /// Ask a person for approval.
    RequestApproval(RequestApproval),
    /// Hand the conversation to a person or team.
    HandOff(HandOffConversation),
    /// Say that the messages of the turn need no answer.
    NoReply(NoReply),
    /// End the conversation.
    CloseConversation(CloseConversation),
    /// Record that something in the code went wrong.
    RecordProblem(RecordProblem),
    /// Close the run: it succeeded.
    Complete(CompleteRun),
    /// Close the run: it failed.
    Fail(FailRun),
    /// Close the run: it stopped because it was asked to.
    CancelRun(CancelRun),
    /// Something that could not even be read as a command of its kind.
    Refused(Refused),
}

impl CommandKind {
    /// Whether the command closes the run.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.code() == 0
    }

    /// Whether it speaks to the customer or writes what others read: what a
    /// pause of the conversation keeps from happening.
    pub(crate) fn is_fenced(&self) -> bool {
        matches!(
            self,
            Self::SendMessage(_)
                | Self::Ask(_)
                | Self::SetState(_)
                | Self::NoReply(_)
                | Self::CloseConversation(_)
        )
    }

    /// Whether it has a key of its own.
    fn is_keyed(&self) -> bool {
        !self.closes() && self.code() != CancelStep::CODE
    }
}

/// Carries out the commands of a completion, in order. One that cannot be
/// carried out fails by itself: its code is told, and the run does not close
/// before that.
pub(crate) fn carry_out(tx: &mut Transaction<'_>, slot: Slot, commands: Vec<Command>) {
    let mut refused = false;
    for command in commands {
        if refused && command.kind.closes() {
            return;
        }
        refused |= carry_out_one(tx, slot, command).is_err();
    }
}

/// Carries out one command, unless it is recorded already.
fn carry_out_one(tx: &mut Transaction<'_>, slot: Slot, command: Command) -> Result<(), ()> {
    let Command { key, kind } = command;
    let Some(run) = tx.root.runs.get(&slot).filter(|run| run.status.is_open()) else {
        // The run was closed by the command before.
        return Ok(());
    };
    let code = kind.code();
    let (key, well_formed) = body::bounded_key(key);
    if kind.is_keyed() {
        match run.keys.get(&key_hash(&key)) {
            Some(known) if *known == code => return Ok(()),
            Some(_) if run.keys.contains_key(&kind_hash(&key, code)) => return Ok(()),
            Some(_) => {
                let refusal = Refusal::invalid("key", "is recorded with another kind of command");
                return fail(tx, slot, key, code, refusal.failure());
            }
            None if !well_formed => return fail(tx, slot, key, code, body::bad_key().failure()),
            None => {}
        }
    }
    // The end of the run has its room, and what the run waits for comes in
    // although its journal is full.
    if !kind.closes() && run.last_event + body::EVENTS_MAX > limits::JOURNAL_EVENTS {
        return fail(tx, slot, key, code, body::no_room().failure());
    }
    let at = At {
        root: tx.root,
        run,
        key: &key,
    };
    if let Err(refusal) = kind.check(&at) {
        return fail(tx, slot, key, code, refusal.failure());
    }
    let refused = matches!(kind, CommandKind::Refused(_));
    kind.carry_out(tx, slot, key);
    if refused { Err(()) } else { Ok(()) }
}

/// A command fails: the code is told, if its run has room to say so, and fails
/// with it if it has not.
fn fail(
    tx: &mut Transaction<'_>,
    slot: Slot,
    key: StepKey,
    kind: u8,
    failure: Failure,
) -> Result<(), ()> {
    let run = tx.root.runs.get(&slot);
    let room = run.is_some_and(|run| run.last_event + 2 < limits::JOURNAL_EVENTS);
    if kind == 0 || !room {
        close_run::fail(tx, slot, failure);
    } else {
        let event = RunEvent::CommandFailed { key, kind, failure };
        tx.emit_run(slot, event);
    }
    Err(())
}
