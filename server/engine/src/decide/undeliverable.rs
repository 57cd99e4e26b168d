//! A message that will not reach the customer: its address is marked, and the
//! policy says what follows.

use crate::decide::mailbox;
use crate::decide::ownership::{HandOff, take_over};
use crate::event::Event;
use crate::limits;
use crate::policy::OnUndeliverable;
use crate::state::conversation::Conversation;
use crate::text::{Text, TypeName};
use crate::transition::Transaction;
use crate::value::{Blob, InboundEvent, Payload};

/// Does what follows a delivery that has failed for good.
pub(super) fn undeliverable(tx: &mut Transaction<'_>, sequence: u64) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let Some(delivery) = conversation.deliveries.get(&sequence) else {
        return;
    };
    let (channel, address) = (delivery.channel.clone(), delivery.address.clone());
    let detail = delivery.detail.clone();
    let policy = conversation.policy.channels.get(&channel);
    let then = policy.map_or(OnUndeliverable::Nothing, |it| it.on_undeliverable.clone());
    tx.emit(Event::AddressFailed {
        channel: channel.clone(),
        address,
        detail: detail.clone(),
    });
    if tx.root.conversation.as_ref().is_none_or(|c| !c.is_open()) {
        return;
    }
    match then {
        OnUndeliverable::Nothing => {}
        OnUndeliverable::NextChannel => go_by_another(tx, sequence),
        OnUndeliverable::HandOff(assignee) => {
            let reason = format!("message {sequence} cannot be delivered by {channel}: {detail}");
            let end = reason.floor_char_boundary(limits::REASON_BYTES);
            let request = HandOff {
                assignee,
                reason: reason[..end].into(),
                context: None,
            };
            take_over(tx, request);
        }
        OnUndeliverable::Event(event_type) => happen(tx, event_type, sequence, &channel, &detail),
    }
    mailbox::settle(tx);
}

/// The message goes out by another channel, if there is one whose address
/// takes messages and by which it has not failed.
fn go_by_another(tx: &mut Transaction<'_>, sequence: u64) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    if let Some((channel, address)) = another(conversation, sequence) {
        resend(tx, sequence, channel, address);
    }
}

fn another(conversation: &Conversation, sequence: u64) -> Option<(Text, Text)> {
    let delivery = conversation.deliveries.get(&sequence)?;
    delivery.message.as_ref()?;
    let mut others = conversation.addresses.iter().filter(|(channel, address)| {
        let failed = conversation.failed_addresses.get(*channel);
        let alive = failed.is_none_or(|it| it.address != **address);
        alive && !conversation.opt_outs.contains_key(*channel) && **channel != delivery.channel
    });
    let (channel, address) = others.next()?;
    Some((channel.clone(), address.clone()))
}

/// The message is on its way again.
pub(super) fn resend(tx: &mut Transaction<'_>, sequence: u64, channel: Text, address: Text) {
    tx.emit(Event::DeliveryResent {
        sequence,
        channel: channel.clone(),
        address,
    });
    tx.offer_delivery(sequence);
    // It holds back what stood behind it, anew.
    tx.offer_channel(&channel);
}

/// The event that tells the agents of it.
fn happen(
    tx: &mut Transaction<'_>,
    event_type: TypeName,
    sequence: u64,
    channel: &Text,
    detail: &Text,
) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    if conversation.events.len() >= limits::MAILBOX_EVENTS {
        return;
    }
    let json = serde_json::json!({
        "messageSequence": sequence,
        "channel": channel.as_str(),
        "detail": detail.as_str(),
    });
    let event = InboundEvent {
        sequence: conversation.event_count + 1,
        event_type,
        event_id: Text::default(),
        payload: Payload {
            data: Blob(json.to_string().into()),
            content_type: Text::default(),
        },
        time: tx.context.now,
        after_message: conversation.message_count,
    };
    tx.emit(Event::EventReceived(event));
}
