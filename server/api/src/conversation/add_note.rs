//! AddNote: something that only staff and agents see.

use everturn_engine::decide::AddNote;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::AddNoteRequest,
) -> Result<Response<pb::AddNoteResponse>, Status> {
    let mut checker = Checker::default();
    let parts = [
        request.author_name.as_bytes(),
        &incoming::said(request.content.as_ref()),
    ];
    let id = incoming::request(&mut checker, "AddNote", &request.request_id, &parts);
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.name(Path::field("author_name"), &request.author_name);
    let note = AddNote {
        author_name: request.author_name.into(),
        content: incoming::content(&mut checker, Path::field("content"), request.content),
        request: id,
    };
    checker.finish()?;
    let added = handle.add_note(key, note).await;
    let message_sequence = added.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::AddNoteResponse { message_sequence }))
}
