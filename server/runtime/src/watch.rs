//! Watchers of conversations: bounded, and told when they are too slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use everturn_engine::effect::TurnActivity;
use everturn_engine::text::Text;
use everturn_engine::value::Message;
use tokio::sync::mpsc;

/// Something that happened in a conversation, after it became durable.
#[derive(Clone, Debug)]
pub enum Update {
    /// A message became part of the transcript.
    Message(Box<Message>),
    /// The current turn changed; `None`: it ended.
    TurnChanged {
        /// Number of the turn.
        number: u64,
        /// What it is doing.
        activity: Option<TurnActivity>,
    },
    /// So many updates were left out; messages are in the transcript.
    Lagged(u64),
    /// The conversation was closed.
    Closed {
        /// Why.
        reason: Text,
    },
}

/// A subscription to the updates of one conversation.
#[derive(Debug)]
pub struct Watch {
    /// The last message that was durable when the watch began.
    pub durable_through: u64,
    /// Why the conversation is closed, if it is.
    pub closed: Option<Text>,
    pub(crate) updates: mpsc::Receiver<Update>,
    pub(crate) skipped: Arc<AtomicU64>,
    pub(crate) _place: Place,
}

impl Watch {
    /// The next update; `None` when the runtime is shutting down.
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
