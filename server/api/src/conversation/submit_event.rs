//! SubmitEvent: something happened outside.

use everturn_engine::decide::{Opening, SubmitEvent};
use everturn_engine::policy::TurnPolicy;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::conversation::settle_opening;
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::SubmitEventRequest,
) -> Result<Response<pb::SubmitEventResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    let mut optional = |field, value: &str| checker.optional_name(Path::field(field), value);
    optional("conversation_type", &request.conversation_type);
    optional("reply_channel", &request.reply_channel);
    checker.name(Path::field("event_type"), &request.event_type);
    let policy = Path::field("turn_policy");
    let changes = incoming::policy_changes(&mut checker, policy, request.turn_policy);
    let addresses = Path::field("addresses");
    let mut event = SubmitEvent {
        opening: Opening {
            type_name: request.conversation_type.into(),
            task_queue: incoming::task_queue(&mut checker, request.task_queue),
            policy: TurnPolicy::default(),
            labels: incoming::labels(&mut checker, Path::field("labels"), request.labels),
            retention: None,
        },
        event_type: request.event_type.into(),
        event_id: incoming::outside_id(&request.event_id),
        payload: incoming::payload(&mut checker, Path::field("payload"), request.payload),
        addresses: incoming::addresses(&mut checker, addresses, request.addresses),
        reply_channel: request.reply_channel.into(),
    };
    checker.finish()?;
    settle_opening(handle, &key.namespace, &mut event.opening, changes).await?;
    let accepted = handle.submit_event(key, event).await;
    let accepted = accepted.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::SubmitEventResponse {
        event_sequence: accepted.sequence,
        accept_time: Some(outgoing::timestamp(accepted.time)),
    }))
}
