//! Work: a worker's session. This side reads: credits, acknowledgements,
//! results, heartbeats. `answers` writes.

use std::sync::Arc;
use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::decide::Beat;
use everturn_engine::limits;
use everturn_proto::v1 as pb;
use everturn_proto::v1::ErrorReason;
use everturn_runtime::Session;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Response, Status, Streaming};

use crate::incoming::rejection_of;
use crate::transport_errors::translate;
use crate::worker::answers::{Answers, Control, answers};
use crate::worker::{Workers, hello};
use crate::{error, incoming};

/// Answers of the reading side that may wait for the writing side.
const CONTROLS: usize = 1_024;
/// Intervals without a word after which a worker counts as gone.
const SILENT_INTERVALS: u32 = 3;

pub(super) async fn call(
    service: &Workers,
    mut requests: Streaming<pb::WorkRequest>,
) -> Result<Response<Answers>, Status> {
    let message_bytes = service.options.message_bytes;
    let first = tokio::time::timeout(service.options.hello_timeout, requests.message());
    let mut first = match first.await {
        Ok(Ok(Some(first))) => first,
        Ok(Ok(None)) => return Err(violation("the stream ended before Hello")),
        Ok(Err(status)) => return Err(translate(status, message_bytes)),
        Err(_) => return Err(violation("Hello did not come in time")),
    };
    let hello = first.hello.take();
    let (session, welcome) = hello::open(&service.handle, hello).await?;
    tracing::debug!(session = session.id(), "worker connected");
    let session = Arc::new(session);
    let (controls, written) = mpsc::channel(CONTROLS);
    let over = CancellationToken::new();
    let reader = Reader {
        session: Arc::clone(&session),
        controls,
        silence: service.handle.options().ping_interval * SILENT_INTERVALS,
        message_bytes,
    };
    if let Some(credits) = first.credits.take() {
        reader.grant(credits)?;
    }
    tokio::spawn(reader.run(first, requests, over.clone()));
    Ok(Response::new(answers(
        session,
        welcome,
        written,
        over.drop_guard(),
        message_bytes,
    )))
}

fn violation(message: &str) -> Status {
    error::status(
        Code::InvalidArgument,
        ErrorReason::ProtocolViolation,
        message,
    )
}

/// The reading side of a session.
struct Reader {
    session: Arc<Session>,
    controls: mpsc::Sender<Control>,
    silence: Duration,
    message_bytes: usize,
}

impl Reader {
    /// Reads until the worker ends its side, breaks the protocol, falls
    /// silent, or the writing side is gone.
    async fn run(
        self,
        first: pb::WorkRequest,
        mut requests: Streaming<pb::WorkRequest>,
        over: CancellationToken,
    ) {
        // What came with Hello counts like what comes after it.
        let mut taken = self.take(first).await;
        let end = loop {
            if let Err(status) = taken {
                break Some(status);
            }
            let next = tokio::select! {
                () = over.cancelled() => return,
                next = tokio::time::timeout(self.silence, requests.message()) => next,
            };
            taken = match next {
                Ok(Ok(Some(request))) => self.take(request).await,
                Ok(Ok(None)) => break None,
                Ok(Err(status)) => Err(translate(status, self.message_bytes)),
                Err(_) => {
                    tracing::info!(
                        session = self.session.id(),
                        "worker is silent, session closed"
                    );
                    Err(Status::deadline_exceeded(
                        "no word from the worker in three intervals",
                    ))
                }
            };
        };
        // The writing side may be gone already.
        let _ = self.controls.send(Control::End(end)).await;
    }

    async fn take(&self, request: pb::WorkRequest) -> Result<(), Status> {
        if request.hello.is_some() {
            return Err(violation("Hello comes once, as the first message"));
        }
        if !request.acked_delivery_ids.is_empty() {
            self.session.ack(&request.acked_delivery_ids);
        }
        // Before results: what an attempt said belongs before its end.
        if !request.outputs.is_empty() {
            self.outputs(request.outputs).await;
        }
        let count = request.activity_results.len() + request.workflow_task_results.len();
        if count > 0 {
            self.report(
                request.activity_results,
                request.workflow_task_results,
                count,
            )
            .await;
        }
        if let Some(credits) = request.credits {
            self.grant(credits)?;
        }
        if !request.heartbeats.is_empty() {
            self.heartbeats(request.heartbeats).await;
        }
        if request.ping != 0 {
            self.control(Control::Pong(request.ping)).await;
        }
        if request.draining {
            self.session.drain();
        }
        Ok(())
    }

    fn grant(&self, credits: pb::CreditGrant) -> Result<(), Status> {
        for (kind, count) in [
            (TaskKind::Workflow, credits.workflow_count),
            (TaskKind::Activity, credits.activity_count),
        ] {
            if count > 0 {
                let granted = self.session.grant(kind, count);
                granted.map_err(|error| error::refused(&error))?;
            }
        }
        Ok(())
    }

    async fn report(
        &self,
        activities: Vec<pb::ActivityResult>,
        tasks: Vec<pb::WorkflowTaskResult>,
        count: usize,
    ) {
        let mut results = Vec::with_capacity(count);
        let activities = activities
            .into_iter()
            .map(|value| (value.result_id, incoming::activity_result(value)));
        let tasks = tasks
            .into_iter()
            .map(|value| (value.result_id, incoming::workflow_task_result(value)));
        for (result_id, parsed) in activities.chain(tasks) {
            match parsed {
                Ok(result) => results.push(result),
                Err(invalid) => {
                    let rejection = rejection_of(result_id, invalid);
                    self.control(Control::Reject(rejection)).await;
                }
            }
        }
        self.session.report(results).await;
    }

    async fn outputs(&self, outputs: Vec<pb::ActivityOutput>) {
        let mut pieces = Vec::with_capacity(outputs.len());
        for output in outputs {
            let task_token = output.task_token.clone();
            match incoming::output_piece(output) {
                Ok(piece) => pieces.push(piece),
                Err(invalid) => {
                    tracing::debug!(
                        session = self.session.id(),
                        message = invalid.message,
                        "output refused"
                    );
                    let cancel = pb::ActivityCancel {
                        task_token,
                        fenced: true,
                    };
                    self.control(Control::Cancel(cancel)).await;
                }
            }
        }
        self.session.outputs(pieces).await;
    }

    async fn heartbeats(&self, beats: Vec<pb::ActivityHeartbeat>) {
        let mut parsed = Vec::with_capacity(beats.len());
        for beat in beats {
            let mut checker = crate::checker::Checker::default();
            let path = crate::checker::Path::field("details");
            let details = incoming::optional_payload(&mut checker, path, beat.details);
            match incoming::activity_token(&beat.task_token) {
                // Details that are too large are left out; it is alive.
                Ok((root, token)) => {
                    let details = details.filter(|_| checker.is_clean());
                    let stack = incoming::cut(beat.blocked_stack, limits::FAILURE_STACK_BYTES);
                    let beat = Beat {
                        details,
                        blocked_stack: stack.into(),
                    };
                    parsed.push((root, token, beat));
                }
                Err(_) => {
                    let cancel = pb::ActivityCancel {
                        task_token: beat.task_token,
                        fenced: true,
                    };
                    self.control(Control::Cancel(cancel)).await;
                }
            }
        }
        self.session.heartbeats(parsed).await;
    }

    async fn control(&self, control: Control) {
        // Fails only when the writing side is gone; then this one ends too.
        let _ = self.controls.send(control).await;
    }
}
