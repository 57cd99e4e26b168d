//! SendActivityOutput: a part of the output of running attempts.

use everturn_engine::rejection::Rejection;
use everturn_proto::v1 as pb;
use everturn_runtime::{Error, Handle};
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::incoming::Invalid;
use crate::{error, incoming};

/// Pieces in one call.
const MAX_PIECES: usize = 1_000;

pub(super) async fn call(
    handle: &Handle,
    request: pb::SendActivityOutputRequest,
) -> Result<Response<pb::SendActivityOutputResponse>, Status> {
    let mut checker = Checker::default();
    let count = request.outputs.len();
    if count == 0 || count > MAX_PIECES {
        let text = format!("has {count} entries; from 1 to {MAX_PIECES}");
        checker.violation(Path::field("outputs"), text);
    }
    checker.finish()?;
    let pieces = request.outputs.into_iter().map(incoming::output_piece);
    let pieces = pieces
        .collect::<Result<Vec<_>, _>>()
        .map_err(Invalid::into_status)?;
    let current = handle.outputs_of(pieces).await;
    if current.into_iter().all(|current| current) {
        Ok(Response::new(pb::SendActivityOutputResponse {}))
    } else {
        Err(error::refused(&Error::Rejected(Rejection::Fenced)))
    }
}
