//! FailActivityTask: an attempt failed.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::incoming::Invalid;
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::FailActivityTaskRequest,
) -> Result<Response<pb::FailActivityTaskResponse>, Status> {
    let failure = request.failure.unwrap_or_default();
    let result = incoming::activity_result(pb::ActivityResult {
        result_id: 0,
        task_token: request.task_token,
        outcome: Some(pb::activity_result::Outcome::Failure(failure)),
        usage: None,
    });
    let result = result.map_err(Invalid::into_status)?;
    for judgement in handle.report(vec![result]).await {
        judgement.map_err(|(refusal, _)| error::refused(&refusal))?;
    }
    Ok(Response::new(pb::FailActivityTaskResponse {}))
}
