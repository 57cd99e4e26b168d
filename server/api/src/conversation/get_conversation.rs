//! GetConversation: one conversation, exactly as of now.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::Checker;
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::GetConversationRequest,
) -> Result<Response<pb::GetConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.finish()?;
    let record = handle.conversation(key).await;
    let record = record.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::GetConversationResponse {
        conversation: Some(outgoing::conversation(&record, handle.now())),
    }))
}
