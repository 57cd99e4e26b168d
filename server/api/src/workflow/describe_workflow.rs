//! DescribeWorkflow: how a run stands and what it waits for.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::Checker;
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::DescribeWorkflowRequest,
) -> Result<Response<pb::DescribeWorkflowResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let target = incoming::run_ref(&mut checker, request.workflow_id, &request.run_id);
    checker.finish()?;
    let description = handle.describe(namespace, target).await;
    let description = description.map_err(|error| error::refused(&error))?;
    Ok(Response::new(outgoing::description(
        &description,
        handle.now(),
    )))
}
