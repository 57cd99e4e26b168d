//! ListApprovals: from the view, last requested first.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing, page_token};

pub(super) async fn call(
    handle: &Handle,
    request: pb::ListApprovalsRequest,
) -> Result<Response<pb::ListApprovalsResponse>, Status> {
    let mut checker = Checker::default();
    let scope = page_token::scope(&[
        "ListApprovals",
        &request.namespace,
        &request.root_id,
        &request.status.to_string(),
    ]);
    let namespace = incoming::namespace(&mut checker, request.namespace);
    checker.optional_name(Path::field("root_id"), &request.root_id);
    let limit = checker.page_size(request.page_size, 100, 1_000);
    // The stored numbers are those of the API.
    let status = match pb::ApprovalStatus::try_from(request.status) {
        Ok(pb::ApprovalStatus::Unspecified) => None,
        Ok(status) => u8::try_from(i32::from(status)).ok(),
        Err(_) => {
            checker.violation(Path::field("status"), "is unknown");
            None
        }
    };
    checker.finish()?;
    let after = page_token::read(scope, &request.page_token)?;
    let root_id = Some(request.root_id).filter(|id| !id.is_empty());
    let page = handle.list_approvals(namespace, root_id.map(Into::into), status, after, limit);
    let page = page.await.map_err(|error| error::refused(&error))?;
    let next = page.next.map(|cursor| page_token::write(scope, &cursor));
    let (approvals, next) = outgoing::cut(
        page.approvals
            .iter()
            .map(|it| outgoing::approval(it, handle.now())),
        next,
        |index| {
            let approval = &page.approvals[index];
            let cursor = everturn_runtime::Cursor {
                time: approval.requested.0,
                id: approval.id.as_str().as_bytes().to_vec(),
            };
            page_token::write(scope, &cursor)
        },
    );
    Ok(Response::new(pb::ListApprovalsResponse {
        approvals,
        next_page_token: next.unwrap_or_default(),
    }))
}
