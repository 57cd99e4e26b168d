//! RecordLocal: a step has run inside the worker.

use crate::command::body::{At, Body};
use crate::event::{RunEvent, Slot};
use crate::rejection::Refusal;
use crate::text::StepKey;
use crate::transition::Transaction;
use crate::value::Outcome;

/// Record the result of a step that ran inside the worker.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordLocal {
    /// Event after which replay delivers the outcome.
    pub seen: u64,
    /// How it ended.
    pub outcome: Outcome,
}

impl Body for RecordLocal {
    const CODE: u8 = 4;

    fn check(&self, _: &At<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let Self { seen, outcome } = self;
        tx.emit_run(slot, RunEvent::LocalRecorded { key, seen, outcome });
    }
}
