//! The outbox: attempts of adapters, and what becomes of them.
//!
//! An attempt that failed before the provider had the message is repeated. One
//! that was lost afterwards is unknown: it is not repeated, unless its adapter
//! can ask the provider.

use crate::decide::attempt::{ActivityStart, ActivityToken, DeliveryTask, InReplyTo};
use crate::decide::undeliverable::undeliverable;
use crate::event::{DeliveryStatus, Event, RunEvent};
use crate::policy::ActivityOptions;
use crate::rejection::Rejection;
use crate::state::conversation::Conversation;
use crate::state::delivery::{Delivery, SEND_TIMEOUT};
use crate::state::run::{Activity, Stage};
use crate::text::Text;
use crate::transition::Transaction;
use crate::value::{Failure, FailureKind, Payload, Time};

/// Name of the activity that adapters are given.
pub const DELIVER: &str = "deliver";

/// Starts the attempt that was offered.
///
/// # Errors
/// `Stale` when it is over, under way, or the conversation is paused.
pub(super) fn begin_delivery(
    tx: &mut Transaction<'_>,
    sequence: u64,
    attempt: u32,
    worker: &Text,
    reconciles: bool,
) -> Result<ActivityStart, Rejection> {
    let key = tx.root.key.clone();
    let conversation = tx.root.conversation.as_ref().ok_or(Rejection::Stale)?;
    let delivery = conversation
        .deliveries
        .get(&sequence)
        .ok_or(Rejection::Stale)?;
    let wanted = delivery.is_queued() && delivery.attempt == attempt;
    let now = tx.context.now;
    let held_back = conversation.delivery_held_until(delivery, now).is_some();
    let paused = conversation.pause.is_some() || held_back;
    let able = reconciles || !delivery.reconcile;
    let message = delivery.message.clone().ok_or(Rejection::Stale)?;
    if wanted && paused {
        // Not offered now, but noted.
        tx.offer_delivery(sequence);
        return Err(Rejection::Stale);
    }
    if !wanted || !able {
        return Err(Rejection::Stale);
    }
    let idempotency_key: Text = format!("{}/message-{sequence}", key.id).into();
    let current = conversation.addresses.get(&delivery.channel);
    let current = current.filter(|address| **address != delivery.address);
    let address = current.cloned();
    let task = DeliveryTask {
        message,
        address: current.unwrap_or(&delivery.address).clone(),
        in_reply_to: in_reply_to(conversation, delivery),
        changed_provider_message_id: changed(conversation, delivery),
        idempotency_key: idempotency_key.clone(),
        reconcile: delivery.reconcile,
    };
    let mut options = ActivityOptions::on(delivery.queue());
    options.start_to_close = SEND_TIMEOUT;
    let start = ActivityStart {
        epoch: tx.context.take_epoch(),
        deadline: now + SEND_TIMEOUT,
        activity: Activity {
            key: idempotency_key.as_str().into(),
            activity_type: DELIVER.into(),
            input: Payload::default(),
            options: Box::new(options),
            scheduled: now,
            attempt,
            stage: Stage::Queued(now),
            cancel_requested: false,
            last_failure: None,
            heartbeat_details: None,
            heard: Time(0),
            stands_still: false,
            blocked_stack: Text::default(),
        },
        durable_first: true,
        delivery: Some(Box::new(task)),
        idempotency_key: Text::default(),
    };
    tx.emit(Event::DeliveryStarted {
        sequence,
        attempt,
        epoch: start.epoch,
        worker: worker.clone(),
        reconciles,
        address,
    });
    Ok(start)
}

/// Id of the message that a delivery changes.
fn changed(conversation: &Conversation, delivery: &Delivery) -> Text {
    let change = delivery.message.as_ref().and_then(|message| message.change);
    let changed = change.and_then(|change| conversation.deliveries.get(&change.of()));
    changed
        .map(|it| it.provider_message_id.clone())
        .unwrap_or_default()
}

/// What a delivery answers, for providers that show threads.
fn in_reply_to(conversation: &Conversation, delivery: &Delivery) -> InReplyTo {
    let thread = conversation.threads.get(&delivery.channel);
    let references = thread.map(|it| it.references.iter().cloned().collect());
    InReplyTo {
        provider_message_ids: delivery.in_reply_to.clone(),
        subject: thread.map(|it| it.subject.clone()).unwrap_or_default(),
        references: references.unwrap_or_default(),
    }
}

