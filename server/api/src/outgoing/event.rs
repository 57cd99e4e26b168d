//! Events of a run's journal.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use everturn_engine::event::{ApprovalOutcome, RunEvent, RunStarted, SuppressReason, TurnCause};
use everturn_engine::state::episode::{DoneKind, DoneStep};
use everturn_engine::state::turn::Interrupted;
use everturn_engine::text::Text;
use everturn_engine::value::Outcome;
use everturn_proto::v1 as pb;
use everturn_proto::v1::history_event::Kind;
use everturn_runtime::{Entry, TurnInput};

use crate::outgoing::{
    delivery_status, duration, failure, inbound_event, message, outcome, payload, run_id,
    run_status, state, timestamp, usage,
};

/// Several events.
pub(crate) fn entries(values: &[Arc<Entry>]) -> Vec<pb::HistoryEvent> {
    values.iter().map(|entry| event(entry)).collect()
}

/// One event.
pub(crate) fn event(entry: &Entry) -> pb::HistoryEvent {
    pb::HistoryEvent {
        id: entry.id,
        time: Some(timestamp(entry.time)),
        kind: Some(kind(entry)),
    }
}

fn kind(entry: &Entry) -> Kind {
    match &entry.event {
        RunEvent::Started(started) => Kind::RunStarted(run_started(started, entry.turn.as_ref())),
        event if event.is_notification() => notification(event),
        event => record(event),
    }
}

/// Events that record a command of the code, or inform.
fn record(event: &RunEvent) -> Kind {
    match event {
        RunEvent::ActivityScheduled {
            key,
            activity_type,
            input,
            options,
        } => Kind::ActivityScheduled(pb::ActivityScheduled {
            key: key.to_string(),
            activity_type: activity_type.to_string(),
            input: Some(payload(input)),
            options: Some(super::policy::activity_options(options)),
        }),
        RunEvent::TimerStarted { key, fire_at } => Kind::TimerStarted(pb::TimerStarted {
            key: key.to_string(),
            fire_time: Some(timestamp(*fire_at)),
        }),
        RunEvent::ChildStarted {
            key,
            workflow_type,
            workflow_id,
            run_id: id,
            ..
        } => Kind::ChildStarted(pb::ChildStarted {
            key: key.to_string(),
            workflow_type: workflow_type.to_string(),
            workflow_id: workflow_id.to_string(),
            run_id: run_id(*id),
        }),
        RunEvent::LocalRecorded { key, seen, outcome } => {
            use pb::local_recorded::Outcome as Wire;
            Kind::LocalRecorded(pb::LocalRecorded {
                key: key.to_string(),
                seen_event_id: *seen,
                outcome: Some(match outcome {
                    Outcome::Completed(result) => Wire::Result(payload(result)),
                    Outcome::Failed(value) => Wire::Failure(failure(value)),
                }),
            })
        }
        RunEvent::StateSet {
            key,
            name,
            value,
            suppressed,
        } => Kind::StateSet(pb::StateSet {
            suppressed: *suppressed,
            key: key.to_string(),
            name: name.to_string(),
            value: value.as_ref().map(payload),
        }),
        other => record_more(other),
    }
}

/// The rest of them.
fn record_more(event: &RunEvent) -> Kind {
    match event {
        RunEvent::SignalScheduled {
            key,
            workflow_id,
            name,
            input,
        } => Kind::SignalScheduled(pb::SignalScheduled {
            key: key.to_string(),
            workflow_id: workflow_id.to_string(),
            signal_name: name.to_string(),
            input: Some(payload(input)),
        }),
        RunEvent::CommandCanceled { target } => Kind::CommandCanceled(pb::CommandCanceled {
            target_key: target.to_string(),
        }),
        RunEvent::Closed {
            status,
            outcome: value,
        } => {
            let (result, failure) = outcome(value);
            Kind::RunClosed(pb::RunClosed {
                status: run_status(*status).into(),
                result,
                failure,
            })
        }
        RunEvent::ActivityAttemptFailed {
            key,
            attempt,
            failure: value,
            next_at,
            usage: used,
            ..
        } => Kind::ActivityAttemptFailed(pb::ActivityAttemptFailed {
            key: key.to_string(),
            attempt: *attempt,
            failure: Some(failure(value)),
            next_attempt_time: Some(timestamp(*next_at)),
            usage: used.as_deref().map(usage),
        }),
        RunEvent::ApprovalRequested {
            key,
            request,
            approval_id,
        } => Kind::ApprovalRequested(pb::ApprovalRequested {
            key: key.to_string(),
            approval_id: approval_id.to_string(),
            expire_time: request.expire_at.map(timestamp),
        }),
        RunEvent::Paused { reason } => Kind::RunPaused(pb::RunPaused {
            reason: reason.to_string(),
        }),
        RunEvent::Resumed => Kind::RunResumed(pb::RunResumed {}),
        RunEvent::ProblemRecorded {
            key,
            failure: value,
        } => Kind::ProblemRecorded(pb::ProblemRecorded {
            key: key.to_string(),
            failure: Some(failure(value)),
        }),
        other => record_of_turn(other),
    }
}

