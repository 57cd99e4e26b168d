//! How a run closes: its children first, then itself, then its parent and its
//! conversation learn of it.

use crate::decide::decide_approval::check_budget;
use crate::decide::{mailbox, turn_failure};
use crate::event::{RunEvent, RunStatus, Slot};
use crate::state::terminated;
use crate::transition::Transaction;
use crate::value::Outcome;

/// Closes an open run and everything below it.
pub(crate) fn close(tx: &mut Transaction<'_>, slot: Slot, status: RunStatus, outcome: Outcome) {
    let Some(run) = tx.root.runs.get(&slot).filter(|run| run.status.is_open()) else {
        return;
    };
    let parent = run.parent.clone();
    let turn = run.turn;
    let children: Vec<Slot> = run.children.values().map(|child| child.slot).collect();
    for child in children {
        close_below(tx, child);
    }
    let event = RunEvent::Closed {
        status,
        outcome: outcome.clone(),
    };
    tx.emit_run(slot, event);
    if let Some(parent) = parent {
        let waiting = tx.root.runs.get(&parent.slot);
        if waiting.is_some_and(|run| run.children.contains_key(&parent.event)) {
            let event = RunEvent::ChildClosed {
                child: parent.event,
                key: parent.key,
                status,
                outcome,
            };
            tx.emit_run(parent.slot, event);
        }
    }
    if let Some(number) = turn {
        turn_failure::follow_up(tx, number);
        mailbox::settle(tx);
    }
    check_budget(tx);
}

/// Closes a run whose parent is closing, deepest first. The parent is not
/// told: it is about to close. Depth is bounded by `limits::CHILD_DEPTH`.
fn close_below(tx: &mut Transaction<'_>, slot: Slot) {
    let Some(run) = tx.root.runs.get(&slot).filter(|run| run.status.is_open()) else {
        return;
    };
    let children: Vec<Slot> = run.children.values().map(|child| child.slot).collect();
    for child in children {
        close_below(tx, child);
    }
    let event = RunEvent::Closed {
        status: RunStatus::Terminated,
        outcome: Outcome::Failed(terminated("the parent closed")),
    };
    tx.emit_run(slot, event);
}
