//! A worker takes an attempt of an activity.

use crate::decide::attempt::ActivityStart;
use crate::decide::deliveries::begin_delivery;
use crate::event::{Event, Slot};
use crate::rejection::Rejection;
use crate::state::run::Stage;
use crate::text::Text;
use crate::transition::Transaction;

/// The worker that takes an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Taker<'a> {
    /// Its identity.
    pub identity: &'a Text,
    /// As an adapter it can find out whether a message was sent.
    pub reconciles: bool,
}

/// Starts the attempt that was offered, or starts it again for another worker
/// if the first one never confirmed the delivery.
///
/// # Errors
/// `Stale` when the attempt is over, was never offered, or must not start now.
pub fn begin_activity(
    tx: &mut Transaction<'_>,
    slot: Slot,
    activity: u64,
    attempt: u32,
    worker: Taker<'_>,
) -> Result<ActivityStart, Rejection> {
    if slot == 0 {
        let Taker {
            identity,
            reconciles,
        } = worker;
        return begin_delivery(tx, activity, attempt, identity, reconciles);
    }
    let run = tx.root.runs.get(&slot).ok_or(Rejection::Stale)?;
    let pending = run.activities.get(&activity).ok_or(Rejection::Stale)?;
    let waits = matches!(pending.stage, Stage::BackingOff(_));
    if pending.attempt != attempt || waits {
        return Err(Rejection::Stale);
    }
    if tx.root.holds_activities(slot) {
        // Not offered now, but noted.
        tx.offer_activity(slot, activity);
        return Err(Rejection::Stale);
    }
    let now = tx.context.now;
    let start = ActivityStart {
        epoch: tx.context.take_epoch(),
        deadline: now + pending.options.start_to_close,
        activity: pending.clone(),
        durable_first: pending.options.retry.maximum_attempts == 1,
        delivery: None,
    };
    tx.emit(Event::ActivityStarted {
        slot,
        activity,
        attempt,
        epoch: start.epoch,
        worker: worker.identity.clone(),
    });
    Ok(start)
}