/// What the code of a turn said to people, or did not.
fn record_of_turn(event: &RunEvent) -> Kind {
    match event {
        RunEvent::MessageSent { key, message } => Kind::MessageSent(pb::MessageSent {
            key: key.to_string(),
            message_sequence: message.sequence,
            channel: message.channel.to_string(),
        }),
        RunEvent::MessageSuppressed {
            key,
            reason,
            content,
            channel,
        } => Kind::MessageSuppressed(pb::MessageSuppressed {
            channel: channel.to_string(),
            key: key.to_string(),
            reason: suppress_reason(*reason).into(),
            content: Some(super::message::content(content)),
        }),
        RunEvent::AskOpened {
            key,
            after,
            is_held,
        } => Kind::AskOpened(pb::AskOpened {
            key: key.to_string(),
            after_message_sequence: if *is_held { 0 } else { *after },
            is_held: *is_held,
        }),
        RunEvent::MessageHeld {
            key,
            message,
            until,
        } => Kind::MessageHeld(pb::MessageHeld {
            key: key.to_string(),
            content: Some(super::message::content(&message.content)),
            channel: message.channel.to_string(),
            until_time: Some(timestamp(*until)),
        }),
        RunEvent::CloseRecorded {
            key,
            reason,
            suppressed,
        } => Kind::CloseRecorded(pb::CloseRecorded {
            key: key.to_string(),
            reason: reason.to_string(),
            suppressed: *suppressed,
        }),
        RunEvent::HandedOff { key } => Kind::HandedOff(pb::HandedOff {
            key: key.to_string(),
        }),
        RunEvent::NoReplyRecorded {
            key,
            reason,
            suppressed,
        } => Kind::NoReplyRecorded(pb::NoReplyRecorded {
            key: key.to_string(),
            reason: reason.to_string(),
            suppressed: *suppressed,
        }),
        _ => unreachable!("notifications are mapped by `notification`"),
    }
}

/// Events that are delivered to the code.
fn notification(event: &RunEvent) -> Kind {
    match event {
        RunEvent::ActivityCompleted {
            key,
            result,
            attempt,
            usage: used,
            ..
        } => Kind::ActivityCompleted(pb::ActivityCompleted {
            key: key.to_string(),
            result: Some(payload(result)),
            attempt: *attempt,
            usage: used.as_deref().map(usage),
        }),
        RunEvent::ActivityFailed {
            key,
            failure: value,
            attempt,
            usage: used,
            ..
        } => Kind::ActivityFailed(pb::ActivityFailed {
            key: key.to_string(),
            failure: Some(failure(value)),
            attempt: *attempt,
            usage: used.as_deref().map(usage),
        }),
        RunEvent::TimerFired { key, .. } => Kind::TimerFired(pb::TimerFired {
            key: key.to_string(),
        }),
        RunEvent::ChildClosed {
            key,
            status,
            outcome: value,
            ..
        } => {
            let (result, failure) = outcome(value);
            Kind::ChildClosed(pb::ChildClosed {
                key: key.to_string(),
                status: run_status(*status).into(),
                result,
                failure,
            })
        }
        RunEvent::SignalReceived { name, input } => Kind::SignalReceived(pb::SignalReceived {
            signal_name: name.to_string(),
            input: Some(payload(input)),
        }),
        RunEvent::AskAnswered {
            key,
            messages,
            earlier,
        } => Kind::AskAnswered(pb::AskAnswered {
            key: key.to_string(),
            messages: messages.iter().map(message).collect(),
            earlier_message_count: *earlier,
        }),
        RunEvent::SignalDelivered {
            key,
            failure: value,
            ..
        } => Kind::SignalDelivered(pb::SignalDelivered {
            key: key.to_string(),
            failure: value.as_ref().map(failure),
        }),
        RunEvent::MessagesArrived { messages } => Kind::MessagesArrived(pb::MessagesArrived {
            messages: messages.iter().map(message).collect(),
        }),
        other => person_or_provider(other),
    }
}

/// Notifications that come from people, providers and events.
fn person_or_provider(event: &RunEvent) -> Kind {
    match event {
        RunEvent::ApprovalDecided { key, decided } => Kind::ApprovalDecided(pb::ApprovalDecided {
            key: key.to_string(),
            outcome: approval_outcome(decided.outcome).into(),
            decider: decided.decider.to_string(),
            comment: decided.comment.to_string(),
            arguments: decided.arguments.as_ref().map(payload),
        }),
        RunEvent::HandedBack {
            key,
            author_name,
            note,
            messages,
            has_more,
        } => Kind::HandedBack(pb::HandedBack {
            has_more: *has_more,
            key: key.to_string(),
            author_name: author_name.to_string(),
            note: note.to_string(),
            messages: messages.iter().map(message).collect(),
        }),
        RunEvent::CancelRequested { reason } => Kind::CancelRequested(pb::CancelRequested {
            reason: reason.to_string(),
        }),
        RunEvent::TurnInterrupted { grace } => Kind::TurnInterrupted(pb::TurnInterrupted {
            grace: Some(duration(*grace)),
        }),
        RunEvent::EventsArrived { events } => Kind::EventsArrived(pb::EventsArrived {
            events: events.iter().map(inbound_event).collect(),
        }),
        RunEvent::DeliveryChanged {
            key,
            sequence,
            status,
            detail,
        } => Kind::DeliveryChanged(pb::DeliveryChanged {
            key: key.to_string(),
            message_sequence: *sequence,
            status: delivery_status(*status).into(),
            detail: detail.to_string(),
        }),
        RunEvent::CommandFailed {
            key,
            failure: value,
            ..
        } => Kind::CommandFailed(pb::CommandFailed {
            key: key.to_string(),
            failure: Some(failure(value)),
        }),
        _ => unreachable!("records are mapped by `record`"),
    }
}

