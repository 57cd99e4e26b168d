//! The mailbox of a conversation: when waiting messages become a turn, answer
//! an ask, steer a running turn or interrupt it.

use std::collections::BTreeMap;

use crate::event::{RunEvent, RunStarted, TurnStart};
use crate::policy::OnBusy;
use crate::state::deadlines::Deadline;
use crate::text::StepKey;
use crate::transition::Transaction;
use crate::value::{Message, Span};

/// What the waiting messages are for.
enum Taker {
    NewTurn,
    Ask(StepKey),
    RunningTurn,
}

/// Interrupts the running turn when the policy says that a new message does.
pub(crate) fn interrupt_if_busy(tx: &mut Transaction<'_>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let grace = conversation.policy.interrupt_grace;
    let busy = conversation
        .turn
        .as_ref()
        .is_some_and(|turn| turn.ask.is_none());
    if busy && conversation.policy.on_busy == OnBusy::Interrupt {
        interrupt(tx, grace);
    }
}

/// Supersedes the current turn, once: its sends are fenced from here on.
pub(crate) fn interrupt(tx: &mut Transaction<'_>, grace: Span) {
    let turn = tx.root.conversation.as_ref().and_then(|c| c.turn.as_ref());
    if let Some(turn) = turn.filter(|turn| turn.interrupted.is_none()) {
        let slot = turn.slot;
        tx.emit_run(slot, RunEvent::TurnInterrupted { grace });
    }
}

/// Hands the waiting messages to whoever is to have them, if they are due;
/// sets the deadline otherwise.
pub(crate) fn settle(tx: &mut Transaction<'_>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let due = conversation.burst_due().filter(|_| conversation.is_open());
    let (Some(due), Some(taker)) = (due, taker(conversation)) else {
        tx.root.deadlines.disarm(Deadline::Burst);
        return;
    };
    if due > tx.context.now {
        tx.root.deadlines.arm(Deadline::Burst, due);
        return;
    }
    let messages: Vec<Message> = conversation.mailbox.iter().cloned().collect();
    let slot = conversation.turn.as_ref().map_or(0, |turn| turn.slot);
    match taker {
        Taker::NewTurn => start_turn(tx),
        Taker::Ask(key) => {
            tx.emit_run(slot, RunEvent::AskAnswered { key, messages });
        }
        Taker::RunningTurn => {
            tx.emit_run(slot, RunEvent::MessagesArrived { messages });
        }
    }
}

fn taker(conversation: &crate::state::conversation::Conversation) -> Option<Taker> {
    let Some(turn) = &conversation.turn else {
        return Some(Taker::NewTurn);
    };
    if turn.interrupted.is_some() {
        return None;
    }
    match (&turn.ask, conversation.policy.on_busy) {
        (Some(key), _) => Some(Taker::Ask(key.clone())),
        (None, OnBusy::Steer) => Some(Taker::RunningTurn),
        (None, OnBusy::Queue | OnBusy::Interrupt) => None,
    }
}

fn start_turn(tx: &mut Transaction<'_>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let number = conversation.turn_count + 1;
    let through = conversation.mailbox.back().map_or(0, |m| m.sequence);
    let started = RunStarted {
        workflow_id: tx
            .root
            .key
            .id
            .workflow_id()
            .child(&format!("turn-{number}")),
        run_id: tx.context.take_run_id(),
        type_name: conversation.type_name.clone(),
        task_queue: conversation.task_queue.clone(),
        input: None,
        turn: Some(TurnStart { number, through }),
        parent: None,
        execution_timeout: None,
        labels: BTreeMap::new(),
        request: 0,
    };
    let slot = tx.root.next_slot;
    tx.emit_run(slot, RunEvent::Started(Box::new(started)));
}
