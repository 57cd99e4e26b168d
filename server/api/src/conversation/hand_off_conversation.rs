//! HandOffConversation: a person or team takes over.

use everturn_engine::decide::HandOff;
use everturn_engine::limits;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::HandOffConversationRequest,
) -> Result<Response<pb::HandOffConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.text(Path::field("reason"), &request.reason, limits::REASON_BYTES);
    let context = Path::field("context");
    let hand_off = HandOff {
        assignee: incoming::assignee(&mut checker, Path::field("assignee"), request.assignee),
        reason: request.reason.into(),
        context: incoming::optional_payload(&mut checker, context, request.context),
    };
    checker.finish()?;
    let taken = handle.hand_off(key, hand_off).await;
    let handoff_epoch = taken.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::HandOffConversationResponse {
        handoff_epoch,
    }))
}
