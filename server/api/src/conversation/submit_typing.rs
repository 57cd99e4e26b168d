//! SubmitTyping: somebody is typing.

use everturn_engine::text::Text;
use everturn_engine::value::AuthorKind;
use everturn_proto::v1 as pb;
use everturn_runtime::{Handle, Typing};
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::conversation::named_or_of;
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::SubmitTypingRequest,
) -> Result<Response<pb::SubmitTypingResponse>, Status> {
    let mut checker = Checker::default();
    let author = match request.author_kind() {
        pb::AuthorKind::Unspecified | pb::AuthorKind::Customer => AuthorKind::Customer,
        pb::AuthorKind::Agent => AuthorKind::Agent,
        pb::AuthorKind::Human => AuthorKind::Human,
        pb::AuthorKind::System => {
            checker.violation(Path::field("author_kind"), "does not type");
            AuthorKind::System
        }
    };
    let namespace = incoming::namespace(&mut checker, request.namespace);
    let address = incoming::outside_text(&request.customer_address);
    incoming::named_or_of(&mut checker, &request.conversation_id, &address);
    checker.optional_name(Path::field("channel"), &request.channel);
    checker.optional_name(Path::field("author_name"), &request.author_name);
    checker.finish()?;
    let channel: Text = request.channel.into();
    let id = request.conversation_id;
    let key = named_or_of(handle, namespace, id, &channel, &address).await?;
    let typing = Typing {
        author,
        author_name: request.author_name.into(),
        channel,
        is_typing: !request.has_stopped,
    };
    let told = handle.submit_typing(key, typing).await;
    told.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::SubmitTypingResponse {}))
}
