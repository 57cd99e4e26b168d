//! PauseConversation: nothing of it is dispatched.

use everturn_engine::limits;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::PauseConversationRequest,
) -> Result<Response<pb::PauseConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.text(Path::field("reason"), &request.reason, limits::REASON_BYTES);
    checker.finish()?;
    let paused = handle.pause_conversation(key, request.reason.into()).await;
    paused.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::PauseConversationResponse {}))
}
