//! HeartbeatActivityTask: an attempt is alive.

use everturn_engine::decide::Beat;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::incoming::Invalid;
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::HeartbeatActivityTaskRequest,
) -> Result<Response<pb::HeartbeatActivityTaskResponse>, Status> {
    let (root, token) =
        incoming::activity_token(&request.task_token).map_err(Invalid::into_status)?;
    let mut checker = Checker::default();
    let details = Path::field("details");
    let details = incoming::optional_payload(&mut checker, details, request.details);
    checker.finish()?;
    let beat = Beat {
        details,
        ..Beat::default()
    };
    let beat = handle.heartbeat(root, token, beat).await;
    let cancel_requested = beat.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::HeartbeatActivityTaskResponse {
        cancel_requested,
    }))
}
