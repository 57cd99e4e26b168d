//! PollWorkflowTask: a long poll for one workflow task.

use everturn_proto::v1 as pb;
use everturn_runtime::{Handle, Poll};
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing};

/// Who a worker is that does not say.
const ANONYMOUS: &str = "anonymous";

pub(super) async fn call(
    handle: &Handle,
    request: pb::PollWorkflowTaskRequest,
) -> Result<Response<pb::PollWorkflowTaskResponse>, Status> {
    let mut checker = Checker::default();
    let poll = poll(
        &mut checker,
        request.namespace,
        request.task_queue,
        request.identity,
        request.max_wait,
    );
    checker.finish()?;
    let task = handle.poll_workflow(poll).await;
    let task = task.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::PollWorkflowTaskResponse {
        task: task.as_ref().map(outgoing::workflow_task),
    }))
}

/// What both polls say.
pub(super) fn poll(
    checker: &mut Checker,
    namespace: String,
    task_queue: String,
    identity: String,
    max_wait: Option<prost_types::Duration>,
) -> Poll {
    checker.name(Path::field("task_queue"), &task_queue);
    checker.optional_name(Path::field("identity"), &identity);
    let identity = if identity.is_empty() {
        ANONYMOUS.to_owned()
    } else {
        identity
    };
    Poll {
        namespace: incoming::namespace(checker, namespace),
        queue: task_queue.into(),
        identity: identity.into(),
        max_wait: incoming::wait(checker, Path::field("max_wait"), max_wait),
    }
}
