//! WorkerService: the `Work` stream and its unary twins, one call, one file.

mod answers;
mod complete_activity_tasks;
mod complete_workflow_task;
mod fail_activity_task;
mod heartbeat_activity_task;
mod hello;
mod poll_activity_tasks;
mod poll_workflow_task;
mod send_activity_output;
mod work;

use everturn_proto::v1 as pb;
use everturn_proto::v1::worker_service_server::WorkerService;
use everturn_runtime::Handle;
use tonic::{Request, Response, Status, Streaming};

use crate::options::Options;

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Workers {
    pub handle: Handle,
    pub options: Options,
}

macro_rules! service {
    ($($call:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl WorkerService for Workers {
            type WorkStream = answers::Answers;

            async fn work(
                &self,
                request: Request<Streaming<pb::WorkRequest>>,
            ) -> Result<Response<Self::WorkStream>, Status> {
                work::call(self, request.into_inner()).await
            }

            $(async fn $call(
                &self,
                request: Request<pb::$request>,
            ) -> Result<Response<pb::$response>, Status> {
                $call::call(&self.handle, request.into_inner()).await
            })*
        }
    };
}

service! {
    poll_activity_tasks(PollActivityTasksRequest) -> PollActivityTasksResponse;
    complete_activity_tasks(CompleteActivityTasksRequest) -> CompleteActivityTasksResponse;
    fail_activity_task(FailActivityTaskRequest) -> FailActivityTaskResponse;
    heartbeat_activity_task(HeartbeatActivityTaskRequest) -> HeartbeatActivityTaskResponse;
    poll_workflow_task(PollWorkflowTaskRequest) -> PollWorkflowTaskResponse;
    complete_workflow_task(CompleteWorkflowTaskRequest) -> CompleteWorkflowTaskResponse;
    send_activity_output(SendActivityOutputRequest) -> SendActivityOutputResponse;
}
