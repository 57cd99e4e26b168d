//! ReportDelivery: what a provider said about a message.

use everturn_engine::decide::DeliveryRef;
use everturn_engine::event::DeliveryStatus;
use everturn_engine::limits;
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
    checker.text(Path::field("detail"), &request.detail, limits::REASON_BYTES);
    let target = match request.target {
        Some(Target::MessageSequence(sequence)) => DeliveryRef::Sequence(sequence),
        Some(Target::ProviderMessageId(id)) => {
            checker.name(Path::field("provider_message_id"), &id);
            DeliveryRef::ProviderId(id.into())
        }
        None => {
            let path = Path::field("target");
            checker.violation(path, "needs message_sequence or provider_message_id");
            DeliveryRef::Sequence(0)
        }
    };
    let status = match pb::DeliveryStatus::try_from(request.status) {
        Ok(pb::DeliveryStatus::Accepted) => DeliveryStatus::Accepted,
        Ok(pb::DeliveryStatus::Delivered) => DeliveryStatus::Delivered,
        Ok(pb::DeliveryStatus::Read) => DeliveryStatus::Read,
        Ok(pb::DeliveryStatus::Failed) => DeliveryStatus::Failed,
        _ => {
            let text = "is not one of ACCEPTED, DELIVERED, READ, FAILED";
            checker.violation(Path::field("status"), text);
            DeliveryStatus::Accepted
        }
    };
    checker.finish()?;
    let reported = handle.report_delivery(key, target, status, request.detail.into());
    let status = reported.await.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::ReportDeliveryResponse {
        status: outgoing::delivery_status(status).into(),
    }))
}
