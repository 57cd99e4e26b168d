//! StartWorkflow: a top-level run begins.

use everturn_engine::decide::StartWorkflow;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::StartWorkflowRequest,
) -> Result<Response<pb::StartWorkflowResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "workflow_id",
        request.workflow_id,
    );
    checker.name(Path::field("workflow_type"), &request.workflow_type);
    let timeout = Path::field("execution_timeout");
    let parts = [
        request.workflow_type.as_bytes(),
        request.task_queue.as_bytes(),
        &incoming::bytes(request.input.as_ref()),
        &incoming::bytes(request.execution_timeout.as_ref()),
        &incoming::sorted(&request.labels),
    ];
    let id = incoming::request(&mut checker, "StartWorkflow", &request.request_id, &parts);
    let start = StartWorkflow {
        type_name: request.workflow_type.into(),
        task_queue: incoming::task_queue(&mut checker, request.task_queue),
        input: incoming::payload(&mut checker, Path::field("input"), request.input),
        execution_timeout: incoming::optional_span(
            &mut checker,
            timeout,
            request.execution_timeout,
        ),
        labels: incoming::labels(&mut checker, Path::field("labels"), request.labels),
        request: id,
    };
    checker.finish()?;
    let started = handle.start_workflow(key, start).await;
    let run_id = started.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::StartWorkflowResponse {
        run_id: outgoing::run_id(run_id),
    }))
}
