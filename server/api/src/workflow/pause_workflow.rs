//! PauseWorkflow: no task of a run is dispatched.

use everturn_engine::limits;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::PauseWorkflowRequest,
) -> Result<Response<pb::PauseWorkflowResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let target = incoming::run_ref(&mut checker, request.workflow_id, &request.run_id);
    checker.text(Path::field("reason"), &request.reason, limits::REASON_BYTES);
    checker.finish()?;
    let done = handle.pause_workflow(namespace, target, request.reason.into());
    done.await.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::PauseWorkflowResponse {}))
}
