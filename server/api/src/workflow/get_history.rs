//! GetHistory: the journal of a run, exactly as of now.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::Checker;
use crate::{error, incoming, outgoing, page_token};

pub(super) async fn call(
    handle: &Handle,
    request: pb::GetHistoryRequest,
) -> Result<Response<pb::GetHistoryResponse>, Status> {
    let mut checker = Checker::default();
    let scope = page_token::scope(&[
        "GetHistory",
        &request.namespace,
        &request.workflow_id,
        &request.run_id,
    ]);
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let target = incoming::run_ref(&mut checker, request.workflow_id, &request.run_id);
    let limit = checker.page_size(request.page_size, 1_000, 10_000);
    checker.finish()?;
    let position = page_token::read_position(scope, &request.page_token)?;
    let after = position.unwrap_or(request.after_event_id);
    let page = handle.history(namespace, target, after, limit).await;
    let page = page.map_err(|error| error::refused(&error))?;
    let last = page.entries.last().filter(|_| page.more);
    let next = last.map(|entry| page_token::write_position(scope, entry.id));
    Ok(Response::new(pb::GetHistoryResponse {
        events: outgoing::entries(&page.entries),
        next_page_token: next.unwrap_or_default(),
    }))
}
