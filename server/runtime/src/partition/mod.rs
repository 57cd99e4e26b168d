//! A partition: the one loop that owns a share of all roots. It takes
//! requests, decides them in memory, collects while the previous append is
//! under way, appends everything at once and carries out effects only after
//! that.

mod batch;
mod deferred;
mod effects;
mod flush;
mod hot;
mod idle;
mod journals;
mod leave;
mod load;
mod outputs;
mod ownership;
mod parked;
mod read_only;
mod recover;
mod results;
mod ring;
mod take_up;
mod timers;
mod visit;
mod work;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use everturn_engine::text::RootKey;
use everturn_engine::transition::{Context, Output};
use everturn_engine::value::{Span, Time};
use everturn_store::{DuePage, Store};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::assignments::{Assigned, Workers};
use crate::clock::LogClock;
use crate::cluster::LeaseClock;
use crate::map::{Map, Set};
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::serving::Serving;
use crate::session::Reporter;
use crate::task::{OutputPiece, TaskResult};
use crate::task_ref::TaskRef;
use crate::waiting::Counts;
use crate::watch::Watcher;

use batch::Batch;
use deferred::Deferred;
use flush::{Chunk, FlushCycle};
use hot::Hot;
pub use hot::verify_root;
use idle::Idle;
use journals::JournalWanted;
use parked::Parked;
use take_up::TakeUp;
use timers::{Scan, Timers};
pub(crate) use visit::{Scope, Visit};

/// Inputs taken from the mailbox before the batch is offered to the log.
const INPUTS_PER_ROUND: usize = 512;
/// How long a start of an activity may wait for company in the log.
const LAZY_DELAY: Duration = Duration::from_millis(20);

/// What a partition can be asked.
pub(crate) enum Input {
    /// Change or read one root.
    Visit(Visit),
    /// Results that one worker reported together.
    Results(Reporter, Vec<TaskResult>),
    /// Partial outputs of attempts; whether each attempt is current goes back.
    Outputs(Vec<OutputPiece>, Option<oneshot::Sender<Vec<bool>>>),
    /// Tasks that were given to sessions.
    Assigned(Vec<Assigned>),
    /// Tasks whose workers went away.
    Lost(Vec<TaskRef>),
    /// Tasks that never reached their workers: offer them again.
    Undelivered(Vec<TaskRef>),
    /// Take the partition, which nobody has.
    Take,
    /// Look whether it is still ours.
    Look,
    /// Write everything to the view and stop.
    Stop(oneshot::Sender<()>),
}

/// Work under way outside of the loop that comes back into it.
enum Internal {
    Appended(Result<(), everturn_store::Error>),
    Loaded(
        Vec<RootKey>,
        Result<Vec<everturn_store::RootRow>, everturn_store::Error>,
    ),
    Flushed(Result<(), everturn_store::Error>),
    /// Roots with deadlines.
    Due(Result<DuePage, everturn_store::Error>),
    /// Roots with something to do.
    Work(DuePage),
}

/// What all partitions of a node share.
pub(crate) struct Shared {
    pub store: Arc<dyn Store>,
    pub workers: Workers,
    pub metrics: Metrics,
    pub options: Options,
    /// How many roots wait, by partition.
    pub waits: Vec<Counts>,
    /// Whether this node can serve.
    pub serving: Serving,
    /// Until when it may answer without asking the store.
    pub lease: LeaseClock,
    /// Under which epochs it owns partitions, as far as it knows; 0: not at all.
    pub owned: Vec<AtomicU32>,
    /// Another process has this node's place.
    pub replaced: CancellationToken,
    /// How much memory is used.
    pub memory: Memory,
    /// Mailboxes of all partitions, by number.
    pub mailboxes: Vec<mpsc::Sender<Input>>,
}

/// The state of the loop.
pub(crate) struct Partition {
    number: u32,
    shared: Arc<Shared>,
    mailbox: mpsc::Receiver<Input>,
    internal: FuturesUnordered<BoxFuture<'static, Internal>>,
    clock: LogClock,
    context: Context,
    output: Output,
    owner_epoch: u32,

    roots: Map<RootKey, Box<Hot>>,
    /// Hashes of all roots that exist, so that a new one needs no look-up.
    exists: Set<u64>,
    /// Hashes of those that left memory while their tasks were in the queues.
    offered: Set<u64>,
    loading: Map<RootKey, Vec<Parked>>,
    load_queue: Vec<RootKey>,
    /// Journals that tasks need and that are to be read together.
    journals_wanted: Vec<JournalWanted>,
    take_up: TakeUp,
    /// Tasks that wait until memory is no longer full.
    deferred: Deferred,
    /// They are being begun.
    letting_go: bool,
    watchers: Map<RootKey, Vec<Watcher>>,
    timers: Timers,

