//! The loop that drives one worker: open a stream, take batches in, run
//! handlers inline, send what is finished, reopen when it breaks.

mod greeting;
mod healing;
mod tasks;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use everturn_proto::v1;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use super::activities::{Ended as AttemptEnded, Running};
use super::context::Piece;
use super::runs::Runs;
use super::session::Session;
use super::{ActivityHandler, HashMap, WorkerBuilder, WorkerOptions};
use crate::Error;
use crate::client::Client;
use crate::retry::Backoff;

use healing::Healing;

const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(50);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(5);
/// Silence that is taken for a dead connection, in ping intervals.
const SILENT_INTERVALS_MAX: u32 = 3;
/// How long the other side may take to end a stream that was half-closed.
const HALF_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Parts of output that may wait for the loop before their activities do.
const OUTPUT_QUEUE: usize = 256;

type Fetched = (v1::WorkflowTask, Result<(), Error>);

/// How a stream ended.
enum Ended {
    Drained,
    Broken(Option<Error>),
}

/// One worker and its stream.
pub(crate) struct Connection {
    client: Client,
    options: WorkerOptions,
    activities: HashMap<String, ActivityHandler>,
    serves_workflows: bool,
    session: Session,
    runs: Runs,
    running: Running,
    outputs: mpsc::Sender<Piece>,
    pieces: mpsc::Receiver<Piece>,
    fetching: FuturesUnordered<BoxFuture<'static, Fetched>>,
    drain_deadline: Option<Instant>,
    /// The stream of now was welcomed.
    was_open: bool,
}