/// The provider took the message. When a receipt has said so before, only the
/// provider's id is news.
///
/// # Errors
/// `Fenced` when the attempt is over.
pub fn accept_delivery(
    tx: &mut Transaction<'_>,
    token: ActivityToken,
    provider_message_id: Text,
) -> Result<(), Rejection> {
    if let Some(known) = overtaken(tx, token).filter(|_| !provider_message_id.as_str().is_empty()) {
        let event = Event::DeliveryMoved {
            sequence: token.activity,
            status: known.status,
            provider_message_id,
            detail: known.detail.clone(),
            next_at: None,
            reconcile: false,
        };
        tx.emit(event);
        return Ok(());
    }
    let channel = current(tx, token)?.channel.clone();
    let early = early_receipt(tx, &channel, &provider_message_id);
    let (status, detail) = early.unwrap_or((DeliveryStatus::Accepted, Text::default()));
    moved(tx, token.activity, status, provider_message_id, detail);
    Ok(())
}

/// What the provider has said of a message before its id was known.
fn early_receipt(
    tx: &Transaction<'_>,
    channel: &Text,
    id: &Text,
) -> Option<(DeliveryStatus, Text)> {
    let conversation = tx.root.conversation.as_ref()?;
    let kept = conversation.early_receipts.iter();
    let kept = kept.filter(|it| it.provider_message_id == *id && !id.as_str().is_empty());
    let kept = kept.filter(|it| it.channel == *channel || it.channel.as_str().is_empty());
    let last = kept.max_by_key(|it| it.status)?;
    Some((last.status, last.detail.clone()))
}

/// The attempt failed and the provider does not have the message.
///
/// # Errors
/// `Fenced` when the attempt is over.
pub(super) fn fail_delivery(
    tx: &mut Transaction<'_>,
    token: ActivityToken,
    failure: &Failure,
) -> Result<(), Rejection> {
    let delivery = current(tx, token)?;
    let attempt = delivery.attempt;
    let sequence = token.activity;
    if failure.kind == FailureKind::WorkerLost {
        // The adapter itself cannot say whether the provider has it.
        lose_delivery(tx, sequence, attempt);
        return Ok(());
    }
    let expires = expires(tx, sequence);
    let jitter = tx.context.take_fraction();
    let now = tx.context.now;
    let detail = Text::from(format!("{}: {}", failure.type_name, failure.message));
    let delay = Delivery::retry_policy().delay_after(attempt, failure, jitter);
    match delay.filter(|delay| now + *delay <= expires) {
        Some(delay) => again(tx, sequence, detail, now + delay, false),
        None => {
            let (status, none) = (DeliveryStatus::Failed, Text::default());
            moved(tx, sequence, status, none, detail);
            if failure.non_retryable {
                undeliverable(tx, sequence);
            }
        }
    }
    Ok(())
}

/// When a message is not worth sending any more.
fn expires(tx: &Transaction<'_>, sequence: u64) -> Time {
    let conversation = tx.root.conversation.as_ref();
    let delivery = conversation.and_then(|c| Some((c, c.deliveries.get(&sequence)?)));
    delivery.map_or(Time(i64::MAX), |(conversation, delivery)| {
        delivery.since() + conversation.policy.expires_after(&delivery.channel)
    })
}

/// The adapter of an attempt went away or took too long: nobody knows whether
/// the provider has the message.
pub(super) fn lose_delivery(tx: &mut Transaction<'_>, sequence: u64, attempt: u32) {
    let now = tx.context.now;
    let conversation = tx.root.conversation.as_ref();
    let Some(delivery) = conversation.and_then(|c| c.deliveries.get(&sequence)) else {
        return;
    };
    let Some(holder) = delivery
        .holder
        .as_ref()
        .filter(|_| delivery.attempt == attempt)
    else {
        return;
    };
    let detail = Text::from("the adapter was lost while it had the message");
    let reconciles = holder.reconciles;
    if reconciles && now < expires(tx, sequence) {
        again(tx, sequence, detail, now, true);
    } else {
        moved(
            tx,
            sequence,
            DeliveryStatus::Unknown,
            Text::default(),
            detail,
        );
    }
}

/// An attempt could not be started. One that another adapter may have, since
/// it never confirmed the delivery, counts as lost; and one that has to be
/// reconciled is unknown when the adapter at hand cannot do that.
pub fn refuse_delivery(tx: &mut Transaction<'_>, sequence: u64, attempt: u32) {
    let conversation = tx.root.conversation.as_ref();
    let Some(delivery) = conversation.and_then(|c| c.deliveries.get(&sequence)) else {
        return;
    };
    if delivery.attempt != attempt || conversation.is_none_or(|c| c.pause.is_some()) {
        return;
    }
    if delivery.holder.is_some() {
        tx.cancel_delivery(sequence);
        lose_delivery(tx, sequence, attempt);
    } else if delivery.reconcile && delivery.is_queued() {
        let detail = Text::from("no adapter can find out whether it was sent");
        moved(
            tx,
            sequence,
            DeliveryStatus::Unknown,
            Text::default(),
            detail,
        );
    }
}

