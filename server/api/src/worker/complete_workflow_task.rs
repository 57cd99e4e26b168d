//! CompleteWorkflowTask: the commands of a workflow task.

use everturn_engine::rejection::Rejection;
use everturn_proto::v1 as pb;
use everturn_runtime::{Error, Handle};
use tonic::{Response, Status};

use crate::incoming::Invalid;
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::CompleteWorkflowTaskRequest,
) -> Result<Response<pb::CompleteWorkflowTaskResponse>, Status> {
    let result = incoming::workflow_task_result(request.result.unwrap_or_default());
    let result = result.map_err(Invalid::into_status)?;
    let mut response = pb::CompleteWorkflowTaskResponse::default();
    for judgement in handle.report(vec![result]).await {
        match judgement {
            Ok(()) => {}
            Err((Error::Rejected(Rejection::UnreadEvents { .. }), unread)) => {
                response.unread_events = outgoing::entries(&unread);
            }
            Err((refusal, _)) => return Err(error::refused(&refusal)),
        }
    }
    Ok(Response::new(response))
}
