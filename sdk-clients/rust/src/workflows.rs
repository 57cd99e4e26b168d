//! Workflow calls, one method per RPC. Requests are the API's own messages;
//! an empty namespace means the client's.

use std::time::{Duration, Instant};

use everturn_proto::v1;

use crate::Error;
use crate::calls::calls;
use crate::client::Client;

/// Longest wait that the server allows in one `WaitResult`.
const WAIT_STEP: Duration = Duration::from_secs(20);

calls! { workflows;
    /// Starts a workflow. `RUN_ALREADY_STARTED` names the run in its metadata (`run_id`).
    start_workflow = start_workflow(StartWorkflowRequest) -> StartWorkflowResponse
        refused "`RUN_ALREADY_STARTED`, `TYPE_MISMATCH`, `LIMIT_EXCEEDED`", once by request_id;
    /// Sends a signal to an open run.
    signal_workflow = signal_workflow(SignalWorkflowRequest) -> SignalWorkflowResponse
        refused "`RUN_NOT_FOUND`, `RUN_CLOSED`, `LIMIT_EXCEEDED`", once by request_id;
    /// Asks an open run to cancel; its code decides how.
    cancel_workflow = cancel_workflow(CancelWorkflowRequest) -> CancelWorkflowResponse
        refused "`RUN_NOT_FOUND`, `RUN_CLOSED`";
    /// Closes an open run from outside, without asking its code.
    terminate_workflow = terminate_workflow(TerminateWorkflowRequest) -> TerminateWorkflowResponse
        refused "`RUN_NOT_FOUND`, `RUN_CLOSED`";
    /// Pauses a run and the runs below it; what arrives is kept.
    pause_workflow = pause_workflow(PauseWorkflowRequest) -> PauseWorkflowResponse
        refused "`RUN_NOT_FOUND`, `RUN_CLOSED`";
    /// Resumes a paused run where it stood.
    resume_workflow = resume_workflow(ResumeWorkflowRequest) -> ResumeWorkflowResponse
        refused "`RUN_NOT_FOUND`, `RUN_CLOSED`";
    /// Reads how a run stands and what it waits for.
    describe_workflow = describe_workflow(DescribeWorkflowRequest) -> DescribeWorkflowResponse
        refused "`RUN_NOT_FOUND`";
    /// Lists one page of runs, last started first.
    list_workflows = list_workflows(ListWorkflowsRequest) -> ListWorkflowsResponse
        refused "`PAGE_TOKEN_INVALID`";
    /// Reads one page of a run's journal, oldest first.
    history = get_history(GetHistoryRequest) -> GetHistoryResponse
        refused "`PAGE_TOKEN_INVALID`, `RUN_NOT_FOUND`";
    /// Reads the state that a run's code has written.
    state = get_state(GetStateRequest) -> GetStateResponse
        refused "`RUN_NOT_FOUND`";
}

calls! { queues;
    /// Lists the task queues that have a task, a worker, or code that uses
    /// them; those that lack something first.
    task_queues = list_task_queues(ListTaskQueuesRequest) -> ListTaskQueuesResponse
        refused "nothing else";
}

impl Client {
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
