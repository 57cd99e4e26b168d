//! A root in memory, with what the runtime keeps beside the state machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use everturn_engine::event::{Event, RunEvent, Slot, Transition};
use everturn_engine::state::entries::Values;
use everturn_engine::state::root::Root;
use everturn_engine::state::run::Rest;
use everturn_engine::value::{Message, Time};
use everturn_store::{RootRow, StateValue, WaitColumns};
use tokio::sync::oneshot;

use crate::journal::{Entry, Journal, TurnRef};
use crate::map::Map;
use crate::partition::ring::Ring;
use crate::record::RunRecord;
use crate::session::SessionCore;
use crate::stored::{pack, unpack};
use crate::watch::{OutputPosition, Update};

/// A root in memory.
pub(crate) struct Hot {
    pub root: Root,
    /// Journals of the runs held by the root.
    pub journals: Map<Slot, Journal>,
    /// Messages that the view does not hold, oldest first.
    pub messages: Vec<Message>,
    /// Log sequence of the last append that changed it.
    pub applied_sequence: u64,
    /// It changed since it was last written to the view.
    pub dirty: bool,
    /// What changed is on its way to the view.
    pub flushing: bool,
    /// Events recorded since then.
    pub unflushed_events: usize,
    /// When it was last used.
    pub touched: Time,
    /// Sessions that have the run in their cache.
    pub sticky: Map<Slot, Arc<SessionCore>>,
    /// Sessions that run an activity, by run and activity.
    pub holders: Map<(Slot, u64), Arc<SessionCore>>,
    /// Callers that wait for a run to close.
    pub waiters: Map<Slot, Vec<oneshot::Sender<RunRecord>>>,
    /// Partial outputs of running attempts, by run and activity.
    pub outputs: Map<(Slot, u64), Ring>,
    /// Outputs that watchers have something of and of which nothing is here,
    /// since the coordinator was restarted: their end is still to be told.
    pub followed: Map<(Slot, u64), OutputPosition>,
    /// For watchers, once what was recorded last is durable.
    pub told_later: Vec<Update>,
    /// The view is to forget everything below the root.
    pub erased: bool,
    /// How it waits, as the view says.
    pub shown: WaitColumns,
    /// Versions of the values of its state that the view holds.
    pub stored_values: BTreeSet<u64>,
    /// How its runs wait, as far as it was written since it is in memory.
    pub shown_runs: Map<Slot, WaitColumns>,
}

impl Hot {
    /// A root that was just created or loaded.
    pub fn new(root: Root) -> Self {
        let journals = root
            .runs
            .values()
            .map(|run| (run.slot, Journal::after(run.last_event)))
            .collect();
        Self {
            root,
            journals,
            messages: Vec::new(),
            applied_sequence: 0,
            dirty: false,
            flushing: false,
            unflushed_events: 0,
            touched: Time(0),
            sticky: Map::default(),
            holders: Map::default(),
            waiters: Map::default(),
            outputs: Map::default(),
            followed: Map::default(),
            told_later: Vec::new(),
            erased: false,
            shown: WaitColumns::default(),
            stored_values: BTreeSet::new(),
            shown_runs: Map::default(),
        }
    }

    /// A root as the view has it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn stored(row: RootRow) -> Result<Box<Self>, minicbor::decode::Error> {
        let mut values = Values::new();
        for value in &row.values {
            values.insert(value.version, minicbor::decode(&unpack(&value.payload)?)?);
        }
        let root = Root::decode(&unpack(&row.snapshot)?, &values)?;
        let mut hot = Box::new(Self::new(root));
        hot.applied_sequence = row.applied_sequence;
        hot.shown = row.wait;
        hot.stored_values = values.into_keys().collect();
        Ok(hot)
    }

    /// The values of its state that the view does not hold, and the versions of
    /// those that it need not hold any more: once it is written, it does so.
    pub fn changed_values(&mut self) -> (Vec<StateValue>, Vec<u64>) {
        let values = self.root.values();
        let stored = &mut self.stored_values;
        let gone = stored.extract_if(.., |version| !values.contains_key(version));
        let gone = gone.collect();
        let new = values.into_iter().filter(|(it, _)| stored.insert(*it));
        let new = new.map(|(version, value)| StateValue {
            version,
            payload: pack(minicbor::to_vec(&value).expect("writing to memory cannot fail")),
        });
        (new.collect(), gone)
    }

    /// Moves the events of a transition, already folded into the root, into
    /// the journals and the transcript; returns how many there were.
    pub fn record(&mut self, transition: Transition) -> usize {
        let count = transition.events.len();
        self.unflushed_events += count;
        for event in transition.events {
            self.messages.extend(event.added_message().cloned());
            match event {
                Event::Run { slot, id, event } => {
                    self.record_run(transition.time, slot, id, event);
                }
                Event::Erased(_) => self.erase(),
                _ => {}
            }
        }
        count
    }

    fn record_run(&mut self, time: Time, slot: Slot, id: u64, event: RunEvent) {
        match &event {
            RunEvent::ActivityCompleted { activity, .. } => {
                self.holders.remove(&(slot, *activity));
                self.end_output(slot, *activity, false);
            }
            // Those who hold attempts that are over are still to be told, once
            // this is durable.
            RunEvent::ActivityFailed { activity, .. } => {
                self.end_output(slot, *activity, false);
            }
            RunEvent::ActivityAttemptFailed { activity, .. } => {
                self.end_output(slot, *activity, true);
            }
            RunEvent::Closed { .. } => {
                let streams = self.outputs.keys().chain(self.followed.keys());
                let streams = streams.filter(|(run, _)| *run == slot);
                let streams: Vec<u64> = streams.map(|(_, activity)| *activity).collect();
                for activity in streams {
                    self.end_output(slot, activity, false);
                }
            }
            _ => {}
        }
        let turn_ref = match &event {
            RunEvent::Started(started) if started.turn.is_some() => TurnRef::of(&self.root, slot),
            _ => None,
        };
        let entry = Entry {
            id,
            time,
            event,
            turn: None,
            turn_ref: turn_ref.map(Box::new),
        };
        self.journals.entry(slot).or_default().push(entry);
    }

    /// Nothing of what was recorded is kept. Who has something of it is still
    /// to be told, once this is durable.
    fn erase(&mut self) {
        self.journals.clear();
        self.messages.clear();
        self.outputs.clear();
        self.followed.clear();
        self.told_later.clear();
        self.erased = true;
    }

    /// Whether nothing but the view and the task queues need to know it.
    pub fn may_leave(&self, now: Time) -> bool {
        let conversation = self.root.conversation.as_ref();
        let typing = conversation.and_then(|it| it.typing_until);
        let waited_for = self.waiters.values().flatten().any(|w| !w.is_closed());
        let followed = !self.followed.is_empty();
        let types = typing.is_some_and(|until| until > now);
        let is_written = !self.dirty && !self.flushing;
        is_written && self.root.rest() > Rest::Busy && !waited_for && !followed && !types
    }
}

/// Whether a stored root can be read.
///
/// # Errors
/// What is wrong with it.
pub fn verify_root(row: &RootRow) -> Result<(), String> {
    let read = Hot::stored(row.clone());
    read.map(drop)
        .map_err(|error| format!("its state cannot be read: {error}"))
}
