//! CompleteRun, FailRun, CancelRun: the code of a run has ended.

use crate::command::body::{At, Body};
use crate::decide::closing::close;
use crate::event::{RunStatus, Slot};
use crate::rejection::Refusal;
use crate::text::StepKey;
use crate::transition::Transaction;
use crate::value::{Failure, FailureKind, Outcome, Payload};

/// Close the run: it succeeded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompleteRun {
    /// Its result.
    pub result: Payload,
}

/// Close the run: it failed.
#[derive(Clone, Debug, PartialEq)]
pub struct FailRun {
    /// Why.
    pub failure: Failure,
}

/// Close the run: it stopped because it was asked to.
#[derive(Clone, Debug, PartialEq)]
pub struct CancelRun {
    /// What it says about it.
    pub failure: Option<Failure>,
}

/// The kinds that close a run have no key, so that they share a number.
const CLOSES: u8 = 0;

impl Body for CompleteRun {
    const CODE: u8 = CLOSES;

    fn check(&self, _: &At<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, _: StepKey) {
        let outcome = Outcome::Completed(self.result);
        close(tx, slot, RunStatus::Completed, outcome);
    }
}

impl Body for FailRun {
    const CODE: u8 = CLOSES;

    fn check(&self, _: &At<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, _: StepKey) {
        fail(tx, slot, self.failure);
    }
}

impl Body for CancelRun {
    const CODE: u8 = CLOSES;

    fn check(&self, _: &At<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, _: StepKey) {
        let failure = self.failure.unwrap_or_else(canceled);
        close(tx, slot, RunStatus::Canceled, Outcome::Failed(failure));
    }
}

/// Closes a run as failed.
pub(super) fn fail(tx: &mut Transaction<'_>, slot: Slot, failure: Failure) {
    close(tx, slot, RunStatus::Failed, Outcome::Failed(failure));
}

/// The failure of what was asked to stop.
pub(super) fn canceled() -> Failure {
    Failure::new(FailureKind::Canceled, "Canceled", "canceled on request")
}
