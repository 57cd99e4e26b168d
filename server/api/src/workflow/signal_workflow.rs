//! SignalWorkflow: a named value for an open run.

use everturn_engine::decide::SignalWorkflow;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::SignalWorkflowRequest,
) -> Result<Response<pb::SignalWorkflowResponse>, Status> {
    let mut checker = Checker::default();
    let parts = [
        request.workflow_id.as_bytes(),
        request.run_id.as_bytes(),
        request.signal_name.as_bytes(),
        &incoming::bytes(request.input.as_ref()),
    ];
    let id = incoming::request(&mut checker, "SignalWorkflow", &request.request_id, &parts);
    let namespace = incoming::namespace(&mut checker, request.namespace);
    checker.name(Path::field("signal_name"), &request.signal_name);
    let signal = SignalWorkflow {
        target: incoming::run_ref(&mut checker, request.workflow_id, &request.run_id),
        name: request.signal_name.into(),
        input: incoming::payload(&mut checker, Path::field("input"), request.input),
        request: id,
    };
    checker.finish()?;
    let signaled = handle.signal_workflow(namespace, signal).await;
    signaled.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::SignalWorkflowResponse {}))
}
