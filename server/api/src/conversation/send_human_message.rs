//! SendHumanMessage: a person writes to the customer.

use everturn_engine::decide::SendHumanMessage;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::SendHumanMessageRequest,
) -> Result<Response<pb::SendHumanMessageResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.name(Path::field("author_name"), &request.author_name);
    checker.optional_name(Path::field("channel"), &request.channel);
    let message = SendHumanMessage {
        author_name: request.author_name.into(),
        content: incoming::content(&mut checker, Path::field("content"), request.content),
        channel: request.channel.into(),
        request: incoming::request_hash(&mut checker, "SendHumanMessage", &request.request_id),
    };
    checker.finish()?;
    let sent = handle.send_human_message(key, message).await;
    let message_sequence = sent.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::SendHumanMessageResponse {
        message_sequence,
    }))
}
