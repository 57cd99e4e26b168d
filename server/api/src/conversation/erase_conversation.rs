//! EraseConversation: its content is removed for good.

use everturn_engine::limits;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::EraseConversationRequest,
) -> Result<Response<pb::EraseConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.text(Path::field("reason"), &request.reason, limits::REASON_BYTES);
    checker.finish()?;
    let erased = handle.erase_conversation(key.clone()).await;
    let tombstone = erased.map_err(|error| error::refused(&error))?;
    tracing::info!(
        namespace = %key.namespace,
        conversation_id = %key.id,
        reason = request.reason,
        "conversation erased"
    );
    Ok(Response::new(pb::EraseConversationResponse {
        message_count: tombstone.messages,
        run_count: tombstone.runs,
    }))
}
