//! How the outbox changes.

use crate::event::{DeliveryStatus, EarlyReceipt, Event};
use crate::limits;
use crate::state::deadlines::Deadline;
use crate::state::delivery::{Delivery, Holder};
use crate::state::root::Root;
use crate::text::Text;
use crate::value::Time;

impl Root {
    pub(super) fn apply_delivery(&mut self, time: Time, event: &Event) {
        let sequence = match event {
            Event::DeliveryStarted { sequence, .. }
            | Event::DeliveryMoved { sequence, .. }
            | Event::DeliveryResent { sequence, .. } => *sequence,
            _ => return,
        };
        let conversation = self.conversation.as_mut();
        let Some(delivery) = conversation.and_then(|c| c.deliveries.get_mut(&sequence)) else {
            return;
        };
        change(delivery, time, event);
        let named = (
            delivery.channel.clone(),
            delivery.provider_message_id.clone(),
        );
        match delivery.due() {
            Some(at) => self.deadlines.arm(Deadline::Delivery(sequence), at),
            None => self.deadlines.disarm(Deadline::Delivery(sequence)),
        }
        self.note_provider_id(&named.0, &named.1);
    }

    /// The provider has given one of our messages an id.
    fn note_provider_id(&mut self, channel: &Text, id: &Text) {
        let conversation = self.conversation.as_mut();
        if let Some(thread) = conversation.and_then(|c| c.threads.get_mut(channel)) {
            thread.push(id);
        }
    }

    /// A receipt came before its message has an id: it is kept for it.
    pub(super) fn keep_receipt(&mut self, receipt: &EarlyReceipt) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.early_receipts.push_back(receipt.clone());
        if conversation.early_receipts.len() > limits::EARLY_RECEIPTS {
            conversation.early_receipts.pop_front();
        }
    }
}

/// What an event changes of a delivery itself.
fn change(delivery: &mut Delivery, time: Time, event: &Event) {
    match event {
        Event::DeliveryStarted {
            attempt,
            epoch,
            worker,
            reconciles,
            address,
            ..
        } => {
            if let Some(address) = address {
                delivery.address = address.clone();
            }
            delivery.status = DeliveryStatus::Sending;
            delivery.attempt = *attempt;
            delivery.next_at = None;
            delivery.holder = Some(Holder {
                epoch: *epoch,
                worker: worker.clone(),
                reconciles: *reconciles,
                since: time,
            });
        }
        Event::DeliveryMoved {
            status,
            provider_message_id,
            detail,
            next_at,
            reconcile,
            ..
        } => {
            // The attempt that is under way ends with its own result; a
            // receipt may come before.
            let over = *status != DeliveryStatus::Sending;
            if over {
                delivery.holder = None;
            }
            delivery.status = *status;
            delivery.next_at = *next_at;
            delivery.reconcile = *reconcile;
            delivery.detail = detail.clone();
            if !provider_message_id.as_str().is_empty() {
                delivery.provider_message_id = provider_message_id.clone();
            }
            if *status == DeliveryStatus::Pending {
                delivery.attempt += 1;
            } else if over && !matches!(status, DeliveryStatus::Failed | DeliveryStatus::Unknown) {
                delivery.message = None;
            }
        }
        Event::DeliveryResent {
            channel, address, ..
        } => {
            delivery.channel = channel.clone();
            delivery.address = address.clone();
            delivery.status = DeliveryStatus::Pending;
            delivery.attempt += 1;
            delivery.created = time;
            delivery.next_at = None;
            delivery.reconcile = false;
            delivery.provider_message_id = Text::default();
            delivery.detail = Text::default();
        }
        _ => {}
    }
    delivery.updated = time;
}
