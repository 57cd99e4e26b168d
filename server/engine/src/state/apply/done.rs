//! What a turn has done, as it is told to the one that takes up its work.

use crate::event::{RunEvent, Slot};
use crate::state::episode::{DoneKind, DoneStep, push};
use crate::state::root::Root;
use crate::state::run::{Run, Stage};
use crate::text::{StepKey, Text};
use crate::value::Outcome;

impl Root {
    /// Notes the end of a step of the current turn. Before the event is
    /// folded: what it ends is still there.
    pub(super) fn note_done(&mut self, slot: Slot, event: &RunEvent) {
        let Some(turn) = self.conversation.as_mut().and_then(|c| c.turn.as_mut()) else {
            return;
        };
        let Some(run) = self.runs.get(&slot).filter(|_| turn.slot == slot) else {
            return;
        };
        let number = turn.number;
        if let RunEvent::Closed { .. } = event {
            for step in unknown(run) {
                push(
                    &mut turn.steps,
                    DoneStep {
                        turn: number,
                        ..step
                    },
                );
            }
        } else if let Some(step) = ended(run, event) {
            push(
                &mut turn.steps,
                DoneStep {
                    turn: number,
                    ..step
                },
            );
        }
    }
}

/// The step that an event of a run ends.
fn ended(run: &Run, event: &RunEvent) -> Option<DoneStep> {
    let activity = |id: &u64| {
        let pending = run.activities.get(id);
        pending.map_or(Text::default(), |it| it.activity_type.as_str().into())
    };
    match event {
        RunEvent::ActivityCompleted {
            activity: id,
            key,
            result,
            ..
        } => {
            let outcome = Outcome::Completed(result.clone());
            Some(step(key, DoneKind::Activity, activity(id), Some(outcome)))
        }
        // One that never began has done nothing.
        RunEvent::ActivityFailed {
            activity: id,
            key,
            failure,
            attempt,
            ..
        } if *attempt > 0 => {
            let outcome = Outcome::Failed(failure.clone());
            Some(step(key, DoneKind::Activity, activity(id), Some(outcome)))
        }
        RunEvent::ChildClosed { key, outcome, .. } => {
            let outcome = outcome.clone();
            Some(step(key, DoneKind::Child, Text::default(), Some(outcome)))
        }
        RunEvent::LocalRecorded { key, outcome, .. } => {
            let outcome = outcome.clone();
            Some(step(key, DoneKind::Local, Text::default(), Some(outcome)))
        }
        _ => None,
    }
}

/// The steps of a run that began and whose end is not known when it closes.
fn unknown(run: &Run) -> Vec<DoneStep> {
    let begun = run
        .activities
        .values()
        .filter(|activity| activity.attempt > 1 || matches!(activity.stage, Stage::Started { .. }));
    let activities = begun.map(|activity| {
        let name = activity.activity_type.as_str().into();
        step(&activity.key, DoneKind::Activity, name, None)
    });
    let children = run
        .children
        .values()
        .map(|child| step(&child.key, DoneKind::Child, Text::default(), None));
    activities.chain(children).collect()
}

fn step(key: &StepKey, kind: DoneKind, name: Text, outcome: Option<Outcome>) -> DoneStep {
    DoneStep {
        turn: 0,
        key: key.clone(),
        kind,
        name,
        outcome,
        is_cut: false,
    }
}
