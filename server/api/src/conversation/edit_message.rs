//! EditMessage: the customer has edited a message.

use everturn_engine::decide::ChangeMessage;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::conversation::named_or_of;
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::EditMessageRequest,
) -> Result<Response<pb::EditMessageResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let address = incoming::outside_text(&request.customer_address);
    incoming::named_or_of(&mut checker, &request.conversation_id, &address);
    checker.name(Path::field("channel"), &request.channel);
    if request.provider_message_id.is_empty() {
        checker.violation(Path::field("provider_message_id"), "is required");
    }
    let content = Path::field("content");
    let content = incoming::outside_content(&mut checker, content, request.content);
    let change = ChangeMessage {
        channel: request.channel.into(),
        address,
        provider_message_id: incoming::outside_id(&request.provider_message_id),
        content: Some(content),
    };
    checker.finish()?;
    let (channel, address) = (&change.channel, &change.address);
    let id = request.conversation_id;
    let key = named_or_of(handle, namespace, id, channel, address).await?;
    let changed = handle.change_message(key, change).await;
    let changed = changed.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::EditMessageResponse {
        message_sequence: changed.sequence,
        change_sequence: changed.changed_by,
    }))
}
