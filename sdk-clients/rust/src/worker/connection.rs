//! The loop that drives one worker: open a stream, take batches in, run
//! handlers inline, send what is finished, reopen when it breaks.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use everturn_proto::v1;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_stream::wrappers::ReceiverStream;

use super::activities::{Attempt, Ended as AttemptEnded, Running};
use super::context::Piece;
use super::runs::Runs;
use super::session::{Rejected, Session};
use super::{ActivityHandler, HashMap, WorkerBuilder, WorkerOptions};
use crate::Error;
use crate::client::Client;
use crate::error::Code;
use crate::payload::failure;
use crate::retry::Backoff;

const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(50);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(5);
/// Silence that is taken for a dead connection, in ping intervals.
const SILENT_INTERVALS_MAX: u32 = 3;
/// How long the other side may take to end a stream that was half-closed.
const HALF_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Parts of output that may wait for the loop before their activities do.
const OUTPUT_QUEUE: usize = 256;
/// Most tokens in a Hello.
const HELLO_TOKENS_MAX: usize = 10_000;

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
}

impl Connection {
    pub(crate) fn new(builder: WorkerBuilder) -> Self {
        let (outputs, pieces) = mpsc::channel(OUTPUT_QUEUE);
        Self {
            client: builder.client,
            serves_workflows: !builder.workflows.is_empty(),
            runs: Runs::new(builder.workflows, builder.options.cached_runs_max),
            options: builder.options,
            activities: builder.activities,
            session: Session::new(),
            running: Running::default(),
            outputs,
            pieces,
            fetching: FuturesUnordered::new(),
            drain_deadline: None,
        }
    }

