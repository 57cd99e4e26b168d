//! SetConversationType: what conversations of a type begin with.

use everturn_engine::policy::{TurnPolicy, TypeSettings};
use everturn_engine::value::Span;
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

/// Bounds of a retention: 1 s and 100 years.
const RETENTION: (Span, Span) = (Span::from_secs(1), Span::from_secs(100 * 366 * 86_400));

pub(super) async fn call(
    handle: &Handle,
    request: pb::SetConversationTypeRequest,
) -> Result<Response<pb::SetConversationTypeResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let path = Path::field("settings");
    if request.settings.is_none() {
        checker.violation(path, "is required");
    }
    let settings = request.settings.unwrap_or_default();
    let name = path.then("conversation_type");
    checker.optional_name(name, &settings.conversation_type);
    if settings.conversation_type.contains('/') {
        checker.violation(name, "holds a \"/\"");
    }
    let policy = path.then("turn_policy");
    let changes = incoming::policy_changes(&mut checker, policy, settings.turn_policy);
    let (min, max) = RETENTION;
    let retention = path.then("retention");
    let retention = incoming::bounded(&mut checker, retention, settings.retention, min, max);
    checker.finish()?;
    let mut policy = TurnPolicy::default();
    changes.apply(&mut policy);
    let stored = TypeSettings { policy, retention };
    let set = handle.set_type_settings(namespace, settings.conversation_type.into(), stored);
    set.await.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::SetConversationTypeResponse {}))
}
