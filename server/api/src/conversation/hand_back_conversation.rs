//! HandBackConversation: the agents have it again.

use everturn_engine::limits;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::HandBackConversationRequest,
) -> Result<Response<pb::HandBackConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.optional_name(Path::field("author_name"), &request.author_name);
    checker.text(Path::field("note"), &request.note, limits::REASON_BYTES);
    checker.finish()?;
    let (author, note) = (request.author_name.into(), request.note.into());
    let given = handle.hand_back(key, author, note).await;
    given.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::HandBackConversationResponse {}))
}