/// How an approval ended.
pub(crate) fn approval_outcome(value: ApprovalOutcome) -> pb::ApprovalOutcome {
    match value {
        ApprovalOutcome::Approved => pb::ApprovalOutcome::Approved,
        ApprovalOutcome::ApprovedWithChanges => pb::ApprovalOutcome::ApprovedWithChanges,
        ApprovalOutcome::Rejected => pb::ApprovalOutcome::Rejected,
        ApprovalOutcome::Expired => pb::ApprovalOutcome::Expired,
        ApprovalOutcome::Withdrawn => pb::ApprovalOutcome::Withdrawn,
    }
}

fn turn_cause(value: TurnCause) -> pb::TurnCause {
    match value {
        TurnCause::Message => pb::TurnCause::Message,
        TurnCause::Event => pb::TurnCause::Event,
        TurnCause::Idle => pb::TurnCause::Idle,
        TurnCause::CustomerTimeout => pb::TurnCause::CustomerTimeout,
        TurnCause::StaffTimeout => pb::TurnCause::StaffTimeout,
        TurnCause::Reopened => pb::TurnCause::Reopened,
    }
}

fn run_started(started: &RunStarted, turn: Option<&TurnInput>) -> pb::RunStarted {
    pb::RunStarted {
        workflow_type: started.type_name.to_string(),
        task_queue: started.task_queue.to_string(),
        input: started.input.as_ref().map(payload),
        turn: turn.map(turn_input),
        parent_workflow_id: started
            .parent
            .as_ref()
            .map_or_else(String::new, |parent| parent.workflow_id.to_string()),
        execution_timeout: started.execution_timeout.map(duration),
    }
}

fn turn_input(turn: &TurnInput) -> pb::TurnInput {
    let context = &turn.context;
    pb::TurnInput {
        conversation_id: turn.conversation_id.to_string(),
        conversation_type: turn.conversation_type.to_string(),
        number: turn.number,
        cause: turn_cause(context.cause).into(),
        messages: context.messages.iter().map(message).collect(),
        recent: context.recent.iter().map(message).collect(),
        state: state(&context.state),
        reply_channel: context.reply_channel.to_string(),
        events: context.events.iter().map(inbound_event).collect(),
        addresses: super::message::labels(&context.addresses),
        attempt: context.attempt.max(1),
        interrupted: context.interrupted.as_ref().map(interrupted),
        state_versions: versions(&turn.versions),
    }
}

fn versions(versions: &BTreeMap<Text, u64>) -> HashMap<String, u64> {
    let versions = versions.iter();
    versions
        .map(|(name, version)| (name.to_string(), *version))
        .collect()
}

fn interrupted(value: &Interrupted) -> pb::InterruptedTurns {
    pb::InterruptedTurns {
        first_turn: value.first,
        steps: value.steps.iter().map(interrupted_step).collect(),
    }
}

fn interrupted_step(step: &DoneStep) -> pb::InterruptedStep {
    use pb::interrupted_step::Outcome as Wire;
    let kind = match step.kind {
        DoneKind::Activity => pb::StepKind::Activity,
        DoneKind::Child => pb::StepKind::Child,
        DoneKind::Local => pb::StepKind::Local,
    };
    pb::InterruptedStep {
        turn: step.turn,
        key: step.key.to_string(),
        kind: kind.into(),
        activity_type: step.name.to_string(),
        outcome: step.outcome.as_ref().map(|outcome| match outcome {
            Outcome::Completed(result) => Wire::Result(payload(result)),
            Outcome::Failed(value) => Wire::Failure(failure(value)),
        }),
        is_cut: step.is_cut,
    }
}

fn suppress_reason(reason: SuppressReason) -> pb::SuppressReason {
    match reason {
        SuppressReason::TurnSuperseded => pb::SuppressReason::TurnSuperseded,
        SuppressReason::ConversationClosed => pb::SuppressReason::ConversationClosed,
        SuppressReason::ConversationPaused => pb::SuppressReason::ConversationPaused,
        SuppressReason::HumanOwns => pb::SuppressReason::HumanOwns,
        SuppressReason::QuietHours => pb::SuppressReason::QuietHours,
        SuppressReason::FrequencyCap => pb::SuppressReason::FrequencyCap,
        SuppressReason::OptedOut => pb::SuppressReason::OptedOut,
    }
}
