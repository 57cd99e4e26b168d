//! HandBackConversation: the agents have it again.

use everturn_engine::decide::HandBack;
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
    let parts = [
        request.conversation_id.as_bytes(),
        request.author_name.as_bytes(),
        request.note.as_bytes(),
        &request.handoff_epoch.to_be_bytes(),
    ];
    let id = incoming::request(&mut checker, "HandBack", &request.request_id, &parts);
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.optional_name(Path::field("author_name"), &request.author_name);
    checker.text(Path::field("note"), &request.note, limits::REASON_BYTES);
    checker.finish()?;
    let hand_back = HandBack {
        author_name: request.author_name.into(),
        note: request.note.into(),
        epoch: request.handoff_epoch,
        request: id,
    };
    let given = handle.hand_back(key, hand_back).await;
    given.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::HandBackConversationResponse {}))
}
