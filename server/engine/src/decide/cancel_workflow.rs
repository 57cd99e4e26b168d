//! CancelWorkflow: asks an open run to stop.

use crate::decide::{RunRef, open_run};
use crate::event::{RunEvent, Slot};
use crate::rejection::Rejection;
use crate::text::Text;
use crate::transition::Transaction;

/// Asks a run to cancel; its code decides how. Idempotent.
///
/// # Errors
/// `RunNotFound`, `RunClosed`.
pub fn cancel_workflow(
    tx: &mut Transaction<'_>,
    target: &RunRef,
    reason: Text,
) -> Result<(), Rejection> {
    let slot = open_run(tx.root, target)?.slot;
    request_cancel(tx, slot, reason);
    Ok(())
}

/// Tells an open run once that it should cancel.
pub(crate) fn request_cancel(tx: &mut Transaction<'_>, slot: Slot, reason: Text) {
    let open = tx.root.runs.get(&slot).filter(|run| run.status.is_open());
    if open.is_some_and(|run| !run.cancel_requested) {
        tx.emit_run(slot, RunEvent::CancelRequested { reason });
    }
}
