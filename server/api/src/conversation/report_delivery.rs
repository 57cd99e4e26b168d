//! ReportDelivery: what a provider said about a message.

use everturn_engine::decide::{DeliveryRef, ReportDelivery};
use everturn_engine::event::DeliveryStatus;
use everturn_proto::v1 as pb;
use everturn_proto::v1::report_delivery_request::Target;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing};

pub(super) async fn call(
    handle: &Handle,
    request: pb::ReportDeliveryRequest,
) -> Result<Response<pb::ReportDeliveryResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.optional_name(Path::field("channel"), &request.channel);
    let target = match request.target {
        Some(Target::MessageSequence(sequence)) => DeliveryRef::Sequence(sequence),
        Some(Target::ProviderMessageId(id)) => {
            if id.is_empty() {
                checker.violation(Path::field("provider_message_id"), "is required");
            }
            DeliveryRef::ProviderId(incoming::outside_id(&id))
        }
        None => {
            let path = Path::field("target");
            checker.violation(path, "needs message_sequence or provider_message_id");
            DeliveryRef::Sequence(0)
        }
    };
    let status = match pb::DeliveryStatus::try_from(request.status) {
        Ok(pb::DeliveryStatus::Accepted) => Some(DeliveryStatus::Accepted),
        Ok(pb::DeliveryStatus::Delivered) => Some(DeliveryStatus::Delivered),
        Ok(pb::DeliveryStatus::Read) => Some(DeliveryStatus::Read),
        Ok(pb::DeliveryStatus::Failed) => Some(DeliveryStatus::Failed),
        // The provider has said something that has no name here.
        _ => None,
    };
    checker.finish()?;
    let receipt = ReportDelivery {
        target,
        channel: request.channel.into(),
        status,
        detail: incoming::outside_detail(&request.detail),
    };
    let reported = handle.report_delivery(key, receipt);
    let status = reported.await.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::ReportDeliveryResponse {
        status: outgoing::delivery_status(status).into(),
    }))
}
