//! How a stream begins: Hello with what still runs, Welcome with what is over.

use std::time::Duration;

use everturn_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Connection, Ended};
use crate::Error;
use crate::error::Code;

/// Most tokens in a Hello.
const HELLO_TOKENS_MAX: usize = 10_000;

impl Connection {
    /// Resets the session for a new stream and queues the greeting; returns
    /// the tokens that it names, in order.
    pub(super) fn begin_stream(
        &mut self,
        sender: &mpsc::Sender<v1::WorkRequest>,
    ) -> Vec<bytes::Bytes> {
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
            // Activities of this worker are given tasks, and nothing else.
            can_show_typing: false,
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
            state_cache_bytes: self.options.state_cache_bytes,
            activity_types: self.activities.keys().cloned().collect(),
            ..Default::default()
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

    pub(super) async fn open(
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
    pub(super) async fn welcome(
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
}
