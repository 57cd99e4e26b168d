//! ReportDelivery: what a provider says about a message that it was given.

use crate::decide::deliveries::moved;
use crate::decide::undeliverable::undeliverable;
use crate::event::{DeliveryStatus, EarlyReceipt, Event};
use crate::rejection::Rejection;
use crate::state::conversation::Conversation;
use crate::state::delivery::Delivery;
use crate::text::Text;
use crate::transition::Transaction;

/// Which delivery a receipt is for.
#[derive(Clone, Debug)]
pub enum DeliveryRef {
    /// By the position of the message in the transcript.
    Sequence(u64),
    /// By the id that the provider gave it.
    ProviderId(Text),
}

/// A receipt, validated.
#[derive(Clone, Debug)]
pub struct ReportDelivery {
    /// Which delivery.
    pub target: DeliveryRef,
    /// Channel of the message, or empty if ids are unique among channels.
    pub channel: Text,
    /// What became of it; `None`: something that has no name here.
    pub status: Option<DeliveryStatus>,
    /// What the provider said.
    pub detail: Text,
}

/// Moves a delivery forward; a receipt that says nothing new changes nothing.
/// One that comes before its message has an id is kept for it. The answer is
/// how it stands.
///
/// # Errors
/// `ConversationNotFound`, `DeliveryNotFound`.
pub fn report_delivery(
    tx: &mut Transaction<'_>,
    request: ReportDelivery,
) -> Result<DeliveryStatus, Rejection> {
    let conversation = tx.root.conversation.as_ref();
    let conversation = conversation.ok_or(Rejection::ConversationNotFound)?;
    let Some(delivery) = find(conversation, &request) else {
        return keep(tx, request);
    };
    let Some(status) = request.status.filter(|status| *status > delivery.status) else {
        return Ok(delivery.status);
    };
    let sequence = delivery.sequence;
    moved(tx, sequence, status, Text::default(), request.detail);
    if status == DeliveryStatus::Failed {
        undeliverable(tx, sequence);
    }
    Ok(status)
}

fn find<'a>(conversation: &'a Conversation, request: &ReportDelivery) -> Option<&'a Delivery> {
    match &request.target {
        DeliveryRef::Sequence(sequence) => conversation.deliveries.get(sequence),
        DeliveryRef::ProviderId(id) => conversation.deliveries.values().rfind(|delivery| {
            let any = request.channel.as_str().is_empty();
            delivery.provider_message_id == *id && (any || delivery.channel == request.channel)
        }),
    }
}

/// Keeps a receipt if its message may be one whose adapter has not said yet
/// which id it has.
fn keep(tx: &mut Transaction<'_>, request: ReportDelivery) -> Result<DeliveryStatus, Rejection> {
    let (DeliveryRef::ProviderId(id), Some(status)) = (request.target, request.status) else {
        return Err(Rejection::DeliveryNotFound);
    };
    let conversation = tx.root.conversation.as_ref();
    let mut nameless = conversation.iter().flat_map(|c| c.deliveries.values());
    let any = request.channel.as_str().is_empty();
    let may_be = nameless.any(|it| {
        it.is_under_way()
            && it.provider_message_id.as_str().is_empty()
            && (any || it.channel == request.channel)
    });
    if !may_be {
        return Err(Rejection::DeliveryNotFound);
    }
    tx.emit(Event::EarlyReceipt(EarlyReceipt {
        channel: request.channel,
        provider_message_id: id,
        status,
        detail: request.detail,
    }));
    Ok(status)
}
