//! The fold: how each event changes the state of its root. Total and without
//! choice: what may happen was settled when the event was decided.

mod approval;
mod change;
mod contact;
mod conversation;
mod delivery;
mod done;
mod people;
mod run;
mod turn;

pub(crate) use turn::question_key;

use crate::event::{Event, Tombstone};
use crate::hash::stable_hash;
use crate::limits;
use crate::state::deadlines::Deadlines;
use crate::state::request::Request;
use crate::state::root::{Root, arm_activity};
use crate::state::run::{Activity, Stage};
use crate::text::{StepKey, Text};
use crate::value::{Failure, FailureKind, InboundEvent, MessageContent, Payload, Time};

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
            Event::RequestRemembered { hash, fingerprint } => {
                self.requests.push_back(Request {
                    hash: *hash,
                    fingerprint: *fingerprint,
                });
                if self.requests.len() > limits::REMEMBERED_REQUESTS {
                    self.requests.pop_front();
                }
            }
            Event::Erased(tombstone) => self.erase(*tombstone),
            Event::SettingsChanged(settings) => self.settings = Some(settings.clone()),
            Event::BudgetReached { .. } | Event::BudgetDecided { .. } => {
                self.apply_budget(time, event);
            }
            Event::DeliveryStarted { .. }
            | Event::DeliveryMoved { .. }
            | Event::DeliveryResent { .. } => {
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

/// Hash under which a conversation remembers a message of a provider: their
/// ids are unique in a chat, not in a channel.
#[must_use]
pub(crate) fn message_hash(channel: &Text, address: &Text, provider_message_id: &Text) -> u64 {
    let id = provider_message_id.as_str().as_bytes();
    match address.as_str() {
        "" => stable_hash(&[channel.as_str().as_bytes(), id]),
        address => stable_hash(&[channel.as_str().as_bytes(), address.as_bytes(), id]),
    }
}

/// Hash under which a conversation remembers an event. A channel is never
/// empty, so it is not taken for a message.
#[must_use]
pub(crate) fn event_hash(event: &InboundEvent) -> u64 {
    stable_hash(&[b"", b"event", event.event_id.as_str().as_bytes()])
}

/// Hash of what a message says, beside its annotations; never 0.
#[must_use]
pub(crate) fn content_hash(content: &MessageContent) -> u64 {
    let data = content.data.as_ref();
    let text = content.text.as_str().as_bytes();
    let mut parts = vec![text, data.map_or(&[], |data| &data.data.0[..])];
    let attachments = content.attachments.iter();
    parts.extend(attachments.map(|it| it.uri.as_str().as_bytes()));
    stable_hash(&parts).max(1)
}

/// Hash of what happened; never 0.
#[must_use]
pub(crate) fn payload_hash(payload: &Payload) -> u64 {
    stable_hash(&[&payload.data.0[..]]).max(1)
}

fn activity_mut(root: &mut Root, slot: u32, activity: u64) -> Option<&mut Activity> {
    root.runs.get_mut(&slot)?.activities.get_mut(&activity)
}

/// The failure of a run that was closed from outside.
#[must_use]
pub(crate) fn terminated(reason: &str) -> Failure {
    Failure::new(FailureKind::Terminated, "Terminated", reason)
}
