//! CloseConversation: no further turns.

use everturn_engine::decide::CloseConversation;
use everturn_engine::limits;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::CloseConversationRequest,
) -> Result<Response<pb::CloseConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.text(Path::field("reason"), &request.reason, limits::REASON_BYTES);
    let grace = incoming::optional_span(&mut checker, Path::field("grace"), request.grace);
    checker.finish()?;
    let close = CloseConversation {
        reason: request.reason.into(),
        grace,
        unless_after: request.unless_after,
        ..CloseConversation::default()
    };
    let closed = handle.close_conversation(key, close);
    closed.await.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::CloseConversationResponse {}))
}