    batch: Batch,
    in_flight: Option<Batch>,
    /// Sequence of the last append that was sent off.
    sealed_sequence: u64,
    lazy_until: Option<tokio::time::Instant>,
    append_started: tokio::time::Instant,

    dirty: Vec<RootKey>,
    unflushed_events: usize,
    cycle: Option<FlushCycle>,
    chunk: Option<Chunk>,
    chunk_in_flight: bool,
    next_flush: tokio::time::Instant,
    next_scan: tokio::time::Instant,
    scan: Scan,
    /// Roots that may leave once they were not used for a while.
    idle: Idle,
    /// Those whose work was in the task queues when they were noted.
    queued: Idle,
    next_leave: tokio::time::Instant,
    stopping: Option<oneshot::Sender<()>>,
    /// The disk is full: nothing may change.
    is_read_only: bool,
    /// Lag and roots in memory as the gauges last showed them.
    shown_gauges: (u64, u64),
}

impl Partition {
    /// A partition that owns nothing yet.
    pub fn new(number: u32, shared: Arc<Shared>, mailbox: mpsc::Receiver<Input>) -> Self {
        let task_timeout = shared.options.workflow_task_timeout.as_micros();
        let now = tokio::time::Instant::now();
        Self {
            number,
            mailbox,
            internal: FuturesUnordered::new(),
            clock: LogClock::new(shared.options.clock.clone()),
            context: Context {
                now: Time(0),
                next_epoch: 0,
                seed: shared.options.seed.map_or_else(rand::random, |seed| {
                    seed.wrapping_add(u64::from(number) << 32)
                }),
                task_timeout: Span(i64::try_from(task_timeout).unwrap_or(i64::MAX)),
            },
            output: Output::default(),
            owner_epoch: 0,
            roots: Map::default(),
            exists: Set::default(),
            offered: Set::default(),
            loading: Map::default(),
            load_queue: Vec::new(),
            journals_wanted: Vec::new(),
            take_up: TakeUp::default(),
            deferred: Deferred::default(),
            letting_go: false,
            watchers: Map::default(),
            timers: Timers::default(),
            batch: Batch::default(),
            in_flight: None,
            sealed_sequence: 0,
            lazy_until: None,
            append_started: now,
            dirty: Vec::new(),
            unflushed_events: 0,
            cycle: None,
            chunk: None,
            chunk_in_flight: false,
            next_flush: now + shared.options.flush_interval,
            next_scan: now,
            scan: Scan::default(),
            idle: Idle::default(),
            queued: Idle::default(),
            next_leave: now,
            stopping: None,
            is_read_only: false,
            shown_gauges: (0, 0),
            shared,
        }
    }

    /// Runs until it is told to stop and everything is in the view.
    pub async fn run(mut self) {
        while self.stopping.is_none() {
            if self.is_owner() {
                self.serve().await;
            } else if self.mailbox.is_closed() {
                break;
            } else {
                self.wait_to_own().await;
            }
        }
        if let Some(done) = self.stopping.take() {
            // The one who asked may have given up waiting.
            let _ = done.send(());
        }
    }

    /// Serves as the owner until it is told to stop and everything is in the
    /// view, or another node is the owner.
    async fn serve(&mut self) {
        loop {
            let outcome = AssertUnwindSafe(self.round());
            let outcome = futures::FutureExt::catch_unwind(outcome).await;
            match outcome {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return self.give_away().await,
                Ok(Err(error)) => self.reload(error).await,
                Err(_) => {
                    let cause = everturn_store::Error::Other("a decider panicked".to_owned());
                    self.reload(cause).await;
                }
            }
            if !self.is_owner() {
                return;
            }
        }
    }

    /// One round: wait, take what is there, decide, send off. False at the end.
    async fn round(&mut self) -> Result<bool, everturn_store::Error> {
        self.wait().await?;
        if !self.is_owner() {
            return Err(self.lost_ownership());
        }
        let mut taken = 0;
        while taken < INPUTS_PER_ROUND && self.takes_inputs() {
            let Ok(input) = self.mailbox.try_recv() else {
                break;
            };
            self.take(input);
            taken += 1;
        }
        self.advance();
        Ok(!self.is_finished())
    }

