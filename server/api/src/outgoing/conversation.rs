//! Conversations and their turns.

use everturn_engine::effect::TurnActivity;
use everturn_engine::policy::OptOut;
use everturn_engine::state::conversation::{FailedAddress, Handover, Pause};
use everturn_engine::state::turn::EndedTurn;
use everturn_engine::text::Text;
use everturn_engine::value::Time;
use everturn_proto::v1 as pb;
use everturn_runtime::{Access, ConversationRecord, TurnRecord};

use crate::outgoing::policy::assignee;
use crate::outgoing::{failure, payload, run_id, run_status, state, timestamp, usage, wait};

/// A conversation, without its transcript.
pub(crate) fn conversation(record: &ConversationRecord, now: Time) -> pb::Conversation {
    let status = match (&record.closed, record.tombstone) {
        (_, Some(_)) => pb::ConversationStatus::Erased,
        (None, None) => pb::ConversationStatus::Open,
        (Some(_), None) => pb::ConversationStatus::Closed,
    };
    let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    pb::Conversation {
        namespace: record.key.namespace.to_string(),
        conversation_id: record.key.id.to_string(),
        conversation_type: record.type_name.to_string(),
        status: status.into(),
        task_queue: record.task_queue.to_string(),
        reply_channel: record.reply_channel.to_string(),
        message_count: record.message_count,
        waiting_message_count: count(record.waiting_count),
        turn_count: record.turn_count,
        turn: record.turn.as_ref().map(turn),
        state: record.state.as_ref().map(state).unwrap_or_default(),
        labels: super::message::labels(&record.labels),
        turn_policy: Some(super::policy::turn_policy(&record.policy)),
        create_time: Some(timestamp(record.created)),
        update_time: Some(timestamp(record.updated)),
        pause: record.pause.as_ref().map(pause),
        handover: record.handover.as_ref().map(handover),
        addresses: super::message::labels(&record.addresses),
        waiting_event_count: count(record.waiting_events),
        usage: Some(usage(&record.usage)),
        turn_usage: Some(usage(&record.turn_usage)),
        budget_reached: record.budget_reached,
        erased_run_count: record.tombstone.map_or(0, |it| it.runs),
        wait: record.wait.as_ref().map(|it| wait(it, now)),
        unanswered_since_time: record.unanswered_since.map(timestamp),
        unanswered_message_count: count(record.unanswered_count),
        last_turn: record.last_turn.as_ref().map(|it| ended_turn(record, it)),
        opt_outs: record.opt_outs.iter().map(opt_out).collect(),
        failed_addresses: record
            .failed_addresses
            .iter()
            .map(|(channel, it)| (channel.to_string(), failed_address(it)))
            .collect(),
        merged_into_conversation_id: record
            .merged_into
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
    }
}

fn opt_out((channel, value): (&Text, &OptOut)) -> (String, i32) {
    let value = match value {
        OptOut::Proactive => pb::OptOut::Proactive,
        OptOut::All => pb::OptOut::All,
    };
    (channel.to_string(), value.into())
}

fn failed_address(value: &FailedAddress) -> pb::FailedAddress {
    pb::FailedAddress {
        address: value.address.to_string(),
        detail: value.detail.to_string(),
        fail_time: Some(timestamp(value.time)),
    }
}

fn ended_turn(record: &ConversationRecord, turn: &EndedTurn) -> pb::EndedTurn {
    pb::EndedTurn {
        number: turn.number,
        workflow_id: format!("{}/turn-{}", record.key.id, turn.number),
        run_id: run_id(turn.run_id),
        attempt: turn.attempt,
        status: run_status(turn.status).into(),
        failure: turn.failure.as_ref().map(failure),
        start_time: Some(timestamp(turn.started)),
        end_time: Some(timestamp(turn.ended)),
        interrupted: turn.superseded,
        replied: turn.replied,
        no_reply_reason: turn
            .no_reply
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
    }
}

/// Who may act in a conversation.
pub(crate) fn changed(access: &Access) -> pb::ConversationChanged {
    pb::ConversationChanged {
        pause: access.pause.as_ref().map(pause),
        handover: access.handover.as_ref().map(handover),
        budget_reached: access.budget_reached,
    }
}

fn pause(value: &Pause) -> pb::Pause {
    pb::Pause {
        reason: value.reason.to_string(),
        pause_time: Some(timestamp(value.since)),
    }
}

fn handover(value: &Handover) -> pb::Handover {
    pb::Handover {
        assignee: Some(assignee(&value.assignee)),
        reason: value.reason.to_string(),
        context: value.context.as_ref().map(payload),
        hand_off_time: Some(timestamp(value.since)),
        handoff_epoch: value.epoch,
        is_taken: value.is_taken,
    }
}

fn turn(record: &TurnRecord) -> pb::Turn {
    let activity = match record {
        record if record.interrupted => TurnActivity::Interrupted,
        record if record.asking => TurnActivity::Asking,
        _ => TurnActivity::Running,
    };
    pb::Turn {
        number: record.number,
        workflow_id: record.workflow_id.to_string(),
        run_id: run_id(record.run_id),
        status: turn_activity(Some(activity)).into(),
        start_time: Some(timestamp(record.started)),
    }
}

/// What a turn is doing; unspecified when it ended.
pub(crate) fn turn_activity(activity: Option<TurnActivity>) -> pb::TurnStatus {
    match activity {
        None => pb::TurnStatus::Unspecified,
        Some(TurnActivity::Running) => pb::TurnStatus::Running,
        Some(TurnActivity::Asking) => pb::TurnStatus::Asking,
        Some(TurnActivity::Interrupted) => pb::TurnStatus::Interrupted,
    }
}
