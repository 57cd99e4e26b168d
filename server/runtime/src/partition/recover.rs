//! Taking ownership: view, then the tail of the log on top of it, then the
//! tasks that are due. The same after a start and after a fault.

use std::collections::BTreeSet;
use std::time::Duration;

use everturn_engine::event::{Event, Transition};
use everturn_engine::state::root::Root;
use everturn_engine::text::RootKey;

use crate::error::Error;
use crate::keys::{engine_key, store_key};
use crate::metrics::Metrics;
use crate::partition::Partition;
use crate::partition::batch::{Batch, LOG_FORMAT};
use crate::partition::hot::Hot;
use crate::partition::take_up::TakeUp;
use crate::partition::timers::Scan;
use crate::serving::Trouble;

/// Hashes of existing roots read at once.
const HASHES_PER_PAGE: usize = 100_000;
/// Bytes of log read at once.
const LOG_BYTES: usize = 8 * 1024 * 1024;
/// Bounds of the delay between attempts to take a partition back.
const RELOAD_DELAY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

impl Partition {
    /// Takes ownership and brings the state up to the end of the log.
    pub async fn recover(&mut self) -> Result<(), everturn_store::Error> {
        let store = std::sync::Arc::clone(&self.shared.store);
        let (owner_epoch, last_sequence) = store.acquire(self.number).await?;
        self.owner_epoch = owner_epoch;
        self.sealed_sequence = last_sequence;
        self.context.next_epoch = u64::from(self.owner_epoch) << 32;
        self.restore().await
    }

    /// Brings the state up to the end of the log, without ownership.
    pub(super) async fn restore(&mut self) -> Result<(), everturn_store::Error> {
        let store = std::sync::Arc::clone(&self.shared.store);
        let mut after = None;
        loop {
            let hashes = store
                .root_hashes(self.number, after, HASHES_PER_PAGE)
                .await?;
            after = hashes.last().copied();
            let complete = hashes.len() < HASHES_PER_PAGE;
            self.exists.extend(hashes);
            if complete {
                break;
            }
        }
        let waits = store.count_waits(self.number).await?;
        if let Some(counts) = self.shared.waits.get(self.number as usize) {
            counts.reset(waits);
        }
        let mut sequence = 0;
        loop {
            let rows = store.read_log(self.number, sequence, LOG_BYTES).await?;
            let Some(last) = rows.last() else {
                break;
            };
            sequence = last.sequence;
            for row in &rows {
                self.replay(row.sequence, &row.payload).await?;
            }
        }
        self.context.now = self.clock.now();
        let mut keys: Vec<RootKey> = self.roots.keys().cloned().collect();
        keys.sort_unstable();
        for key in keys {
            self.resume(&key);
        }
        self.take_up = TakeUp::begin();
        Ok(())
    }

    /// Folds one row of the log into the state.
    async fn replay(&mut self, sequence: u64, payload: &[u8]) -> Result<(), everturn_store::Error> {
        let corrupt =
            |cause: String| everturn_store::Error::Corrupt(format!("log row {sequence}: {cause}"));
        let mut transitions = Vec::new();
        let body = match payload.split_first() {
            Some((&LOG_FORMAT, body)) => body,
            Some((version, _)) => return Err(corrupt(format!("unknown format {version}"))),
            None => return Err(corrupt("empty".into())),
        };
        let mut decoder = minicbor::Decoder::new(body);
        while decoder.position() < body.len() {
            let transition: Transition = decoder.decode().map_err(|e| corrupt(e.to_string()))?;
            transitions.push(transition);
        }
        self.load_for_replay(&transitions).await?;
        for transition in transitions {
            self.clock.observe(transition.time);
            self.fold(sequence, transition);
        }
        Ok(())
    }

    async fn load_for_replay(
        &mut self,
        transitions: &[Transition],
    ) -> Result<(), everturn_store::Error> {
        let missing: BTreeSet<&RootKey> = transitions
            .iter()
            .map(|transition| &transition.root)
            .filter(|key| !self.roots.contains_key(*key))
            .collect();
        let keys: Vec<RootKey> = missing.into_iter().cloned().collect();
        let known: Vec<_> = keys
            .iter()
            .map(store_key)
            .filter(|key| self.exists.contains(&key.hash64()))
            .collect();
        if !known.is_empty() {
            for row in self.shared.store.load_roots(self.number, known).await? {
                let key = engine_key(&row.key);
                let hot = Hot::stored(row).map_err(|error| {
                    everturn_store::Error::Corrupt(format!("root {:?}: {error}", key.id))
                })?;
                self.roots.insert(key, hot);
            }
        }
        for key in keys {
            let root = || Box::new(Hot::new(Root::new(key.clone())));
            self.roots.entry(key.clone()).or_insert_with(root);
        }
        Ok(())
    }

