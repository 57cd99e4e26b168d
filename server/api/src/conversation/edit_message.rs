//! EditMessage: the customer has edited a message.

use everturn_engine::decide::ChangeMessage;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::EditMessageRequest,
) -> Result<Response<pb::EditMessageResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.name(Path::field("channel"), &request.channel);
    if request.provider_message_id.is_empty() {
        checker.violation(Path::field("provider_message_id"), "is required");
    }
    let content = Path::field("content");
    let content = incoming::outside_content(&mut checker, content, request.content);
    let change = ChangeMessage {
        channel: request.channel.into(),
        address: incoming::outside_text(&request.customer_address),
        provider_message_id: incoming::outside_id(&request.provider_message_id),
        content: Some(content),
    };
    checker.finish()?;
    let changed = handle.change_message(key, change).await;
    let changed = changed.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::EditMessageResponse {
        message_sequence: changed.sequence,
        change_sequence: changed.changed_by,
    }))
}
