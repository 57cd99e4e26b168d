//! TaskQueueService: how task queues stand.

mod list_task_queues;

use everturn_proto::v1::task_queue_service_server::TaskQueueService;
use everturn_proto::v1::{ListTaskQueuesRequest, ListTaskQueuesResponse};
use everturn_runtime::Handle;
use tonic::{Request, Response, Status};

/// The service on a runtime.
#[derive(Debug)]
pub(crate) struct TaskQueues {
    pub handle: Handle,
}

#[tonic::async_trait]
impl TaskQueueService for TaskQueues {
    async fn list_task_queues(
        &self,
        request: Request<ListTaskQueuesRequest>,
    ) -> Result<Response<ListTaskQueuesResponse>, Status> {
        list_task_queues::call(&self.handle, request.into_inner()).await
    }
}