    /// Folds a transition, unless the view has it already.
    fn fold(&mut self, sequence: u64, transition: Transition) {
        let key = transition.root.clone();
        let Some(hot) = self.roots.get_mut(&key) else {
            return;
        };
        if hot.applied_sequence >= sequence {
            // Several transitions of one row: `applied_sequence` is set after
            // the row only when it came from the view.
            if !hot.dirty {
                return;
            }
        }
        // One by one: recording looks at the state right after the event.
        for event in transition.events {
            hot.root.apply(transition.time, &event);
            let one: Vec<Event> = vec![event];
            self.unflushed_events += hot.record(Transition {
                root: key.clone(),
                time: transition.time,
                events: one,
            });
        }
        hot.applied_sequence = sequence;
        if !hot.dirty {
            hot.dirty = true;
            self.exists.insert(store_key(&key).hash64());
            self.dirty.push(key);
        }
    }

    /// Drops everything in memory and takes the partition back. Requests wait
    /// in the mailbox meanwhile, up to its bound.
    pub(super) async fn reload(&mut self, cause: everturn_store::Error) {
        let is_shared = self.shared.store.members().is_some();
        if is_shared && matches!(cause, everturn_store::Error::OwnershipLost { .. }) {
            self.turn_everybody_away(&Error::PartitionMoved);
            return self.lose();
        }
        let is_full = matches!(cause, everturn_store::Error::Full(_));
        let error = if is_full {
            self.shared.serving.begin(Trouble::DiskFull(self.number));
            Error::StoreFull
        } else {
            let error = Error::internal(&cause);
            tracing::error!(partition = self.number, %error, "partition is reloaded");
            let reloads = &self.shared.metrics.partition_reloads;
            Metrics::add(reloads, 1);
            Error::PartitionMoved
        };
        self.turn_everybody_away(&error);
        self.take_back_partition().await;
        if self.stopping.is_some() || !self.is_owner() {
            // It was told to stop before it had the partition back, or another
            // node has it.
            return;
        }
        self.shared.serving.end(Trouble::DiskFull(self.number));
        if !is_full {
            tracing::info!(partition = self.number, "partition is back");
        }
    }

    /// Everybody who waits is told why it is in vain.
    fn turn_everybody_away(&mut self, error: &Error) {
        self.abandon(error);
        self.turn_all_away(error);
        self.shared.workers.withdraw(self.number);
    }

    async fn take_back_partition(&mut self) {
        let mut delay = RELOAD_DELAY.0;
        loop {
            self.forget();
            match self.recover().await {
                Ok(()) => {
                    self.note_ownership(true);
                    break;
                }
                Err(everturn_store::Error::Full(_)) => {
                    self.shared.serving.begin(Trouble::DiskFull(self.number));
                    self.forget();
                    if self.serve_reads().await.is_err() {
                        tokio::time::sleep(delay).await;
                    }
                    self.turn_all_away(&Error::StoreFull);
                    if self.stopping.is_some() {
                        self.forget();
                        return;
                    }
                    continue;
                }
                Err(everturn_store::Error::Held { .. }) => return self.lose(),
                Err(error) => {
                    tracing::error!(partition = self.number, %error, "partition cannot be taken");
                    tokio::time::sleep(delay).await;
                    delay = (delay * 2).min(RELOAD_DELAY.1);
                }
            }
            // Whoever wants to stop the node must not wait for the store.
            while let Ok(input) = self.mailbox.try_recv() {
                // Tasks are offered again once the partition is back.
                self.turn_input_away(input);
                if self.stopping.is_some() {
                    return;
                }
            }
        }
    }

    pub(super) fn forget(&mut self) {
        self.internal = futures::stream::FuturesUnordered::new();
        self.roots.clear();
        // What they were to be told next may be durable and is not told again:
        // they connect again, and are caught up.
        self.watchers.clear();
        self.exists.clear();
        self.offered.clear();
        self.loading.clear();
        self.load_queue.clear();
        self.journals_wanted.clear();
        self.take_up = TakeUp::default();
        self.timers.clear();
        self.batch = Batch::default();
        self.in_flight = None;
        self.lazy_until = None;
        self.dirty.clear();
        self.unflushed_events = 0;
        self.cycle = None;
        self.chunk = None;
        self.chunk_in_flight = false;
        self.idle.clear();
        self.queued.clear();
        self.scan = Scan::default();
        self.output.events.clear();
        self.output.effects.clear();
        self.next_scan = tokio::time::Instant::now();
    }
}
