//! ScheduleActivity: run an activity on a worker.

use crate::command::body::{At, Body, bound};
use crate::event::{RunEvent, Slot};
use crate::limits;
use crate::policy::ActivityOptions;
use crate::rejection::Refusal;
use crate::text::{StepKey, TypeName};
use crate::transition::Transaction;
use crate::value::Payload;

/// Run an activity on a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleActivity {
    /// Name of the activity.
    pub activity_type: TypeName,
    /// Its input.
    pub input: Payload,
    /// Queue, retries and timeouts. An empty queue means the run's.
    pub options: Box<ActivityOptions>,
}

impl Body for ScheduleActivity {
    const CODE: u8 = 1;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        let pending = at.run.activities.len();
        let subject = "pending activities of a run";
        bound(pending, limits::PENDING_ACTIVITIES, subject)
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let mut options = self.options;
        if options.task_queue.as_str().is_empty()
            && let Some(run) = tx.root.runs.get(&slot)
        {
            options.task_queue = run.task_queue.clone();
        }
        let event = RunEvent::ActivityScheduled {
            key,
            activity_type: self.activity_type,
            input: self.input,
            options,
        };
        tx.emit_run(slot, event);
    }
}
