//! A command whose content was refused before it came here: it fails by
//! itself, like one that cannot be carried out.

use crate::command::body::{At, Body};
use crate::command::close_run;
use crate::event::{RunEvent, Slot};
use crate::rejection::Refusal;
use crate::text::StepKey;
use crate::transition::Transaction;
use crate::value::Failure;

/// Something that could not be read as a command of its kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    /// The number of the kind that it should have been.
    pub kind: u8,
    /// Why it was refused.
    pub failure: Failure,
}

impl Body for Refused {
    const CODE: u8 = u8::MAX;

    fn code(&self) -> u8 {
        self.kind
    }

    fn check(&self, _: &At<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    /// One that should have closed the run fails it.
    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let Self { kind, failure } = self;
        if kind == 0 {
            close_run::fail(tx, slot, failure);
        } else {
            tx.emit_run(slot, RunEvent::CommandFailed { key, kind, failure });
        }
    }
}
