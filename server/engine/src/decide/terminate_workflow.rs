//! TerminateWorkflow: closes an open run from outside.

use crate::decide::{RunRef, closing, open_run};
use crate::event::RunStatus;
use crate::rejection::Rejection;
use crate::state::terminated;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::Outcome;

/// Closes a run without asking its code.
///
/// # Errors
/// `RunNotFound`, `RunClosed`.
pub fn terminate_workflow(
    tx: &mut Transaction<'_>,
    target: &RunRef,
    reason: &Text,
) -> Result<(), Rejection> {
    let slot = open_run(tx.root, target)?.slot;
    let outcome = Outcome::Failed(terminated(reason.as_str()));
    closing::close(tx, slot, RunStatus::Terminated, outcome);
    Ok(())
}
