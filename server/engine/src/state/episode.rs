//! Episodes: a turn that was superseded or failed, and those that take up what
//! it was given. They share the idempotency keys of their steps, and each is
//! told what the ones before it have done.

use minicbor::{Decode, Encode};

use crate::limits;
use crate::text::{StepKey, Text};
use crate::value::{Failure, Outcome, Payload, Time};

/// What a turn leaves to the one that takes up its work.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Episode {
    /// Number of its first turn.
    #[n(0)]
    pub first: u64,
    /// When that started.
    #[n(1)]
    pub since: Time,
    /// How often its turns were interrupted.
    #[n(2)]
    pub interrupts: u32,
    /// What its turns have done, oldest first.
    #[n(3)]
    pub steps: Vec<DoneStep>,
}

/// A step of a turn that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DoneStep {
    /// Number of the turn.
    #[n(0)]
    pub turn: u64,
    /// Its key.
    #[n(1)]
    pub key: StepKey,
    /// What it was.
    #[n(2)]
    pub kind: DoneKind,
    /// Name of the activity; empty for the others.
    #[n(3)]
    pub name: Text,
    /// How it ended; `None`: nobody knows.
    #[n(4)]
    pub outcome: Option<Outcome>,
    /// Its result is not kept: it would be too large.
    #[n(5)]
    pub is_cut: bool,
}

/// What a step was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum DoneKind {
    /// An activity.
    #[n(1)]
    Activity,
    /// A child workflow.
    #[n(2)]
    Child,
    /// A step inside the worker.
    #[n(3)]
    Local,
}

/// Adds a step; what is beyond the bounds loses its result, or is forgotten.
pub(in crate::state) fn push(steps: &mut Vec<DoneStep>, mut step: DoneStep) {
    let kept: usize = steps.iter().map(bytes).sum();
    if kept + bytes(&step) > limits::EPISODE_BYTES {
        step.is_cut = true;
        step.outcome = match step.outcome {
            Some(Outcome::Failed(failure)) => Some(Outcome::Failed(Failure {
                details: None,
                cause: None,
                more_causes: Vec::new(),
                stack_trace: Text::default(),
                ..failure
            })),
            Some(Outcome::Completed(_)) => Some(Outcome::Completed(Payload::default())),
            None => None,
        };
    }
    if steps.len() >= limits::EPISODE_STEPS {
        steps.remove(0);
    }
    steps.push(step);
}

fn bytes(step: &DoneStep) -> usize {
    match &step.outcome {
        Some(Outcome::Completed(result)) => result.size_bytes(),
        Some(Outcome::Failed(failure)) => {
            failure.message.as_str().len() + failure.stack_trace.as_str().len()
        }
        None => 0,
    }
}
