//! A worker takes an attempt of an activity.

use crate::decide::attempt::ActivityStart;
use crate::decide::deliveries::begin_delivery;
use crate::event::{Event, Slot};
use crate::rejection::Rejection;
use crate::state::root::Root;
use crate::state::run::{Run, Stage};
use crate::text::{StepKey, Text};
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
    let reserves = matches!(pending.stage, Stage::Started { .. });
    let reserved = !reserves && tx.root.is_budget_reserved(pending);
    if tx.root.holds_activities(slot) || reserved {
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
        idempotency_key: episode_key(tx.root, run, &pending.key),
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

/// The idempotency key of a step of a turn that takes up the work of another
/// one: that one's, so that what it has begun is not done twice. Empty for all
/// others.
fn episode_key(root: &Root, run: &Run, key: &StepKey) -> Text {
    let turn = root.conversation.as_ref().and_then(|c| c.turn.as_ref());
    let Some(turn) = turn.filter(|turn| turn.episode != 0 && turn.episode != turn.number) else {
        return Text::default();
    };
    let id = &root.key.id;
    let own = format!("{id}/turn-{}", turn.number);
    let below = run.workflow_id.as_str().strip_prefix(&own);
    match below.filter(|below| below.is_empty() || below.starts_with('/')) {
        Some(below) => format!("{id}/turn-{}{below}/{key}", turn.episode).into(),
        None => Text::default(),
    }
}
