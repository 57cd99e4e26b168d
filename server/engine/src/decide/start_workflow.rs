//! StartWorkflow: a top-level run begins.

use std::collections::BTreeMap;

use crate::event::{RunEvent, RunId, RunStarted};
use crate::rejection::Rejection;
use crate::state::request::Request;
use crate::text::{QueueName, Text, TypeName};
use crate::transition::Transaction;
use crate::value::{Payload, Span};

/// A workflow to start, validated. Its id is the root's.
#[derive(Clone, Debug)]
pub struct StartWorkflow {
    /// Workflow type.
    pub type_name: TypeName,
    /// Task queue of its workflow tasks.
    pub task_queue: QueueName,
    /// Its input.
    pub input: Payload,
    /// Longest time the run may take.
    pub execution_timeout: Option<Span>,
    /// Its labels.
    pub labels: BTreeMap<Text, Text>,
    /// The id of the request.
    pub request: Request,
}

/// Starts a run; the answer is its id. The same request gets the same answer
/// until another one starts the next run.
///
/// # Errors
/// `RunAlreadyStarted`, `TypeMismatch`, `RequestIdReused`.
pub fn start_workflow(
    tx: &mut Transaction<'_>,
    request: StartWorkflow,
) -> Result<RunId, Rejection> {
    if tx.root.conversation.is_some() || tx.root.tombstone.is_some() {
        return Err(Rejection::TypeMismatch("this id belongs to a conversation"));
    }
    // Kept until there is a later one, whether it is open or closed.
    let latest = tx.root.main.and_then(|slot| tx.root.runs.get(&slot));
    if let Some(run) = latest {
        if request.request.is_given() && run.request == request.request.hash {
            request.request.check_same(run.fingerprint)?;
            return Ok(run.run_id);
        }
        if run.status.is_open() {
            return Err(Rejection::RunAlreadyStarted {
                run_id: run.run_id.0,
            });
        }
    }
    let run_id = tx.context.take_run_id();
    let started = RunStarted {
        workflow_id: tx.root.key.id.workflow_id(),
        run_id,
        type_name: request.type_name,
        task_queue: request.task_queue,
        input: Some(request.input),
        turn: None,
        parent: None,
        execution_timeout: request.execution_timeout,
        labels: request.labels,
        request: request.request.hash,
        fingerprint: request.request.fingerprint,
    };
    let slot = tx.root.next_slot;
    tx.emit_run(slot, RunEvent::Started(Box::new(started)));
    Ok(run_id)
}
