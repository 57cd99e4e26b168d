//! After a restart or a load from the view: takes up what is not stored.

use crate::decide::{ActivityToken, mailbox};
use crate::effect::Effect;
use crate::event::Slot;
use crate::state::run::{Stage, Task};
use crate::transition::Transaction;

/// Whether the tasks of a root that is taken up are in their queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tasks {
    /// It left memory, and they stayed there.
    AreOffered,
    /// They are not: offer them.
    AreLost,
}

/// Offers again every task that is due, and returns the attempts that some
/// worker is believed to have. A restart counts as a sign of life for those.
pub fn resume(tx: &mut Transaction<'_>, tasks: Tasks) -> Vec<ActivityToken> {
    let now = tx.context.now;
    let open: Vec<Slot> = tx
        .root
        .runs
        .values()
        .filter(|run| run.status.is_open())
        .map(|run| run.slot)
        .collect();
    let mut held = Vec::new();
    for slot in open {
        tx.offer_task(slot);
        resume_signals(tx, slot);
        let offered_since = tx.root.updated;
        let Some(run) = tx.root.runs.get_mut(&slot) else {
            continue;
        };
        if run.task == Task::Offered {
            // Not only since it is in memory.
            run.task_since = offered_since;
        }
        let mut queued = Vec::new();
        for (id, activity) in &mut run.activities {
            activity.heard = now;
            match activity.stage {
                Stage::Queued(_) => queued.push(*id),
                Stage::Started { epoch, .. } => held.push(ActivityToken {
                    slot,
                    activity: *id,
                    attempt: activity.attempt,
                    epoch,
                }),
                Stage::BackingOff(_) => {}
            }
        }
        for id in queued {
            tx.offer_activity(slot, id);
        }
    }
    for token in &held {
        tx.root.rearm(token.slot, token.activity);
    }
    held.extend(resume_deliveries(tx));
    if tasks == Tasks::AreOffered {
        let is_offer = |effect: &Effect| {
            matches!(
                effect,
                Effect::OfferWorkflowTask { .. } | Effect::OfferActivity { .. }
            )
        };
        tx.output.effects.retain(|effect| !is_offer(effect));
    }
    mailbox::settle(tx);
    held
}

/// The outbox: what waits is offered, what an adapter has is expected back.
fn resume_deliveries(tx: &mut Transaction<'_>) -> Vec<ActivityToken> {
    let Some(conversation) = &tx.root.conversation else {
        return Vec::new();
    };
    let queued = conversation.deliveries.values().filter(|d| d.is_queued());
    let queued: Vec<u64> = queued.map(|d| d.sequence).collect();
    let held = conversation.deliveries.values().filter_map(|delivery| {
        let holder = delivery.holder.as_ref()?;
        Some(ActivityToken {
            slot: 0,
            activity: delivery.sequence,
            attempt: delivery.attempt,
            epoch: holder.epoch,
        })
    });
    let held = held.collect();
    for sequence in queued {
        tx.offer_delivery(sequence);
    }
    held
}

fn resume_signals(tx: &mut Transaction<'_>, slot: Slot) {
    let Some(run) = tx.root.runs.get(&slot) else {
        return;
    };
    for (id, signal) in &run.signals {
        tx.output.effects.push(Effect::SendSignal {
            slot,
            signal: *id,
            workflow_id: signal.workflow_id.clone(),
            name: signal.name.clone(),
            input: signal.input.clone(),
        });
    }
}
