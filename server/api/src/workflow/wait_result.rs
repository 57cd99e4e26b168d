//! WaitResult: waits until a run is closed.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::WaitResultRequest,
) -> Result<Response<pb::WaitResultResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let target = incoming::run_ref(&mut checker, request.workflow_id, &request.run_id);
    let max_wait = incoming::wait(&mut checker, Path::field("max_wait"), request.max_wait);
    checker.finish()?;
    let record = handle.wait_closed(namespace, target, max_wait).await;
    let record = record.map_err(|error| error::refused(&error))?;
    let ended = record.outcome.as_ref().map(outgoing::outcome);
    let (result, failure) = ended.unwrap_or_default();
    Ok(Response::new(pb::WaitResultResponse {
        status: outgoing::run_status(record.status).into(),
        result,
        failure,
        run_id: outgoing::run_id(record.run_id),
    }))
}