    /// Waits for the next thing to do and does it.
    async fn wait(&mut self) -> Result<(), everturn_store::Error> {
        let wake = self.next_wake();
        let open = self.takes_inputs();
        let is_leased = self.shared.lease.is_valid();
        if !self.is_owner() {
            return Err(self.lost_ownership());
        }
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            biased;
            Some(internal) = self.internal.next(), if !self.internal.is_empty() => {
                self.come_back(internal)?;
            }
            input = self.mailbox.recv(), if open => match input {
                Some(input) => self.take(input),
                None => {
                    let (done, _) = oneshot::channel();
                    self.stopping.get_or_insert(done);
                }
            },
            () = shared.lease.renewed(), if !is_leased => {}
            () = tokio::time::sleep_until(wake) => {}
        }
        Ok(())
    }

    /// Whether it takes more: not while the batch is full, and not while another
    /// node may be the owner, when even what is known may be out of date.
    fn takes_inputs(&self) -> bool {
        self.batch.bytes.len() < self.shared.options.append_bytes
            && self.shared.lease.is_valid()
            && self.is_owner()
    }

    fn take(&mut self, input: Input) {
        self.context.now = self.clock.now();
        match input {
            Input::Visit(visit) => self.visit(visit),
            Input::Results(reporter, results) => self.take_results(&reporter, results),
            Input::Outputs(pieces, caller) => {
                let taken = self.take_outputs(pieces);
                if let Some(caller) = caller {
                    // A caller that went away needs no answer.
                    let _ = caller.send(taken);
                }
            }
            Input::Assigned(assigned) => self.begin_all(assigned),
            Input::Lost(tasks) => self.lose_all(tasks),
            Input::Undelivered(tasks) => self.offer_again(tasks),
            Input::Take | Input::Look => {}
            Input::Stop(done) => self.stopping = Some(done),
        }
    }

    fn come_back(&mut self, internal: Internal) -> Result<(), everturn_store::Error> {
        self.context.now = self.clock.now();
        match internal {
            Internal::Appended(result) => self.appended(result),
            Internal::Loaded(keys, rows) => {
                self.loaded(keys, rows);
                Ok(())
            }
            Internal::Flushed(result) => self.flushed(result),
            Internal::Due(due) => {
                self.scanned(due);
                Ok(())
            }
            Internal::Work(page) => {
                self.work_found(page);
                Ok(())
            }
        }
    }

    /// What is to be done in every round.
    fn advance(&mut self) {
        self.context.now = self.clock.now();
        self.meet_timers();
        self.take_up_work();
        self.begin_deferred();
        self.start_loads();
        self.read_journals();
        self.seal();
        self.advance_flush();
        self.let_go();
        self.show_gauges();
    }

    /// The gauges add up over all partitions.
    fn show_gauges(&mut self) {
        let metrics = &self.shared.metrics;
        let now = (self.unflushed_events as u64, self.roots.len() as u64);
        let shown = std::mem::replace(&mut self.shown_gauges, now);
        // Wraps around for a decrease, which adds up all the same.
        Metrics::add(&metrics.view_lag_events, now.0.wrapping_sub(shown.0));
        Metrics::add(&metrics.hot_roots, now.1.wrapping_sub(shown.1));
    }

    fn is_finished(&self) -> bool {
        self.stopping.is_some()
            && self.in_flight.is_none()
            && self.batch.is_empty()
            && self.cycle.is_none()
            && self.dirty.is_empty()
            && self.loading.is_empty()
    }

    /// When to wake if nothing comes in.
    fn next_wake(&self) -> tokio::time::Instant {
        let mut wake = self.next_leave;
        if matches!(self.scan, Scan::Done) {
            wake = wake.min(self.next_scan);
        }
        // What waits for the store is woken by its answer, not by the clock:
        // a time in the past would keep the loop spinning.
        if self.cycle.is_none() {
            wake = wake.min(self.next_flush);
        }
        if let Some(look) = self.deferred.next_look() {
            wake = wake.min(look);
        }
        if let Some(chunk) = self.next_chunk() {
            wake = wake.min(chunk);
        }
        if let Some(at) = self.timers.next() {
            let now = self.clock.peek();
            let delay = Duration::from_micros(at.since(now).0.unsigned_abs());
            wake = wake.min(tokio::time::Instant::now() + delay);
        }
        if let Some(lazy) = self.lazy_until
            && self.in_flight.is_none()
        {
            wake = wake.min(lazy);
        }
        wake
    }
}

#[cfg(test)]
mod tests;
