//! MergeConversations: two conversations turn out to be one customer's.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::MergeConversationsRequest,
) -> Result<Response<pb::MergeConversationsResponse>, Status> {
    let mut checker = Checker::default();
    let source = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    let into = Path::field("into_conversation_id");
    checker.root_id(into, &request.into_conversation_id);
    if source.id.as_str() == request.into_conversation_id {
        checker.violation(into, "is the conversation itself");
    }
    checker.finish()?;
    let target = incoming::key(&source.namespace, request.into_conversation_id.into());
    let merged = handle.merge_conversations(source, target.clone()).await;
    merged.map_err(|error| error::refused(&error))?;
    let record = handle.conversation(target).await;
    let record = record.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::MergeConversationsResponse {
        conversation: Some(outgoing::conversation(&record, handle.now())),
    }))
}