    pub(crate) async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let mut stop = std::pin::pin!(stop.fuse());
        let mut backoff = Backoff::new(RECONNECT_DELAY_MIN, RECONNECT_DELAY_MAX);
        loop {
            let begin = Instant::now();
            let ended = self.serve_stream(stop.as_mut()).await;
            self.runs.clear();
            self.fetching.clear();
            match ended {
                Ended::Drained => return Ok(()),
                Ended::Broken(Some(error)) if is_fatal(&error) => return Err(error),
                Ended::Broken(error) => {
                    let cause = error.map_or_else(|| "closed".to_owned(), |it| it.to_string());
                    tracing::warn!(cause, "worker stream ended, reconnecting");
                }
            }
            if begin.elapsed() > RECONNECT_DELAY_MAX {
                backoff.reset();
            }
            if self.pause(backoff.delay(), stop.as_mut()).await {
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
                Some(piece) = self.pieces.recv() => self.take_pieces(Some(piece)),
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
        self.take_pieces(None);
        match ended {
            Some(ended) => self.session.activity_ended(token, ended),
            None => self.session.activity_dropped(&token),
        }
    }

    /// Takes every part of output that is there.
    fn take_pieces(&mut self, first: Option<Piece>) {
        let mut next = first.or_else(|| self.pieces.try_recv().ok());
        while let Some((token, data)) = next {
            self.session.output(&token, data);
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
                Some(piece) = self.pieces.recv() => self.take_pieces(Some(piece)),
                Some((task, fetched)) = self.fetching.next() => self.run_fetched(&task, fetched),
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

    /// Resets the session for a new stream and queues the greeting; returns
    /// the tokens that it names, in order.
    fn begin_stream(&mut self, sender: &mpsc::Sender<v1::WorkRequest>) -> Vec<bytes::Bytes> {
        let running = u32::try_from(self.running.len()).unwrap_or(u32::MAX);
        self.session.begin_stream(v1::CreditGrant {
            workflow_count: if self.serves_workflows {
                self.options.workflow_slots
            } else {
                0
            },
            activity_count: if self.activities.is_empty() {
                0
            } else {
                self.options.activity_slots.saturating_sub(running)
            },
        });
        let tokens: Vec<bytes::Bytes> = self
            .running
            .tokens()
            .chain(self.session.unanswered_tokens())
            .take(HELLO_TOKENS_MAX)
            .cloned()
            .collect();
        let subscription = |kind: v1::TaskKind| v1::QueueSubscription {
            task_queue: self.options.task_queue.clone(),
            kind: kind.into(),
            can_reconcile: self.options.can_reconcile && kind == v1::TaskKind::Activity,
        };
        let mut queues = Vec::new();
        if !self.activities.is_empty() {
            queues.push(subscription(v1::TaskKind::Activity));
        }
        if self.serves_workflows {
            queues.push(subscription(v1::TaskKind::Workflow));
        }
        let hello = v1::Hello {
            namespace: self.client.options().namespace.clone(),
            queues,
            identity: self.options.identity.clone(),
            build_id: self.options.build_id.clone(),
            running_task_tokens: tokens.clone(),
        };
        let greeting = v1::WorkRequest {
            hello: Some(hello),
            ..Default::default()
        };
        sender
            .try_send(greeting)
            .expect("the channel is new and has room for one");
        tokens
    }

    async fn open(
        &mut self,
        receiver: mpsc::Receiver<v1::WorkRequest>,
    ) -> Result<tonic::Streaming<v1::WorkResponse>, Error> {
        let timeout = self.client.options().request_timeout;
        let mut workers = self.client.workers();
        let call = workers.work(ReceiverStream::new(receiver));
        match tokio::time::timeout(timeout, call).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(status.into()),
            Err(_) => Err(Error::local(Code::Unavailable, "no answer to Work in time")),
        }
    }

    /// Waits for the Welcome and stops what it says is over.
    async fn welcome(
        &mut self,
        inbound: &mut tonic::Streaming<v1::WorkResponse>,
        tokens: &[bytes::Bytes],
    ) -> Result<Duration, Ended> {
        let timeout = self.client.options().request_timeout;
        let first = tokio::time::timeout(timeout, inbound.message())
            .await
            .map_err(|_| Ended::Broken(None))?
            .map_err(|status| Ended::Broken(Some(status.into())))?
            .ok_or(Ended::Broken(None))?;
        let Some(welcome) = first.welcome else {
            let text = "the first answer on a Work stream was not Welcome";
            return Err(Ended::Broken(Some(Error::local(Code::Internal, text))));
        };
        for index in welcome.aborted_task_indexes {
            if let Some(token) = tokens.get(index as usize) {
                self.running.abort(token, true);
                self.session.forget_activity(token);
            }
        }
        let interval = welcome
            .ping_interval
            .and_then(|it| Duration::try_from(it).ok())
            .filter(|it| !it.is_zero())
            .unwrap_or(Duration::from_secs(10));
        tracing::info!(stream_id = welcome.stream_id, "worker connected");
        Ok(interval)
    }

    /// Takes one batch in.
    async fn take(&mut self, response: v1::WorkResponse) {
        for result_id in response.accepted_result_ids {
            if let Some(run_id) = self.session.accepted(result_id) {
                self.runs.forget(&run_id);
            }
        }
        for rejection in response.rejections {
            tracing::debug!(reason = rejection.reason, "result was not taken");
            match self.session.rejected(rejection) {
                Rejected::Settled => {}
                Rejected::ForgetRun(run_id) => self.runs.forget(&run_id),
                Rejected::Unread {
                    run_id,
                    result,
                    events,
                } => {
                    let again = self.runs.reopen(&run_id, result, &events);
                    self.session.workflow_ended(again, run_id, false);
                }
            }
        }
        for run_id in response.evicted_run_ids {
            self.runs.forget(&run_id);
        }
        for cancel in response.cancels {
            self.running.abort(&cancel.task_token, cancel.fenced);
        }
        for task in response.workflow_tasks {
            self.session.acknowledge(task.delivery_id);
            self.start_workflow_task(task);
        }
        for task in response.activity_tasks {
            self.session.acknowledge(task.delivery_id);
            self.start_activity(task).await;
        }
        if response.ping > 0 {
            self.session.answer_ping(response.ping);
        }
        if response.draining {
            tracing::info!("coordinator is shutting down");
        }
    }

    async fn start_activity(&mut self, task: v1::ActivityTask) {
        let token = task.task_token.clone();
        let Some(handler) = self.activities.get(&task.activity_type) else {
            let text = format!("no activity {} is registered", task.activity_type);
            let outcome = Err(failure("ActivityNotRegistered", text));
            self.session.activity_ended(token, outcome);
            return;
        };
        if self.running.contains(&token) {
            self.session.slot_freed();
            return;
        }
        let Attempt { mut future, usage } = handler(task, &self.outputs);
        match futures::poll!(&mut future) {
            std::task::Poll::Ready(outcome) => {
                let ended = AttemptEnded::new(outcome, usage.as_ref());
                self.report(token, Some(ended));
            }
            std::task::Poll::Pending => {
                self.running.push(token, Attempt { future, usage });
            }
        }
    }

    fn start_workflow_task(&mut self, task: v1::WorkflowTask) {
        let last = task.events.last().map_or(0, |event| event.id);
        if task.last_event_id > last {
            self.fetching
                .push(fetch_journal(self.client.clone(), task).boxed());
        } else {
            self.advance(&task);
        }
    }

    fn run_fetched(&mut self, task: &v1::WorkflowTask, fetched: Result<(), Error>) {
        match fetched {
            Ok(()) => self.advance(task),
            Err(error) => {
                let result = v1::WorkflowTaskResult {
                    task_token: task.task_token.clone(),
                    failure: Some(failure("JournalUnreadable", error.to_string())),
                    ..Default::default()
                };
                self.session
                    .workflow_ended(result, task.run_id.clone(), true);
            }
        }
    }

    fn advance(&mut self, task: &v1::WorkflowTask) {
        let result = self.runs.advance(task);
        self.session
            .workflow_ended(result, task.run_id.clone(), true);
    }
}

/// Reads the rest of a journal that did not fit into its task.
async fn fetch_journal(client: Client, mut task: v1::WorkflowTask) -> Fetched {
    loop {
        let last = task.events.last().map_or(0, |event| event.id);
        if last >= task.last_event_id {
            return (task, Ok(()));
        }
        let request = v1::GetHistoryRequest {
            workflow_id: task.workflow_id.clone(),
            run_id: task.run_id.clone(),
            after_event_id: last,
            ..Default::default()
        };
        match client.history(request).await {
            Ok(page) if page.events.is_empty() => {
                let text = format!("the journal ends at event {last}");
                return (task, Err(Error::local(Code::DataLoss, text)));
            }
            Ok(page) => {
                let last_event_id = task.last_event_id;
                let wanted = page.events.into_iter();
                task.events
                    .extend(wanted.filter(|event| event.id <= last_event_id));
            }
            Err(error) => return (task, Err(error)),
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

/// Errors that a new stream would meet again.
fn is_fatal(error: &Error) -> bool {
    matches!(
        error.code(),
        Code::InvalidArgument
            | Code::Unimplemented
            | Code::Unauthenticated
            | Code::PermissionDenied
    )
}
