//! SubmitMessage: a customer's message comes in.

use everturn_engine::decide::{Opening, SubmitMessage};
use everturn_engine::policy::TurnPolicy;
use everturn_engine::text::{Namespace, Text};
use everturn_proto::v1 as pb;
use everturn_runtime::{Error, Handle};
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::conversation::settle_opening;
use crate::incoming::PolicyChanges;
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::SubmitMessageRequest,
) -> Result<Response<pb::SubmitMessageResponse>, Status> {
    let (namespace, conversation_id, mut message, changes) = read(request)?;
    settle_opening(handle, &namespace, &mut message.opening, changes).await?;
    let submitted = if conversation_id.as_str().is_empty() {
        handle.submit_message_from(namespace, message).await
    } else {
        let key = incoming::key(&namespace, conversation_id.clone());
        let accepted = handle.submit_message(key, message).await;
        accepted.map(|accepted| (conversation_id, accepted))
    };
    let (conversation_id, accepted) = submitted.map_err(|error: Error| error::refused(&error))?;
    Ok(Response::new(pb::SubmitMessageResponse {
        message_sequence: accepted.sequence,
        accept_time: Some(outgoing::timestamp(accepted.time)),
        conversation_id: conversation_id.to_string(),
    }))
}

/// The message and which conversation it is for; none: the one of its address.
fn read(
    request: pb::SubmitMessageRequest,
) -> Result<(Namespace, Text, SubmitMessage, PolicyChanges), Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let mut optional = |field, value: &str| checker.optional_name(Path::field(field), value);
    optional("conversation_type", &request.conversation_type);
    let (channel, customer_address) = match request.from {
        None => {
            checker.root_id(Path::field("conversation_id"), &request.conversation_id);
            checker.name(Path::field("channel"), &request.channel);
            let address = incoming::outside_text(&request.customer_address);
            (request.channel.into(), address)
        }
        Some(from) => {
            let mut excluded = |field, is_set| {
                if is_set {
                    checker.violation(Path::field(field), "is not for a message with \"from\"");
                }
            };
            excluded("conversation_id", !request.conversation_id.is_empty());
            let differs = |value: &str, other: &str| !value.is_empty() && value != other;
            excluded("channel", differs(&request.channel, &from.channel));
            let address = &request.customer_address;
            excluded("customer_address", differs(address, &from.address));
            incoming::contact(&mut checker, Path::field("from"), &from)
        }
    };
    let opt_out = Path::field("opt_out");
    let opt_out = incoming::opt_out(&mut checker, opt_out, request.opt_out);
    let policy = Path::field("turn_policy");
    let changes = incoming::policy_changes(&mut checker, policy, request.turn_policy);
    let message = SubmitMessage {
        opening: Opening {
            type_name: request.conversation_type.into(),
            task_queue: incoming::task_queue(&mut checker, request.task_queue),
            policy: TurnPolicy::default(),
            labels: incoming::labels(&mut checker, Path::field("labels"), request.labels),
            retention: None,
        },
        channel,
        provider_message_id: incoming::outside_id(&request.provider_message_id),
        author_name: incoming::outside_text(&request.author_name),
        content: incoming::outside_content(&mut checker, Path::field("content"), request.content),
        customer_address,
        is_automatic: request.is_automatic,
        opt_out,
    };
    checker.finish()?;
    Ok((namespace, request.conversation_id.into(), message, changes))
}
