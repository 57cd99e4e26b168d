//! WorkflowService: one call, one file.

mod cancel_workflow;
mod describe_workflow;
mod get_history;
mod get_state;
mod list_workflows;
mod pause_workflow;
mod resume_workflow;
mod signal_workflow;
mod start_workflow;
mod terminate_workflow;
mod wait_result;

use everturn_proto::v1 as pb;
use everturn_proto::v1::workflow_service_server::WorkflowService;
use everturn_runtime::Handle;
use tonic::{Request, Response, Status};

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Workflows {
    pub handle: Handle,
}

macro_rules! calls {
    ($($call:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl WorkflowService for Workflows {
            $(async fn $call(
                &self,
                request: Request<pb::$request>,
            ) -> Result<Response<pb::$response>, Status> {
                $call::call(&self.handle, request.into_inner()).await
            })*
        }
    };
}

calls! {
    start_workflow(StartWorkflowRequest) -> StartWorkflowResponse;
    signal_workflow(SignalWorkflowRequest) -> SignalWorkflowResponse;
    cancel_workflow(CancelWorkflowRequest) -> CancelWorkflowResponse;
    terminate_workflow(TerminateWorkflowRequest) -> TerminateWorkflowResponse;
    describe_workflow(DescribeWorkflowRequest) -> DescribeWorkflowResponse;
    list_workflows(ListWorkflowsRequest) -> ListWorkflowsResponse;
    get_history(GetHistoryRequest) -> GetHistoryResponse;
    wait_result(WaitResultRequest) -> WaitResultResponse;
    get_state(GetStateRequest) -> GetStateResponse;
    pause_workflow(PauseWorkflowRequest) -> PauseWorkflowResponse;
    resume_workflow(ResumeWorkflowRequest) -> ResumeWorkflowResponse;
}
