//! CompleteActivityTasks: results of attempts, each judged alone.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::incoming::rejection_of;
use crate::{error, incoming};

/// Results in one call.
const MAX_RESULTS: usize = 1_000;

pub(super) async fn call(
    handle: &Handle,
    request: pb::CompleteActivityTasksRequest,
) -> Result<Response<pb::CompleteActivityTasksResponse>, Status> {
    let mut checker = Checker::default();
    let count = request.results.len();
    if count == 0 || count > MAX_RESULTS {
        let text = format!("has {count} entries; from 1 to {MAX_RESULTS}");
        checker.violation(Path::field("results"), text);
    }
    checker.finish()?;
    let mut rejections = Vec::new();
    let mut results = Vec::with_capacity(count);
    let mut ids = Vec::with_capacity(count);
    for value in request.results {
        let result_id = value.result_id;
        match incoming::activity_result(value) {
            Ok(result) => {
                results.push(result);
                ids.push(result_id);
            }
            Err(invalid) => rejections.push(rejection_of(result_id, invalid)),
        }
    }
    for (result_id, judgement) in ids.into_iter().zip(handle.report(results).await) {
        if let Err((refusal, _)) = judgement {
            let (reason, message) = error::reason_of(&refusal);
            rejections.push(pb::ResultRejection {
                result_id,
                reason: error::reason_name(reason).to_owned(),
                message,
                unread_events: Vec::new(),
            });
        }
    }
    Ok(Response::new(pb::CompleteActivityTasksResponse {
        rejections,
    }))
}
