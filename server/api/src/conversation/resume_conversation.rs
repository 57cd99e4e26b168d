//! ResumeConversation: it goes on where it stood.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::Checker;
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::ResumeConversationRequest,
) -> Result<Response<pb::ResumeConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.finish()?;
    let resumed = handle.resume_conversation(key).await;
    resumed.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::ResumeConversationResponse {}))
}