/// An attempt that was started never left: it goes back to its queue.
pub fn return_delivery(tx: &mut Transaction<'_>, sequence: u64, attempt: u32) {
    let now = tx.context.now;
    let conversation = tx.root.conversation.as_ref();
    let delivery = conversation.and_then(|c| c.deliveries.get(&sequence));
    let held = delivery.filter(|d| d.holder.is_some() && d.attempt == attempt);
    if let Some(reconcile) = held.map(|d| d.reconcile) {
        again(tx, sequence, Text::default(), now, reconcile);
    }
}

/// A deadline of a delivery has come: its backoff passed, or its attempt took
/// too long.
pub(super) fn delivery_due(tx: &mut Transaction<'_>, sequence: u64) {
    let conversation = tx.root.conversation.as_mut();
    let Some(delivery) = conversation.and_then(|c| c.deliveries.get_mut(&sequence)) else {
        return;
    };
    if delivery.holder.is_some() {
        let attempt = delivery.attempt;
        tx.cancel_delivery(sequence);
        lose_delivery(tx, sequence, attempt);
    } else if delivery.next_at.take().is_some() || delivery.stands_still {
        // Not an event: after a crash the backoff passes again. What an
        // earlier delivery held back has waited long enough.
        tx.offer_delivery(sequence);
    }
}

/// A delivery comes further; the run that sent the message is told.
pub(super) fn moved(
    tx: &mut Transaction<'_>,
    sequence: u64,
    status: DeliveryStatus,
    provider_message_id: Text,
    detail: Text,
) {
    tx.emit(Event::DeliveryMoved {
        sequence,
        status,
        provider_message_id,
        detail: detail.clone(),
        next_at: None,
        reconcile: false,
    });
    let conversation = tx.root.conversation.as_ref();
    let delivery = conversation.and_then(|c| c.deliveries.get(&sequence));
    let sender = delivery.and_then(|delivery| delivery.sender.clone());
    if let Some(channel) = delivery.map(|delivery| delivery.channel.clone()) {
        tx.offer_channel(&channel);
    }
    let Some((slot, key)) = sender else {
        return;
    };
    let sender = tx.root.runs.get(&slot);
    if sender.is_some_and(|run| run.status.is_open() && run.has_room()) {
        let event = RunEvent::DeliveryChanged {
            key,
            sequence,
            status,
            detail,
        };
        tx.emit_run(slot, event);
    }
}

fn again(tx: &mut Transaction<'_>, sequence: u64, detail: Text, at: Time, reconcile: bool) {
    tx.emit(Event::DeliveryMoved {
        sequence,
        status: DeliveryStatus::Pending,
        provider_message_id: Text::default(),
        detail,
        next_at: Some(at),
        reconcile,
    });
}

/// Checks that a token names an attempt that is under way.
pub(super) fn check_delivery(tx: &Transaction<'_>, token: ActivityToken) -> Result<(), Rejection> {
    current(tx, token).map(|_| ())
}

/// The delivery whose attempt was under way when a receipt ended it. An
/// attempt has one epoch only, so that its number names it.
fn overtaken<'a>(tx: &'a Transaction<'_>, token: ActivityToken) -> Option<&'a Delivery> {
    let conversation = tx.root.conversation.as_ref()?;
    let delivery = conversation.deliveries.get(&token.activity)?;
    let over = delivery.holder.is_none() && delivery.status >= DeliveryStatus::Accepted;
    let nameless = delivery.provider_message_id.as_str().is_empty();
    Some(delivery).filter(|d| over && nameless && d.attempt == token.attempt)
}

fn current<'a>(tx: &'a Transaction<'_>, token: ActivityToken) -> Result<&'a Delivery, Rejection> {
    let conversation = tx.root.conversation.as_ref().ok_or(Rejection::Fenced)?;
    let delivery = conversation
        .deliveries
        .get(&token.activity)
        .ok_or(Rejection::Fenced)?;
    let held = delivery
        .holder
        .as_ref()
        .is_some_and(|h| h.epoch == token.epoch);
    if held && delivery.attempt == token.attempt {
        Ok(delivery)
    } else {
        Err(Rejection::Fenced)
    }
}
