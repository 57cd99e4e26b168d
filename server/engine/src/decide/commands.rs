//! Carries out the commands of a workflow task, after they were checked.

use std::collections::BTreeMap;

use crate::command::{Command, CommandKind, Draft};
use crate::decide::cancel_workflow::request_cancel;
use crate::decide::closing::close;
use crate::decide::decide_approval::withdraw_approval;
use crate::decide::hand_off::{HandOff, hand_off_from_turn};
use crate::decide::proactive::hindrance;
use crate::event::{
    ApprovalRequest, Parent, RunEvent, RunStarted, RunStatus, Slot, SuppressReason,
};
use crate::policy::ActivityOptions;
use crate::state::key_hash;
use crate::state::run::Stage;
use crate::text::{QueueName, StepKey, Text, TypeName, WorkflowId};
use crate::transition::Transaction;
use crate::value::{AuthorKind, Failure, FailureKind, Message, Outcome, Payload, Span};

/// Carries out commands in order.
pub(crate) fn carry_out(tx: &mut Transaction<'_>, slot: Slot, commands: Vec<Command>) {
    for command in commands {
        let Some(run) = tx.root.runs.get(&slot) else {
            return;
        };
        let keyed = !command.key.as_str().is_empty();
        if keyed && run.keys.contains_key(&key_hash(&command.key)) {
            continue;
        }
        carry_out_one(tx, slot, command);
    }
}

fn carry_out_one(tx: &mut Transaction<'_>, slot: Slot, command: Command) {
    let key = command.key;
    match command.kind {
        CommandKind::ScheduleActivity {
            activity_type,
            input,
            options,
        } => schedule(tx, slot, key, activity_type, input, options),
        CommandKind::StartTimer { delay } => start_timer(tx, slot, key, delay),
        CommandKind::StartChild {
            workflow_type,
            input,
            task_queue,
            execution_timeout,
        } => start_child(
            tx,
            slot,
            key,
            workflow_type,
            input,
            task_queue,
            execution_timeout,
        ),
        CommandKind::RecordLocal { seen, outcome } => {
            tx.emit_run(slot, RunEvent::LocalRecorded { key, seen, outcome });
        }
        CommandKind::SendMessage(draft) => send(tx, slot, key, draft),
        CommandKind::Ask { message } => ask(tx, slot, key, message),
        CommandKind::SetState { name, value } => set_state(tx, slot, key, name, value),
        CommandKind::SendSignal {
            workflow_id,
            name,
            input,
        } => send_signal(tx, slot, key, workflow_id, name, input),
        CommandKind::Cancel { target } => cancel(tx, slot, target),
        CommandKind::RequestApproval {
            title,
            details,
            arguments,
            expires_after,
        } => {
            let request = Box::new(ApprovalRequest {
                title,
                details,
                arguments,
                expire_at: expires_after.map(|span| tx.context.now + span),
            });
            request_approval(tx, slot, key, request);
        }
        CommandKind::HandOff {
            assignee,
            reason,
            context,
        } => {
            let request = HandOff {
                assignee,
                reason,
                context,
            };
            let superseded = !is_current(tx, slot);
            hand_off_from_turn(tx, slot, key, request, superseded);
        }
        closing @ (CommandKind::Complete { .. }
        | CommandKind::Fail { .. }
        | CommandKind::CancelRun { .. }) => conclude(tx, slot, closing),
    }
}

/// Closes the run as its code wants.
fn conclude(tx: &mut Transaction<'_>, slot: Slot, kind: CommandKind) {
    let (status, outcome) = match kind {
        CommandKind::Complete { result } => (RunStatus::Completed, Outcome::Completed(result)),
        CommandKind::Fail { failure } => (RunStatus::Failed, Outcome::Failed(failure)),
        CommandKind::CancelRun { failure } => {
            let failure = failure.unwrap_or_else(canceled);
            (RunStatus::Canceled, Outcome::Failed(failure))
        }
        _ => return,
    };
    close(tx, slot, status, outcome);
}

/// The messages that wait answer it once the whole completion is carried out.
fn ask(tx: &mut Transaction<'_>, slot: Slot, key: StepKey, message: Option<Draft>) {
    if let Some(draft) = message {
        send(tx, slot, format!("{key}/message").into(), draft);
    }
    tx.emit_run(slot, RunEvent::AskOpened { key });
}

fn set_state(
    tx: &mut Transaction<'_>,
    slot: Slot,
    key: StepKey,
    name: Text,
    value: Option<Payload>,
) {
    let suppressed = fence(tx, slot).is_some();
    let event = RunEvent::StateSet {
        key,
        name,
        value,
        suppressed,
    };
    tx.emit_run(slot, event);
}

fn send_signal(
    tx: &mut Transaction<'_>,
    slot: Slot,
    key: StepKey,
    workflow_id: WorkflowId,
    name: Text,
    input: Payload,
) {
    let event = RunEvent::SignalScheduled {
        key,
        workflow_id,
        name,
        input,
    };
    tx.emit_run(slot, event);
}

fn start_timer(tx: &mut Transaction<'_>, slot: Slot, key: StepKey, delay: Span) {
    let fire_at = tx.context.now + delay;
    tx.emit_run(slot, RunEvent::TimerStarted { key, fire_at });
}

fn schedule(
    tx: &mut Transaction<'_>,
    slot: Slot,
    key: StepKey,
    activity_type: TypeName,
    input: Payload,
    mut options: Box<ActivityOptions>,
) {
    if options.task_queue.as_str().is_empty()
        && let Some(run) = tx.root.runs.get(&slot)
    {
        options.task_queue = run.task_queue.clone();
    }
    let event = RunEvent::ActivityScheduled {
        key,
        activity_type,
        input,
        options,
    };
    tx.emit_run(slot, event);
}

