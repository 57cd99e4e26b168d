//! ListMessages: the transcript, exactly as of now.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::Checker;
use crate::{error, incoming, outgoing, page_token};

pub(super) async fn call(
    handle: &Handle,
    request: pb::ListMessagesRequest,
) -> Result<Response<pb::ListMessagesResponse>, Status> {
    let mut checker = Checker::default();
    let scope = page_token::scope(&["ListMessages", &request.namespace, &request.conversation_id]);
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    let limit = checker.page_size(request.page_size, 100, 1_000);
    checker.finish()?;
    let position = page_token::read_position(scope, &request.page_token)?;
    let after = position.unwrap_or(request.after_sequence);
    let page = handle.messages(key, after, limit).await;
    let page = page.map_err(|error| error::refused(&error))?;
    let last = page.messages.last().filter(|_| page.more);
    let next = last.map(|message| page_token::write_position(scope, message.sequence));
    Ok(Response::new(pb::ListMessagesResponse {
        messages: page
            .messages
            .iter()
            .filter(|message| request.include_notes || !message.is_note)
            .map(|message| pb::Message {
                delivery: page
                    .deliveries
                    .get(&message.sequence)
                    .map(|it| outgoing::delivery_now(it, handle.now())),
                ..outgoing::message(message)
            })
            .collect(),
        next_page_token: next.unwrap_or_default(),
    }))
}