impl Connection {
    pub(crate) fn new(builder: WorkerBuilder) -> Self {
        let (outputs, pieces) = mpsc::channel(OUTPUT_QUEUE);
        Self {
            client: builder.client,
            serves_workflows: !builder.workflows.is_empty(),
            runs: Runs::new(
                builder.workflows,
                builder.options.cached_runs_max,
                builder.options.state_cache_bytes as usize,
            ),
            options: builder.options,
            activities: builder.activities,
            session: Session::new(),
            running: Running::default(),
            outputs,
            pieces,
            fetching: FuturesUnordered::new(),
            drain_deadline: None,
            was_open: false,
        }
    }

    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let mut stop = std::pin::pin!(stop.fuse());
        let mut backoff = Backoff::new(RECONNECT_DELAY_MIN, RECONNECT_DELAY_MAX);
        let mut healing = Healing::new(self.options.connect_timeout);
        loop {
            self.was_open = false;
            let ended = self.serve_stream(stop.as_mut()).await;
            self.runs.clear();
            self.fetching.clear();
            let Ended::Broken(error) = ended else {
                return Ok(());
            };
            if self.was_open {
                backoff.reset();
                healing.is_well();
            }
            if healing.gives_up(error.as_ref(), Instant::now())
                && let Some(error) = error
            {
                return Err(error);
            }
            let cause = error.map_or_else(|| "closed".to_owned(), |it| it.to_string());
            let delay = backoff.delay();
            tracing::warn!(cause, ?delay, "worker stream ended, reconnecting");
            if self.pause(delay, stop.as_mut()).await {
                return Ok(());
            }
        }
    }

    /// Waits before the next stream while activities go on. True when the
    /// worker is drained or its drain time is over.
    async fn pause(
        &mut self,
        delay: Duration,
        mut stop: Pin<&mut impl futures::future::FusedFuture<Output = ()>>,
    ) -> bool {
        let sleep = tokio::time::sleep(delay);
        tokio::pin!(sleep);
        loop {
            if self.is_drained() || self.drain_deadline.is_some_and(|it| it <= Instant::now()) {
                return true;
            }
            tokio::select! {
                () = &mut sleep => return false,
                (token, ended) = self.running.next() => self.report(token, ended),
                Some(piece) = self.pieces.recv() => self.take_pieces(Some(piece), None),
                () = &mut stop => self.begin_drain(),
            }
        }
    }

    fn begin_drain(&mut self) {
        self.session.drain();
        self.drain_deadline = Some(Instant::now() + self.options.drain_timeout);
    }

    fn is_drained(&self) -> bool {
        self.session.is_draining()
            && self.running.is_empty()
            && self.fetching.is_empty()
            && self.session.is_settled()
    }

    fn report(&mut self, token: bytes::Bytes, ended: Option<AttemptEnded>) {
        // What it said belongs before its end.
        self.take_pieces(None, Some(&token));
        match ended {
            Some(ended) => self.session.activity_ended(token, ended),
            None => self.session.activity_dropped(&token),
        }
    }

    /// Takes every part of output that is there. What an attempt says after
    /// its end is dropped: nothing would ever forget it.
    fn take_pieces(&mut self, first: Option<Piece>, ending: Option<&bytes::Bytes>) {
        let mut next = first.or_else(|| self.pieces.try_recv().ok());
        while let Some((token, data)) = next {
            if self.running.contains(&token) || ending == Some(&token) {
                self.session.output(&token, data);
            }
            next = self.pieces.try_recv().ok();
        }
    }

    async fn serve_stream(
        &mut self,
        mut stop: Pin<&mut impl futures::future::FusedFuture<Output = ()>>,
    ) -> Ended {
        // One batch waits while one is written: what ends meanwhile joins the
        // next batch.
        let (sender, receiver) = mpsc::channel(1);
        let tokens = self.begin_stream(&sender);
        let mut inbound = match self.open(receiver).await {
            Ok(inbound) => inbound,
            Err(error) => return Ended::Broken(Some(error)),
        };
        let interval = match self.welcome(&mut inbound, &tokens).await {
            Ok(interval) => interval,
            Err(ended) => return ended,
        };
        self.was_open = true;
        let mut tick = tokio::time::interval_at(Instant::now() + interval, interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut silent_intervals, mut sent_something, mut ping) = (0, false, 0);
        loop {
            if self.is_drained() && !self.session.has_output() {
                drop(sender);
                finish(inbound).await;
                return Ended::Drained;
            }
            let drain_deadline = self.drain_deadline;
            tokio::select! {
                biased;
                message = inbound.message() => match message {
                    Ok(Some(response)) => {
                        silent_intervals = 0;
                        self.take(response).await;
                    }
                    Ok(None) => return Ended::Broken(None),
                    Err(status) => return Ended::Broken(Some(status.into())),
                },
                (token, ended) = self.running.next() => self.report(token, ended),
                Some(piece) = self.pieces.recv() => self.take_pieces(Some(piece), None),
                Some((mut task, fetched)) = self.fetching.next() => self.run_fetched(&mut task, fetched),
                _ = tick.tick() => {
                    silent_intervals += 1;
                    if silent_intervals > SILENT_INTERVALS_MAX {
                        return Ended::Broken(None);
                    }
                    if !std::mem::take(&mut sent_something) {
                        ping += 1;
                        self.session.queue_ping(ping);
                    }
                }
                () = &mut stop => self.begin_drain(),
                () = sleep_until(drain_deadline) => {
                    self.running.abort_all();
                    return Ended::Drained;
                }
                permit = sender.reserve(), if self.session.has_output() => {
                    let Ok(permit) = permit else { return Ended::Broken(None) };
                    permit.send(self.session.take_request());
                    sent_something = true;
                    continue;
                }
            }
            // A busy stream must not keep finished work from leaving.
            if self.session.has_output()
                && let Ok(permit) = sender.try_reserve()
            {
                permit.send(self.session.take_request());
                sent_something = true;
            }
        }
    }
}

/// Lets the server end a stream whose sending side is closed.
async fn finish(mut inbound: tonic::Streaming<v1::WorkResponse>) {
    let rest = async { while let Ok(Some(_)) = inbound.message().await {} };
    if tokio::time::timeout(HALF_CLOSE_TIMEOUT, rest)
        .await
        .is_err()
    {
        tracing::debug!("the coordinator left a finished stream open");
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
