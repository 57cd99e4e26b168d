//! SubmitMessage: a customer's message comes in.

use everturn_engine::decide::{Opening, SubmitMessage};
use everturn_engine::policy::TurnPolicy;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::conversation::settle_opening;
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::SubmitMessageRequest,
) -> Result<Response<pb::SubmitMessageResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    let mut optional = |field, value: &str| checker.optional_name(Path::field(field), value);
    optional("conversation_type", &request.conversation_type);
    checker.name(Path::field("channel"), &request.channel);
    let opt_out = Path::field("opt_out");
    let opt_out = incoming::opt_out(&mut checker, opt_out, request.opt_out);
    let policy = Path::field("turn_policy");
    let changes = incoming::policy_changes(&mut checker, policy, request.turn_policy);
    let mut message = SubmitMessage {
        opening: Opening {
            type_name: request.conversation_type.into(),
            task_queue: incoming::task_queue(&mut checker, request.task_queue),
            policy: TurnPolicy::default(),
            labels: incoming::labels(&mut checker, Path::field("labels"), request.labels),
            retention: None,
        },
        channel: request.channel.into(),
        provider_message_id: incoming::outside_id(&request.provider_message_id),
        author_name: incoming::outside_text(&request.author_name),
        content: incoming::outside_content(&mut checker, Path::field("content"), request.content),
        customer_address: incoming::outside_text(&request.customer_address),
        is_automatic: request.is_automatic,
        opt_out,
    };
    checker.finish()?;
    settle_opening(handle, &key, &mut message.opening, changes).await?;
    let accepted = handle.submit_message(key, message).await;
    let accepted = accepted.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::SubmitMessageResponse {
        message_sequence: accepted.sequence,
        accept_time: Some(outgoing::timestamp(accepted.time)),
    }))
}
