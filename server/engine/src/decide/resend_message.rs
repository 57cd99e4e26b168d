//! ResendMessage: a message whose delivery has failed goes out again.

use crate::decide::open_conversation;
use crate::decide::undeliverable::resend;
use crate::event::DeliveryStatus;
use crate::rejection::Rejection;
use crate::state::request::Request;
use crate::text::Text;
use crate::transition::Transaction;

/// A message to send again, validated.
#[derive(Clone, Debug)]
pub struct ResendMessage {
    /// Its position in the transcript.
    pub sequence: u64,
    /// Channel, or empty for the one that it was sent by.
    pub channel: Text,
    /// The id of the request.
    pub request: Request,
}

/// Sends the message again, to the present address. The same request does so
/// once.
///
/// # Errors
/// `ConversationNotFound`, `ConversationClosed`, `DeliveryNotFound`,
/// `NotResendable`, `RequestIdReused`.
pub fn resend_message(tx: &mut Transaction<'_>, request: ResendMessage) -> Result<(), Rejection> {
    if tx.root.knows_request(request.request)? {
        return Ok(());
    }
    let conversation = open_conversation(tx.root)?;
    let delivery = conversation.deliveries.get(&request.sequence);
    let delivery = delivery.ok_or(Rejection::DeliveryNotFound)?;
    match delivery.status {
        DeliveryStatus::Failed | DeliveryStatus::Unknown => {}
        DeliveryStatus::Pending | DeliveryStatus::Sending => {
            return Err(Rejection::NotResendable("it is under way"));
        }
        _ => return Err(Rejection::NotResendable("the provider has it")),
    }
    if delivery.message.is_none() {
        return Err(Rejection::NotResendable("its content is not kept"));
    }
    let channel = match request.channel.as_str() {
        "" => delivery.channel.clone(),
        _ => request.channel,
    };
    let address = conversation.addresses.get(&channel).cloned();
    let same = channel == delivery.channel;
    let address = address.or_else(|| same.then(|| delivery.address.clone()));
    let no_address = Rejection::NotResendable("there is no address for the channel");
    let address = address.ok_or(no_address)?;
    tx.remember(request.request);
    resend(tx, request.sequence, channel, address);
    Ok(())
}
