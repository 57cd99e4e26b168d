//! StartChild: start a child workflow.

use std::collections::BTreeMap;

use crate::command::body::{At, Body, bound};
use crate::event::{Parent, RunEvent, RunStarted, Slot};
use crate::limits;
use crate::rejection::Refusal;
use crate::text::{QueueName, StepKey, TypeName};
use crate::transition::Transaction;
use crate::value::{Payload, Span};

/// Start a child workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct StartChild {
    /// Workflow type.
    pub workflow_type: TypeName,
    /// Its input.
    pub input: Payload,
    /// Task queue; empty means the parent's.
    pub task_queue: QueueName,
    /// Longest time it may take.
    pub execution_timeout: Option<Span>,
}

impl Body for StartChild {
    const CODE: u8 = 3;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        if at.key.as_str().contains('/') {
            return Err(Refusal::invalid("key", "of a child holds no \"/\""));
        }
        let depth = at.run.workflow_id.as_str().matches('/').count();
        bound(depth, limits::CHILD_DEPTH, "levels of children")?;
        let (pending, open) = (at.run.children.len(), at.root.runs.len());
        bound(
            pending,
            limits::PENDING_CHILDREN,
            "pending children of a run",
        )?;
        bound(open, limits::OPEN_RUNS, "runs under one root")
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let Some(run) = tx.root.runs.get(&slot) else {
            return;
        };
        let parent_id = run.workflow_id.clone();
        let workflow_id = parent_id.child(key.as_str());
        let inherits = self.task_queue.as_str().is_empty();
        let task_queue = if inherits {
            run.task_queue.clone()
        } else {
            self.task_queue
        };
        let run_id = tx.context.take_run_id();
        let child = tx.root.next_slot;
        let event = tx.emit_run(
            slot,
            RunEvent::ChildStarted {
                key: key.clone(),
                workflow_type: self.workflow_type.clone(),
                workflow_id: workflow_id.clone(),
                run_id,
                child,
            },
        );
        let started = RunStarted {
            workflow_id,
            run_id,
            type_name: self.workflow_type,
            task_queue,
            input: Some(self.input),
            turn: None,
            parent: Some(Parent {
                slot,
                workflow_id: parent_id,
                event,
                key,
            }),
            execution_timeout: self.execution_timeout,
            labels: BTreeMap::new(),
            request: 0,
            fingerprint: 0,
        };
        tx.emit_run(child, RunEvent::Started(Box::new(started)));
    }
}