fn request_approval(
    tx: &mut Transaction<'_>,
    slot: Slot,
    key: StepKey,
    request: Box<ApprovalRequest>,
) {
    let Some(run) = tx.root.runs.get(&slot) else {
        return;
    };
    let event = RunEvent::ApprovalRequested {
        approval_id: run.workflow_id.child(key.as_str()).shared().into(),
        key,
        request,
    };
    tx.emit_run(slot, event);
}

fn start_child(
    tx: &mut Transaction<'_>,
    slot: Slot,
    key: StepKey,
    workflow_type: TypeName,
    input: Payload,
    task_queue: QueueName,
    execution_timeout: Option<Span>,
) {
    let Some(run) = tx.root.runs.get(&slot) else {
        return;
    };
    let parent_id = run.workflow_id.clone();
    let workflow_id = parent_id.child(key.as_str());
    let inherits = task_queue.as_str().is_empty();
    let task_queue = if inherits {
        run.task_queue.clone()
    } else {
        task_queue
    };
    let run_id = tx.context.take_run_id();
    let child = tx.root.next_slot;
    let event = tx.emit_run(
        slot,
        RunEvent::ChildStarted {
            key: key.clone(),
            workflow_type: workflow_type.clone(),
            workflow_id: workflow_id.clone(),
            run_id,
            child,
        },
    );
    let started = RunStarted {
        workflow_id,
        run_id,
        type_name: workflow_type,
        task_queue,
        input: Some(input),
        turn: None,
        parent: Some(Parent {
            slot,
            workflow_id: parent_id,
            event,
            key,
        }),
        execution_timeout,
        labels: BTreeMap::new(),
        request: 0,
    };
    tx.emit_run(child, RunEvent::Started(Box::new(started)));
}

/// Whether a run is the current turn, and not superseded.
fn is_current(tx: &Transaction<'_>, slot: Slot) -> bool {
    let turn = tx.root.conversation.as_ref().and_then(|c| c.turn.as_ref());
    turn.is_some_and(|turn| turn.slot == slot && turn.interrupted.is_none())
}

/// Which fence keeps the writes of a turn in, if one does.
fn fence(tx: &Transaction<'_>, slot: Slot) -> Option<SuppressReason> {
    tx.root.runs.get(&slot)?.turn?;
    let conversation = tx.root.conversation.as_ref()?;
    if !conversation.is_open() {
        Some(SuppressReason::ConversationClosed)
    } else if conversation.handover.is_some() {
        Some(SuppressReason::HumanOwns)
    } else if !is_current(tx, slot) {
        Some(SuppressReason::TurnSuperseded)
    } else if conversation.pause.is_some() {
        Some(SuppressReason::ConversationPaused)
    } else {
        None
    }
}

/// What keeps a message of a turn in: a fence, or the bounds of writing first.
fn message_fence(tx: &Transaction<'_>, slot: Slot) -> Option<SuppressReason> {
    fence(tx, slot).or_else(|| {
        let conversation = tx.root.conversation.as_ref()?;
        let proactive = conversation.turn.as_ref().is_some_and(|t| t.proactive);
        hindrance(conversation, tx.context.now).filter(|_| proactive)
    })
}

fn send(tx: &mut Transaction<'_>, slot: Slot, key: StepKey, draft: Draft) {
    let reason = message_fence(tx, slot);
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let or = |text: Text, default: Text| {
        if text.as_str().is_empty() {
            default
        } else {
            text
        }
    };
    let channel = or(draft.channel, conversation.reply_channel.clone());
    if let Some(reason) = reason {
        let event = RunEvent::MessageSuppressed {
            key,
            reason,
            content: draft.content,
            channel,
        };
        tx.emit_run(slot, event);
        return;
    }
    let message = Message {
        sequence: conversation.message_count + 1,
        author: AuthorKind::Agent,
        author_name: or(draft.author_name, conversation.type_name.as_str().into()),
        channel,
        provider_message_id: Text::default(),
        content: draft.content,
        time: tx.context.now,
        turn: conversation.turn_count,
    };
    tx.emit_run(slot, RunEvent::MessageSent { key, message });
}

fn cancel(tx: &mut Transaction<'_>, slot: Slot, target: StepKey) {
    let Some(run) = tx.root.runs.get(&slot) else {
        return;
    };
    let activity = run.activities.iter().find(|(_, a)| a.key == target);
    let activity =
        activity.map(|(id, a)| (*id, matches!(a.stage, Stage::Started { .. }), a.attempt));
    let child = run.children.values().find(|child| child.key == target);
    let child = child.map(|child| child.slot);
    let event = RunEvent::CommandCanceled {
        target: target.clone(),
    };
    tx.emit_run(slot, event);
    match activity {
        Some((id, true, _)) => tx.cancel_attempt(slot, id, false),
        Some((id, false, attempt)) => {
            let event = RunEvent::ActivityFailed {
                activity: id,
                key: target.clone(),
                failure: canceled(),
                attempt: attempt - 1,
                usage: None,
            };
            tx.emit_run(slot, event);
        }
        None => {}
    }
    withdraw_approval(tx, slot, &target);
    if let Some(child) = child {
        request_cancel(tx, child, "canceled by the parent".into());
    }
}

fn canceled() -> Failure {
    Failure::new(FailureKind::Canceled, "Canceled", "canceled on request")
}
