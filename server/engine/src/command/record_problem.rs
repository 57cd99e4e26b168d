//! RecordProblem: something in the code went wrong that it does not look at.

use crate::command::body::{At, Body};
use crate::event::{RunEvent, Slot};
use crate::rejection::Refusal;
use crate::text::StepKey;
use crate::transition::Transaction;
use crate::value::Failure;

/// Record that something in the code went wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordProblem {
    /// What, with its stack.
    pub failure: Failure,
}

impl Body for RecordProblem {
    const CODE: u8 = 12;

    fn check(&self, _: &At<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let failure = self.failure;
        tx.emit_run(slot, RunEvent::ProblemRecorded { key, failure });
    }
}
