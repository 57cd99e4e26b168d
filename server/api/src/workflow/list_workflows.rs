//! ListWorkflows: from the view, last started first.

use everturn_engine::event::RunStatus;
use everturn_proto::v1 as pb;
use everturn_runtime::{Handle, ListQuery};
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing, page_token};

pub(super) async fn call(
    handle: &Handle,
    request: pb::ListWorkflowsRequest,
) -> Result<Response<pb::ListWorkflowsResponse>, Status> {
    let mut checker = Checker::default();
    let scope = page_token::scope(&[
        "ListWorkflows",
        &request.namespace,
        &request.workflow_type,
        &request.status.to_string(),
        &incoming::reasons_text(&request.wait_reasons),
    ]);
    let namespace = incoming::namespace(&mut checker, request.namespace);
    checker.optional_name(Path::field("workflow_type"), &request.workflow_type);
    let limit = checker.page_size(request.page_size, 100, 1_000);
    let status = match pb::RunStatus::try_from(request.status) {
        Ok(status) => run_status(status),
        Err(_) => {
            checker.violation(Path::field("status"), "is unknown");
            None
        }
    };
    let reasons = incoming::reasons(&mut checker, &request.wait_reasons);
    checker.finish()?;
    let type_name = Some(request.workflow_type).filter(|name| !name.is_empty());
    let query = ListQuery {
        type_name: type_name.map(Into::into),
        status: status.map(RunStatus::code),
        reasons,
        after: page_token::read(scope, &request.page_token)?,
        ..ListQuery::of(namespace, limit)
    };
    let page = handle.list_runs(query).await;
    let page = page.map_err(|error| error::refused(&error))?;
    let next = page.next.map(|cursor| page_token::write(scope, &cursor));
    let (runs, next) = outgoing::cut(
        page.runs.iter().map(|it| outgoing::run(it, handle.now())),
        next,
        |index| {
            let record = &page.runs[index];
            let cursor = everturn_runtime::Cursor {
                time: record.started.0,
                id: record.run_id.0.to_be_bytes().to_vec(),
            };
            page_token::write(scope, &cursor)
        },
    );
    Ok(Response::new(pb::ListWorkflowsResponse {
        runs,
        next_page_token: next.unwrap_or_default(),
    }))
}

fn run_status(status: pb::RunStatus) -> Option<RunStatus> {
    match status {
        pb::RunStatus::Unspecified => None,
        pb::RunStatus::Running => Some(RunStatus::Running),
        pb::RunStatus::Completed => Some(RunStatus::Completed),
        pb::RunStatus::Failed => Some(RunStatus::Failed),
        pb::RunStatus::Canceled => Some(RunStatus::Canceled),
        pb::RunStatus::Terminated => Some(RunStatus::Terminated),
        pb::RunStatus::TimedOut => Some(RunStatus::TimedOut),
    }
}
