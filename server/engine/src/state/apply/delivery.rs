//! How the outbox changes.

use crate::event::{DeliveryStatus, Event};
use crate::state::deadlines::Deadline;
use crate::state::delivery::Holder;
use crate::state::root::Root;
use crate::value::Time;

impl Root {
    pub(super) fn apply_delivery(&mut self, time: Time, event: &Event) {
        let sequence = match event {
            Event::DeliveryStarted { sequence, .. } | Event::DeliveryMoved { sequence, .. } => {
                *sequence
            }
            _ => return,
        };
        let conversation = self.conversation.as_mut();
        let Some(delivery) = conversation.and_then(|c| c.deliveries.get_mut(&sequence)) else {
            return;
        };
        match event {
            Event::DeliveryStarted {
                attempt,
                epoch,
                worker,
                reconciles,
                ..
            } => {
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
                } else if over {
                    delivery.message = None;
                }
            }
            _ => {}
        }
        delivery.updated = time;
        match delivery.due() {
            Some(at) => self.deadlines.arm(Deadline::Delivery(sequence), at),
            None => self.deadlines.disarm(Deadline::Delivery(sequence)),
        }
    }
}
