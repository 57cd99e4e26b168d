//! The fold: how each event changes the state of its root. Total and without
//! choice: what may happen was settled when the event was decided.

mod approval;
mod conversation;
mod delivery;
mod run;
mod turn;

use crate::event::{Event, Tombstone};
use crate::hash::stable_hash;
use crate::limits;
use crate::state::deadlines::Deadlines;
use crate::state::root::{Root, arm_activity};
use crate::state::run::{Activity, Stage};
use crate::text::{StepKey, Text};
use crate::value::{Failure, FailureKind, InboundEvent, Message, Time};

impl Root {
    /// Folds one event into the state.
    pub fn apply(&mut self, time: Time, event: &Event) {
        if !self.exists() {
            self.created = time;
        }
        self.updated = time;
        match event {
            Event::Run { slot, id, event } => self.apply_run(time, *slot, *id, event),
            Event::ActivityStarted {
                slot,
                activity,
                attempt,
                epoch,
                worker,
            } => {
                let Some(pending) = activity_mut(self, *slot, *activity) else {
                    return;
                };
                pending.attempt = *attempt;
                pending.heard = time;
                pending.blocked_stack = Text::default();
                pending.stage = Stage::Started {
                    at: time,
                    epoch: *epoch,
                    worker: worker.clone(),
                };
                self.rearm(*slot, *activity);
            }
            Event::TaskCompleted { slot, seen } => {
                if let Some(run) = self.runs.get_mut(slot) {
                    run.seen = run.seen.max(*seen);
                    run.rested = time;
                }
            }
            Event::RequestRemembered { hash } => {
                self.requests.push_back(*hash);
                if self.requests.len() > limits::REMEMBERED_REQUESTS {
                    self.requests.pop_front();
                }
            }
            Event::Erased(tombstone) => self.erase(*tombstone),
            Event::SettingsChanged(settings) => self.settings = Some(settings.clone()),
            Event::BudgetReached { .. } | Event::BudgetDecided { .. } => {
                self.apply_budget(time, event);
            }
            Event::DeliveryStarted { .. } | Event::DeliveryMoved { .. } => {
                self.apply_delivery(time, event);
            }
            conversation => self.apply_conversation(time, conversation),
        }
    }

    /// Forgets everything but that there was something.
    fn erase(&mut self, tombstone: Tombstone) {
        self.conversation = None;
        self.runs.clear();
        self.main = None;
        self.requests.clear();
        self.labels.clear();
        self.approvals.clear();
        self.forgotten_approvals.clear();
        self.deadlines = Deadlines::default();
        self.tombstone = Some(tombstone);
    }

    pub(crate) fn rearm(&mut self, slot: u32, activity: u64) {
        let pending = self
            .runs
            .get(&slot)
            .and_then(|r| r.activities.get(&activity));
        if let Some(pending) = pending {
            arm_activity(&mut self.deadlines, slot, activity, pending);
        }
    }
}

/// Hash under which a run remembers a command's key.
#[must_use]
pub(crate) fn key_hash(key: &StepKey) -> u64 {
    stable_hash(&[key.as_str().as_bytes()])
}

/// Hash under which a run remembers that a command failed because its key is
/// another kind's.
#[must_use]
pub(crate) fn kind_hash(key: &StepKey, kind: u8) -> u64 {
    stable_hash(&[key.as_str().as_bytes(), &[kind]])
}

/// Hash under which a conversation remembers an inbound message.
#[must_use]
pub(crate) fn message_hash(message: &Message) -> u64 {
    stable_hash(&[
        message.channel.as_str().as_bytes(),
        message.provider_message_id.as_str().as_bytes(),
    ])
}

/// Hash under which a conversation remembers an event. A channel is never
/// empty, so it is not taken for a message.
#[must_use]
pub(crate) fn event_hash(event: &InboundEvent) -> u64 {
    stable_hash(&[b"", b"event", event.event_id.as_str().as_bytes()])
}

fn activity_mut(root: &mut Root, slot: u32, activity: u64) -> Option<&mut Activity> {
    root.runs.get_mut(&slot)?.activities.get_mut(&activity)
}

/// The failure of a run that was closed from outside.
#[must_use]
pub(crate) fn terminated(reason: &str) -> Failure {
    Failure::new(FailureKind::Terminated, "Terminated", reason)
}
