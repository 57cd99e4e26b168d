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
    let order = request.after_sequence.min(1).to_string();
    let (namespace, id) = (&request.namespace, &request.conversation_id);
    let scope = page_token::scope(&["ListMessages", namespace, id, &order]);
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    let limit = checker.page_size(request.page_size, 100, 1_000);
    checker.finish()?;
    let place = page_token::read_place(scope, &request.page_token)?;
    let page = if request.after_sequence > 0 {
        let after = place.map_or(request.after_sequence, |(_, sequence)| sequence);
        handle.messages(key, after, limit).await
    } else {
        handle.messages_by_time(key, place, limit).await
    };
    let page = page.map_err(|error| error::refused(&error))?;
    let last = page.messages.last().filter(|_| page.more);
    let next = last.map(|message| page_token::write_place(scope, message.time, message.sequence));
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
