//! What becomes of an attempt: completed, failed, lost, alive.

use crate::decide::attempt::ActivityToken;
use crate::decide::decide_approval::check_budget;
use crate::decide::deliveries::{self, accept_delivery, fail_delivery, lose_delivery};
use crate::event::{RunEvent, Slot};
use crate::limits;
use crate::rejection::Rejection;
use crate::state::run::{Activity, Stage};
use crate::text::{StepKey, Text, WorkflowId};
use crate::transition::Transaction;
use crate::value::{Failure, FailureKind, Payload, Usage};

/// Records the result of an attempt.
///
/// # Errors
/// `Fenced` when the attempt is over.
pub fn complete_activity(
    tx: &mut Transaction<'_>,
    token: ActivityToken,
    result: Payload,
    usage: Option<Box<Usage>>,
) -> Result<(), Rejection> {
    if token.slot == 0 {
        return accept_delivery(tx, token, Text::default());
    }
    let key = current(tx, token)?.key.clone();
    let event = RunEvent::ActivityCompleted {
        activity: token.activity,
        key,
        result,
        attempt: token.attempt,
        usage,
    };
    tx.emit_run(token.slot, event);
    check_budget(tx);
    Ok(())
}

/// Records that an attempt failed; the retry policy decides what follows.
///
/// # Errors
/// `Fenced` when the attempt is over.
pub fn fail_activity(
    tx: &mut Transaction<'_>,
    token: ActivityToken,
    failure: Failure,
    usage: Option<Box<Usage>>,
) -> Result<(), Rejection> {
    if token.slot == 0 {
        return fail_delivery(tx, token, &failure);
    }
    current(tx, token)?;
    end_attempt(tx, token.slot, token.activity, failure, usage);
    Ok(())
}

/// What an attempt says about itself while it runs.
#[derive(Clone, Debug, Default)]
pub struct Beat {
    /// Progress to hand to the next attempt, if there is any.
    pub details: Option<Payload>,
    /// Where its code stands, if it keeps its worker from doing anything else;
    /// empty otherwise.
    pub blocked_stack: Text,
}

/// Notes that an attempt is alive; the answer says whether it should stop.
/// Nothing is stored: after a crash the attempt counts as alive anyway.
///
/// # Errors
/// `Fenced` when the attempt is over.
pub fn heartbeat_activity(
    tx: &mut Transaction<'_>,
    token: ActivityToken,
    beat: Beat,
) -> Result<bool, Rejection> {
    if token.slot == 0 {
        return deliveries::check_delivery(tx, token).map(|()| false);
    }
    let cancel_requested = current(tx, token)?.cancel_requested;
    let now = tx.context.now;
    let run = tx.root.runs.get_mut(&token.slot);
    if let Some(pending) = run.and_then(|run| run.activities.get_mut(&token.activity)) {
        pending.heard = now;
        pending.blocked_stack = beat.blocked_stack;
        if beat.details.is_some() {
            pending.heartbeat_details = beat.details;
        }
    }
    Ok(cancel_requested)
}

/// The worker of an attempt went away and did not come back. No effect if the
/// attempt is over.
pub fn lose_activity(tx: &mut Transaction<'_>, slot: Slot, activity: u64, attempt: u32) {
    if slot == 0 {
        return lose_delivery(tx, activity, attempt);
    }
    let run = tx.root.runs.get(&slot);
    let pending = run.and_then(|run| run.activities.get(&activity));
    let started = pending.is_some_and(|pending| {
        pending.attempt == attempt && matches!(pending.stage, Stage::Started { .. })
    });
    if started {
        let failure = Failure::new(
            FailureKind::WorkerLost,
            "WorkerLost",
            "the worker went away and did not come back",
        );
        end_attempt(tx, slot, activity, failure, None);
    }
}

/// Ends the current attempt: another one follows, or the activity failed.
pub(crate) fn end_attempt(
    tx: &mut Transaction<'_>,
    slot: Slot,
    activity: u64,
    failure: Failure,
    usage: Option<Box<Usage>>,
) {
    let jitter = tx.context.take_fraction();
    let now = tx.context.now;
    let Some(run) = tx.root.runs.get(&slot) else {
        return;
    };
    let Some(pending) = run.activities.get(&activity) else {
        return;
    };
    let started = matches!(pending.stage, Stage::Started { .. });
    let attempt = if started {
        pending.attempt
    } else {
        pending.attempt - 1
    };
    let key = pending.key.clone();
    let delay = pending
        .options
        .retry
        .delay_after(pending.attempt, &failure, jitter)
        .filter(|_| !pending.cancel_requested && failure.kind != FailureKind::Canceled)
        .filter(|delay| {
            let bound = pending.options.schedule_to_close;
            bound.is_none_or(|span| now + *delay < pending.scheduled + span)
        });
    let full = run.last_event >= limits::JOURNAL_RETRIES;
    let event = match delay {
        Some(_) if full => RunEvent::ActivityFailed {
            activity,
            key,
            failure: too_often(failure),
            attempt,
            usage,
        },
        Some(delay) => RunEvent::ActivityAttemptFailed {
            activity,
            key,
            attempt: pending.attempt,
            failure,
            next_at: now + delay,
            usage,
        },
        None => RunEvent::ActivityFailed {
            activity,
            key,
            failure,
            attempt,
            usage,
        },
    };
    tx.emit_run(slot, event);
    check_budget(tx);
}

/// Each attempt is in the journal, so that they cannot go on for ever: why an
/// activity is given up whose retry policy would have it repeated.
fn too_often(cause: Failure) -> Failure {
    let limit = limits::JOURNAL_RETRIES;
    let message = format!("no more attempts: the journal of the run has {limit} events");
    let mut failure = Failure::new(FailureKind::Application, "LIMIT_EXCEEDED", &message);
    failure.cause = Some(Box::new(cause));
    failure
}

/// Checks that a token names an attempt that is under way, of an activity or
/// of a delivery.
///
/// # Errors
/// `Fenced` when the attempt is over.
pub fn check_attempt(tx: &Transaction<'_>, token: ActivityToken) -> Result<(), Rejection> {
    if token.slot == 0 {
        return deliveries::check_delivery(tx, token);
    }
    current(tx, token).map(|_| ())
}

/// Checks that a token names an attempt that is under way; the workflow id of
/// its run and the key of the activity.
///
/// # Errors
/// `Fenced` when the attempt is over.
pub fn check_activity<'a>(
    tx: &'a Transaction<'_>,
    token: ActivityToken,
) -> Result<(&'a WorkflowId, &'a StepKey), Rejection> {
    let activity = current(tx, token)?;
    let run = tx.root.runs.get(&token.slot).ok_or(Rejection::Fenced)?;
    Ok((&run.workflow_id, &activity.key))
}

/// The activity that a token names, if the token is current. An attempt whose
/// start was not recorded before a crash may report as long as no other
/// worker was given it.
fn current<'a>(tx: &'a Transaction<'_>, token: ActivityToken) -> Result<&'a Activity, Rejection> {
    let run = tx.root.runs.get(&token.slot).ok_or(Rejection::Fenced)?;
    let pending = run
        .activities
        .get(&token.activity)
        .ok_or(Rejection::Fenced)?;
    let current = match &pending.stage {
        Stage::Started { epoch, .. } => *epoch == token.epoch,
        Stage::Queued(_) => true,
        Stage::BackingOff(_) => false,
    };
    if current && pending.attempt == token.attempt {
        Ok(pending)
    } else {
        Err(Rejection::Fenced)
    }
}
