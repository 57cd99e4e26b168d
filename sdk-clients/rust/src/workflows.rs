//! Workflow calls, one method per RPC. Requests are the API's own messages;
//! an empty namespace means the client's.

use std::time::{Duration, Instant};

use everturn_proto::v1;

use crate::Error;
use crate::client::{Client, random_id};

/// Longest wait that the server allows in one `WaitResult`.
const WAIT_STEP: Duration = Duration::from_secs(20);

impl Client {
    /// Starts a workflow. Without a `request_id` one is made up, so that this
    /// client's own retries never start it twice.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `RUN_ALREADY_STARTED` (metadata `run_id`),
    /// `TYPE_MISMATCH`, `LIMIT_EXCEEDED`.
    pub async fn start_workflow(
        &self,
        mut request: v1::StartWorkflowRequest,
    ) -> Result<v1::StartWorkflowResponse, Error> {
        self.place(&mut request.namespace);
        if request.request_id.is_empty() {
            request.request_id = random_id();
        }
        let service = self.workflows();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.start_workflow(request).await }
        })
        .await
    }

    /// Sends a signal to an open run. Without a `request_id` one is made up.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `RUN_NOT_FOUND`, `RUN_CLOSED`, `LIMIT_EXCEEDED`.
    pub async fn signal_workflow(
        &self,
        mut request: v1::SignalWorkflowRequest,
    ) -> Result<(), Error> {
        self.place(&mut request.namespace);
        if request.request_id.is_empty() {
            request.request_id = random_id();
        }
        let service = self.workflows();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.signal_workflow(request).await }
        })
        .await
        .map(|_| ())
    }

    /// Asks an open run to cancel.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `RUN_NOT_FOUND`, `RUN_CLOSED`.
    pub async fn cancel_workflow(
        &self,
        mut request: v1::CancelWorkflowRequest,
    ) -> Result<(), Error> {
        self.place(&mut request.namespace);
        let service = self.workflows();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.cancel_workflow(request).await }
        })
        .await
        .map(|_| ())
    }

    /// Closes an open run from outside, without asking its code.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `RUN_NOT_FOUND`, `RUN_CLOSED`.
    pub async fn terminate_workflow(
        &self,
        mut request: v1::TerminateWorkflowRequest,
    ) -> Result<(), Error> {
        self.place(&mut request.namespace);
        let service = self.workflows();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.terminate_workflow(request).await }
        })
        .await
        .map(|_| ())
    }

    /// Reads how a run stands and what it waits for.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `RUN_NOT_FOUND`.
    pub async fn describe_workflow(
        &self,
        mut request: v1::DescribeWorkflowRequest,
    ) -> Result<v1::DescribeWorkflowResponse, Error> {
        self.place(&mut request.namespace);
        let service = self.workflows();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.describe_workflow(request).await }
        })
        .await
    }

    /// Lists one page of runs.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `PAGE_TOKEN_INVALID`.
    pub async fn list_workflows(
        &self,
        mut request: v1::ListWorkflowsRequest,
    ) -> Result<v1::ListWorkflowsResponse, Error> {
        self.place(&mut request.namespace);
        let service = self.workflows();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.list_workflows(request).await }
        })
        .await
    }

    /// Reads one page of a run's journal.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `PAGE_TOKEN_INVALID`, `RUN_NOT_FOUND`.
    pub async fn history(
        &self,
        mut request: v1::GetHistoryRequest,
    ) -> Result<v1::GetHistoryResponse, Error> {
        self.place(&mut request.namespace);
        let service = self.workflows();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.get_history(request).await }
        })
        .await
    }

    /// Reads the state that a run's code has written.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `RUN_NOT_FOUND`.
    pub async fn state(
        &self,
        mut request: v1::GetStateRequest,
    ) -> Result<v1::GetStateResponse, Error> {
        self.place(&mut request.namespace);
        let service = self.workflows();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.get_state(request).await }
        })
        .await
    }

    /// Waits until a run is closed, for at most `timeout`; then the answer's
    /// status is `RUN_STATUS_RUNNING`.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `RUN_NOT_FOUND`; `DRAINING` once retries are used up.
    pub async fn wait_result(
        &self,
        mut request: v1::WaitResultRequest,
        timeout: Duration,
    ) -> Result<v1::WaitResultResponse, Error> {
        self.place(&mut request.namespace);
        let begin = Instant::now();
        let service = self.workflows();
        loop {
            let left = timeout.saturating_sub(begin.elapsed());
            let step = left.min(WAIT_STEP);
            request.max_wait = prost_types::Duration::try_from(step).ok();
            let answer = self
                .unary(request.clone(), step, |request| {
                    let mut service = service.clone();
                    async move { service.wait_result(request).await }
                })
                .await?;
            if answer.status() != v1::RunStatus::Running || left <= step {
                return Ok(answer);
            }
            // The run that the first answer spoke of, not a later one.
            request.run_id.clone_from(&answer.run_id);
        }
    }
}
