//! PauseWorkflow and ResumeWorkflow: one run and the runs below it.

use crate::decide::{RunRef, check_room, open_run};
use crate::event::RunEvent;
use crate::rejection::Rejection;
use crate::text::Text;
use crate::transition::Transaction;

/// Stops the dispatch of a run's tasks. Idempotent.
///
/// # Errors
/// `RunNotFound`, `RunClosed`, `LimitExceeded` when the journal is full.
pub fn pause_workflow(
    tx: &mut Transaction<'_>,
    target: &RunRef,
    reason: Text,
) -> Result<(), Rejection> {
    let run = open_run(tx.root, target)?;
    if !run.paused {
        check_room(run)?;
        let slot = run.slot;
        tx.emit_run(slot, RunEvent::Paused { reason });
    }
    Ok(())
}

/// Goes on where the run stood. Idempotent. There is always room for it: a
/// pause is followed by one resume at most.
///
/// # Errors
/// `RunNotFound`, `RunClosed`.
pub fn resume_workflow(tx: &mut Transaction<'_>, target: &RunRef) -> Result<(), Rejection> {
    let run = open_run(tx.root, target)?;
    if run.paused {
        let slot = run.slot;
        tx.emit_run(slot, RunEvent::Resumed);
        tx.offer_everything();
    }
    Ok(())
}
