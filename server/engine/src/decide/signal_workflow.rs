//! SignalWorkflow: a named value for an open run; and the answer to a signal
//! that a run has sent.

use crate::decide::{RunRef, check_room, open_run};
use crate::event::{RunEvent, Slot};
use crate::rejection::Rejection;
use crate::state::request::Request;
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{Failure, Payload};

/// A signal, validated.
#[derive(Clone, Debug)]
pub struct SignalWorkflow {
    /// The receiver.
    pub target: RunRef,
    /// Name of the signal.
    pub name: Text,
    /// Its input.
    pub input: Payload,
    /// The id of the request.
    pub request: Request,
}

/// Delivers a signal. The same request is carried out once.
///
/// # Errors
/// `RunNotFound`, `RunClosed`, `LimitExceeded`, `RequestIdReused`.
pub fn signal_workflow(tx: &mut Transaction<'_>, request: SignalWorkflow) -> Result<(), Rejection> {
    if tx.root.knows_request(request.request)? {
        return Ok(());
    }
    let run = open_run(tx.root, &request.target)?;
    check_room(run)?;
    let slot = run.slot;
    tx.remember(request.request);
    let event = RunEvent::SignalReceived {
        name: request.name,
        input: request.input,
    };
    tx.emit_run(slot, event);
    Ok(())
}

/// Records how a signal that a run has sent was taken. No effect if it is
/// recorded already or the run is closed.
pub fn settle_signal(tx: &mut Transaction<'_>, slot: Slot, signal: u64, failure: Option<Failure>) {
    let run = tx.root.runs.get(&slot);
    if let Some(sent) = run.and_then(|run| run.signals.get(&signal)) {
        let key = sent.key.clone();
        let event = RunEvent::SignalDelivered {
            signal,
            key,
            failure,
        };
        tx.emit_run(slot, event);
    }
}
