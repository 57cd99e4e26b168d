//! GetConversationType: what conversations of a type begin with.

use everturn_engine::text::TypeName;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::GetConversationTypeRequest,
) -> Result<Response<pb::GetConversationTypeResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    checker.optional_name(Path::field("conversation_type"), &request.conversation_type);
    checker.finish()?;
    let type_name: TypeName = request.conversation_type.into();
    let settings = handle.type_settings(&namespace, &type_name).await;
    let settings = settings.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::GetConversationTypeResponse {
        settings: Some(pb::ConversationType {
            conversation_type: type_name.to_string(),
            turn_policy: Some(outgoing::turn_policy(&settings.policy)),
            retention: settings.retention.map(outgoing::duration),
        }),
    }))
}
