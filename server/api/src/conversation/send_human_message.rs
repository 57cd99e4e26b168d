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
    let parts = [
        request.author_name.as_bytes(),
        &incoming::said(request.content.as_ref()),
        request.channel.as_bytes(),
        &incoming::bytes(request.already_sent.as_ref()),
    ];
    let id = incoming::request(
        &mut checker,
        "SendHumanMessage",
        &request.request_id,
        &parts,
    );
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.name(Path::field("author_name"), &request.author_name);
    checker.optional_name(Path::field("channel"), &request.channel);
    let already_sent = request.already_sent.map(|sent| {
        let path = Path::field("already_sent");
        checker.name(path.then("provider_message_id"), &sent.provider_message_id);
        sent.provider_message_id.into()
    });
    let message = SendHumanMessage {
        author_name: request.author_name.into(),
        content: incoming::content(&mut checker, Path::field("content"), request.content),
        channel: request.channel.into(),
        request: id,
        seen_through: request.seen_through_sequence,
        already_sent,
    };
    checker.finish()?;
    let sent = handle.send_human_message(key, message).await;
    let sent = sent.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::SendHumanMessageResponse {
        message_sequence: sent.sequence,
        took_over: sent.took_over,
        is_echo: sent.is_echo,
    }))
}
