//! A worker by hand: one `Work` stream, message by message.

use bytes::Bytes;
use everturn_client::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::SOON;
use crate::coordinator::Workers;

/// One open `Work` stream.
#[derive(Debug)]
pub struct RawWorker {
    /// To the coordinator. Dropping it ends this side.
    pub requests: mpsc::Sender<v1::WorkRequest>,
    /// From the coordinator.
    pub responses: Streaming<v1::WorkResponse>,
    /// Its first answer.
    pub welcome: v1::Welcome,
    activities: Vec<v1::ActivityTask>,
    workflows: Vec<v1::WorkflowTask>,
    next_result_id: u64,
}

/// A Hello for the queue "default" with one kind of task or both.
#[must_use]
pub fn hello(identity: &str, kinds: &[v1::TaskKind]) -> v1::Hello {
    let queues = kinds.iter().map(|kind| queue("default", *kind));
    v1::Hello {
        identity: identity.to_owned(),
        queues: queues.collect(),
        ..Default::default()
    }
}

/// A queue to serve.
#[must_use]
pub fn queue(name: &str, kind: v1::TaskKind) -> v1::QueueSubscription {
    v1::QueueSubscription {
        task_queue: name.to_owned(),
        kind: kind.into(),
        can_reconcile: false,
        can_show_typing: false,
    }
}

/// Sends these messages on a new stream; what came back, or how it was refused.
///
/// # Errors
/// What the coordinator refuses the stream with before it answers anything.
pub async fn open(
    mut workers: Workers,
    first: Vec<v1::WorkRequest>,
) -> Result<(mpsc::Sender<v1::WorkRequest>, Streaming<v1::WorkResponse>), Status> {
    let (requests, receiver) = mpsc::channel(first.len().max(64));
    for request in first {
        requests.try_send(request).expect("there is room");
    }
    let answer = workers.work(ReceiverStream::new(receiver)).await?;
    Ok((requests, answer.into_inner()))
}

impl RawWorker {
    /// Connects and grants credits: workflow tasks and activities.
    ///
    /// # Errors
    /// How the coordinator refused it.
    ///
    /// # Panics
    /// When the first answer is not Welcome.
    pub async fn connect(
        workers: Workers,
        hello: v1::Hello,
        (workflow_count, activity_count): (u32, u32),
    ) -> Result<Self, Status> {
        let first = v1::WorkRequest {
            hello: Some(hello),
            credits: Some(v1::CreditGrant {
                workflow_count,
                activity_count,
            }),
            ..Default::default()
        };
        let (requests, mut responses) = open(workers, vec![first]).await?;
        let answer = responses.message().await?;
        let welcome = answer.and_then(|it| it.welcome).expect("a Welcome");
        Ok(Self {
            requests,
            responses,
            welcome,
            activities: Vec::new(),
            workflows: Vec::new(),
            next_result_id: 1,
        })
    }

    /// Sends one message.
    ///
    /// # Panics
    /// When the stream is over.
    pub async fn send(&self, request: v1::WorkRequest) {
        self.requests
            .send(request)
            .await
            .expect("the stream is open");
    }

    /// The next message of the coordinator. Tasks in it are kept, and are
    /// acknowledged if `ack` says so.
    ///
    /// # Errors
    /// How the stream ended.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn receive(&mut self, ack: bool) -> Result<Option<v1::WorkResponse>, Status> {
        let next = tokio::time::timeout(SOON, self.responses.message()).await;
        let Some(response) = next.expect("the coordinator says something")? else {
            return Ok(None);
        };
        self.activities
            .extend(response.activity_tasks.iter().cloned());
        self.workflows
            .extend(response.workflow_tasks.iter().cloned());
        let activities = response.activity_tasks.iter().map(|it| it.delivery_id);
        let workflows = response.workflow_tasks.iter().map(|it| it.delivery_id);
        let ids: Vec<u64> = activities.chain(workflows).collect();
        if ack && !ids.is_empty() {
            self.send(v1::WorkRequest {
                acked_delivery_ids: ids,
                ..Default::default()
            })
            .await;
        }
        Ok(Some(response))
    }

    /// The next activity, acknowledged.
    ///
    /// # Panics
    /// When none comes.
    pub async fn activity(&mut self) -> v1::ActivityTask {
        loop {
            if !self.activities.is_empty() {
                return self.activities.remove(0);
            }
            let response = self.receive(true).await.expect("the stream goes on");
            response.expect("the stream goes on");
        }
    }

    /// The next workflow task, acknowledged.
    ///
    /// # Panics
    /// When none comes.
    pub async fn workflow(&mut self) -> v1::WorkflowTask {
        loop {
            if !self.workflows.is_empty() {
                return self.workflows.remove(0);
            }
            let response = self.receive(true).await.expect("the stream goes on");
            response.expect("the stream goes on");
        }
    }

    /// Reports how an activity ended; the reason if it was not taken.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn report(
        &mut self,
        task_token: Bytes,
        outcome: Result<v1::Payload, v1::Failure>,
    ) -> Option<String> {
        let result_id = self.take_result_id();
        let result = v1::ActivityResult {
            result_id,
            task_token,
            outcome: Some(match outcome {
                Ok(payload) => v1::activity_result::Outcome::Result(payload),
                Err(failure) => v1::activity_result::Outcome::Failure(failure),
            }),
            usage: None,
        };
        let credits = Some(v1::CreditGrant {
            activity_count: 1,
            workflow_count: 0,
        });
        self.send(v1::WorkRequest {
            activity_results: vec![result],
            credits,
            ..Default::default()
        })
        .await;
        self.judgement(result_id).await
    }

    /// Reports the commands of a workflow task; the reason if they were not
    /// taken.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn advance(
        &mut self,
        task: &v1::WorkflowTask,
        commands: Vec<v1::Command>,
    ) -> Option<String> {
        let result_id = self.take_result_id();
        let result = v1::WorkflowTaskResult {
            result_id,
            task_token: task.task_token.clone(),
            seen_event_id: task.events.last().map_or(0, |event| event.id),
            commands,
            run_cached: true,
            ..Default::default()
        };
        let credits = Some(v1::CreditGrant {
            activity_count: 0,
            workflow_count: 1,
        });
        self.send(v1::WorkRequest {
            workflow_task_results: vec![result],
            credits,
            ..Default::default()
        })
        .await;
        self.judgement(result_id).await
    }

    fn take_result_id(&mut self) -> u64 {
        self.next_result_id += 1;
        self.next_result_id - 1
    }

    async fn judgement(&mut self, result_id: u64) -> Option<String> {
        loop {
            let response = self.receive(true).await.expect("the stream goes on");
            let response = response.expect("the stream goes on");
            if response.accepted_result_ids.contains(&result_id) {
                return None;
            }
            let mut rejections = response.rejections.into_iter();
            if let Some(rejection) = rejections.find(|it| it.result_id == result_id) {
                return Some(rejection.reason);
            }
        }
    }
}
