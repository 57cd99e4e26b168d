//! CancelCommand: give up a pending step of the run.

use crate::command::body::{At, Body};
use crate::command::close_run::canceled;
use crate::decide::cancel_workflow::request_cancel;
use crate::decide::decide_approval::withdraw_approval;
use crate::event::{RunEvent, Slot};
use crate::rejection::Refusal;
use crate::state::run::Stage;
use crate::text::StepKey;
use crate::transition::Transaction;

/// Cancel a pending step of this run. One that is over, or was never asked
/// for, is let be.
#[derive(Clone, Debug, PartialEq)]
pub struct CancelStep {
    /// Key of the step.
    pub target: StepKey,
}

impl Body for CancelStep {
    const CODE: u8 = 9;

    fn check(&self, _: &At<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, _: StepKey) {
        let target = self.target;
        let Some(run) = tx.root.runs.get(&slot) else {
            return;
        };
        let activity = run.activities.iter().find(|(_, a)| a.key == target);
        let activity =
            activity.map(|(id, a)| (*id, matches!(a.stage, Stage::Started { .. }), a.attempt));
        let child = run.children.values().find(|child| child.key == target);
        let child = child.map(|child| child.slot);
        let event = RunEvent::CommandCanceled {
            target: target.clone(),
        };
        tx.emit_run(slot, event);
        match activity {
            Some((id, true, _)) => tx.cancel_attempt(slot, id, false),
            Some((id, false, attempt)) => {
                let event = RunEvent::ActivityFailed {
                    activity: id,
                    key: target.clone(),
                    failure: canceled(),
                    attempt: attempt - 1,
                    usage: None,
                };
                tx.emit_run(slot, event);
            }
            None => {}
        }
        withdraw_approval(tx, slot, &target);
        if let Some(child) = child {
            request_cancel(tx, child, "canceled by the parent".into());
        }
    }
}
