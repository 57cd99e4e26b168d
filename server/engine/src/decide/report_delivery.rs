//! ReportDelivery: what a provider says about a message that it was given.

use crate::decide::deliveries::moved;
use crate::event::DeliveryStatus;
use crate::rejection::Rejection;
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

/// Moves a delivery forward; a receipt that says nothing new changes nothing.
/// The answer is how it stands.
///
/// # Errors
/// `ConversationNotFound`, `DeliveryNotFound`.
pub fn report_delivery(
    tx: &mut Transaction<'_>,
    target: &DeliveryRef,
    status: DeliveryStatus,
    detail: Text,
) -> Result<DeliveryStatus, Rejection> {
    let conversation = tx
        .root
        .conversation
        .as_ref()
        .ok_or(Rejection::ConversationNotFound)?;
    let delivery = match target {
        DeliveryRef::Sequence(sequence) => conversation.deliveries.get(sequence),
        DeliveryRef::ProviderId(id) => conversation
            .deliveries
            .values()
            .find(|delivery| delivery.provider_message_id == *id),
    };
    let delivery = delivery.ok_or(Rejection::DeliveryNotFound)?;
    if status <= delivery.status {
        return Ok(delivery.status);
    }
    let sequence = delivery.sequence;
    moved(tx, sequence, status, Text::default(), detail);
    Ok(status)
}
