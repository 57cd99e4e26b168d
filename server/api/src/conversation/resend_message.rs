//! ResendMessage: a message whose delivery has failed goes out again.

use everturn_engine::decide::ResendMessage;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::ResendMessageRequest,
) -> Result<Response<pb::ResendMessageResponse>, Status> {
    let mut checker = Checker::default();
    let parts = [
        &request.message_sequence.to_be_bytes()[..],
        request.channel.as_bytes(),
    ];
    let id = incoming::request(&mut checker, "ResendMessage", &request.request_id, &parts);
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.optional_name(Path::field("channel"), &request.channel);
    if request.message_sequence == 0 {
        checker.violation(Path::field("message_sequence"), "is required");
    }
    let resend = ResendMessage {
        sequence: request.message_sequence,
        channel: request.channel.into(),
        request: id,
    };
    checker.finish()?;
    let resent = handle.resend_message(key, resend).await;
    resent.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::ResendMessageResponse {}))
}
