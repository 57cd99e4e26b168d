//! UpdateConversation: labels, addresses, policy, reply channel, type, queue.

use everturn_engine::decide::UpdateConversation;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::UpdateConversationRequest,
) -> Result<Response<pb::UpdateConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    let mut optional = |field, value: &str| checker.optional_name(Path::field(field), value);
    optional("reply_channel", &request.reply_channel);
    optional("conversation_type", &request.conversation_type);
    optional("task_queue", &request.task_queue);
    let policy = Path::field("turn_policy");
    let changes = incoming::policy_changes(&mut checker, policy, request.turn_policy);
    let (addresses, opt_outs) = (Path::field("addresses"), Path::field("opt_outs"));
    let update = UpdateConversation {
        labels: incoming::labels(&mut checker, Path::field("labels"), request.labels),
        addresses: incoming::addresses(&mut checker, addresses, request.addresses),
        policy: Box::new(move |policy| changes.apply(policy)),
        reply_channel: request.reply_channel.into(),
        type_name: request.conversation_type.into(),
        task_queue: request.task_queue.into(),
        opt_outs: incoming::opt_outs(&mut checker, opt_outs, &request.opt_outs),
    };
    checker.finish()?;
    let record = handle.update_conversation(key, update).await;
    let record = record.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::UpdateConversationResponse {
        conversation: Some(outgoing::conversation(&record, handle.now())),
    }))
}
