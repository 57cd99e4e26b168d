//! Watchers of conversations: bounded, and told when they are too slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use everturn_engine::effect::TurnActivity;
use everturn_engine::state::conversation::{Handover, Pause};
use everturn_engine::text::{StepKey, Text, WorkflowId};
use everturn_engine::value::Message;
use tokio::sync::mpsc;

use crate::record::DeliveryRecord;
use crate::typing::Typing;

/// Something that happened in a conversation, after it became durable.
#[derive(Clone, Debug)]
pub enum Update {
    /// A message became part of the transcript; its delivery, if it has one.
    Message(Box<Message>, Option<Box<DeliveryRecord>>),
    /// The delivery of a message changed.
    Delivery(u64, Box<DeliveryRecord>),
    /// Who may act in the conversation changed.
    Changed(Box<Access>),
    /// A piece of partial output; the position is behind it.
    OutputDelta(OutputPosition, Bytes),
    /// Partial output begins anew behind this position.
    OutputReset(OutputPosition),
    /// Partial output has ended at this position.
    OutputEnded(OutputPosition),
    /// The current turn changed; `None`: it ended.
    TurnChanged {
        /// Number of the turn.
        number: u64,
        /// What it is doing.
        activity: Option<TurnActivity>,
    },
    /// Somebody is typing, or has stopped.
    Typing(Typing),
    /// So many updates were left out; messages are in the transcript.
    Lagged(u64),
    /// The conversation was closed.
    Closed {
        /// Why.
        reason: Text,
    },
}

impl Update {
    fn is_output(&self) -> bool {
        matches!(
            self,
            Self::OutputDelta(..) | Self::OutputReset(_) | Self::OutputEnded(_)
        )
    }
}

/// A position in the partial output of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPosition {
    /// The activity.
    pub stream: Arc<StreamName>,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// The last piece; 0 for none.
    pub sequence: u64,
}

/// Names an activity whose output is watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamName {
    /// Workflow id of the run that scheduled it.
    pub workflow_id: WorkflowId,
    /// Its key in that run.
    pub key: StepKey,
}

/// Who may act in a conversation.
#[derive(Clone, Debug)]
pub struct Access {
    /// Set while it is paused.
    pub pause: Option<Pause>,
    /// Set while a person or team owns it.
    pub handover: Option<Handover>,
    /// Its budget is used up.
    pub budget_reached: bool,
}

/// A subscription to the updates of one conversation.
#[derive(Debug)]
pub struct Watch {
    /// The last message that was durable when the watch began.
    pub durable_through: u64,
    /// Why the conversation is closed, if it is.
    pub closed: Option<Text>,
    /// What is to be told first: where partial outputs stand.
    pub outputs: Vec<Update>,
    pub(crate) updates: mpsc::Receiver<Update>,
    pub(crate) skipped: Arc<AtomicU64>,
    pub(crate) _place: Place,
}

impl Watch {
    /// The next update; `None` when the runtime is shutting down, or has taken
    /// the conversation's partition back after a fault: watch again.
    pub async fn next(&mut self) -> Option<Update> {
        if self.updates.is_empty() {
            let skipped = self.skipped.swap(0, Ordering::Relaxed);
            if skipped > 0 {
                return Some(Update::Lagged(skipped));
            }
        }
        self.updates.recv().await
    }
}

/// One watcher's place among the bounded number of them.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    /// Takes a place, if one is free.
    pub fn take(open: &Arc<AtomicUsize>, bound: usize) -> Option<Self> {
        let taken = open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| {
            (count < bound).then_some(count + 1)
        });
        taken.ok().map(|_| Self(Arc::clone(open)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The partition's side of a watch.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub updates: mpsc::Sender<Update>,
    pub skipped: Arc<AtomicU64>,
    /// It wants partial outputs.
    pub outputs: bool,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The watcher has it.
    Taken,
    /// The watcher is behind: it was left out.
    Skipped,
    /// The watcher is gone.
    Gone,
}

impl Watcher {
    /// Hands over an update, or counts it when the watcher is behind.
    pub fn tell(&self, update: &Update) -> Told {
        if self.updates.is_closed() {
            return Told::Gone;
        }
        if !self.outputs && update.is_output() {
            return Told::Taken;
        }
        // Once behind, everything is left out until the watcher caught up:
        // it must not see a later message before an earlier one.
        let behind = self.skipped.load(Ordering::Relaxed) > 0;
        if !behind && self.updates.try_send(update.clone()).is_ok() {
            return Told::Taken;
        }
        self.skipped.fetch_add(1, Ordering::Relaxed);
        Told::Skipped
    }
}
