//! The generated clients of the services, over a shared connection.

use everturn_proto::v1;
use tonic::transport::Channel;

pub(crate) type Conversations = v1::conversation_service_client::ConversationServiceClient<Channel>;
pub(crate) type Workflows = v1::workflow_service_client::WorkflowServiceClient<Channel>;
pub(crate) type TaskQueues = v1::task_queue_service_client::TaskQueueServiceClient<Channel>;
pub(crate) type Workers = v1::worker_service_client::WorkerServiceClient<Channel>;
