//! PollActivityTasks: a long poll for activity tasks.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::worker::poll_workflow_task::poll;
use crate::{error, outgoing};

/// Tasks in one answer.
const MAX_TASKS: u32 = 1_000;

pub(super) async fn call(
    handle: &Handle,
    request: pb::PollActivityTasksRequest,
) -> Result<Response<pb::PollActivityTasksResponse>, Status> {
    let mut checker = Checker::default();
    if request.max_tasks > MAX_TASKS {
        checker.violation(Path::field("max_tasks"), format!("is over {MAX_TASKS}"));
    }
    let poll = poll(
        &mut checker,
        request.namespace,
        request.task_queue,
        request.identity,
        request.max_wait,
    );
    checker.finish()?;
    let tasks = handle.poll_activities(poll, request.max_tasks.max(1)).await;
    let tasks = tasks.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::PollActivityTasksResponse {
        tasks: tasks.iter().map(outgoing::activity_task).collect(),
    }))
}
