//! ResumeWorkflow: a paused run goes on where it stood.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::Checker;
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::ResumeWorkflowRequest,
) -> Result<Response<pb::ResumeWorkflowResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let target = incoming::run_ref(&mut checker, request.workflow_id, &request.run_id);
    checker.finish()?;
    let resumed = handle.resume_workflow(namespace, target).await;
    resumed.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::ResumeWorkflowResponse {}))
}
