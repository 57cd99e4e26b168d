//! StartTimer: wake the run after a while.

use crate::command::body::{At, Body, bound};
use crate::event::{RunEvent, Slot};
use crate::limits;
use crate::rejection::Refusal;
use crate::text::StepKey;
use crate::transition::Transaction;
use crate::value::Span;

/// Wake the run after a while.
#[derive(Clone, Debug, PartialEq)]
pub struct StartTimer {
    /// How long to wait.
    pub delay: Span,
}

impl Body for StartTimer {
    const CODE: u8 = 2;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        let pending = at.run.timers.len();
        bound(pending, limits::PENDING_TIMERS, "pending timers of a run")
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let fire_at = tx.context.now + self.delay;
        tx.emit_run(slot, RunEvent::TimerStarted { key, fire_at });
    }
}
