//! LinkAddress: an address is the customer's of this conversation.

use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::LinkAddressRequest,
) -> Result<Response<pb::LinkAddressResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    let contact = request.contact.unwrap_or_default();
    let (channel, address) = incoming::contact(&mut checker, Path::field("contact"), &contact);
    checker.finish()?;
    let linked = handle.link_address(key, channel, address).await;
    let previous = linked.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::LinkAddressResponse {
        previous_conversation_id: previous.to_string(),
    }))
}
