//! Conversations and their turns.

use everturn_engine::effect::TurnActivity;
use everturn_proto::v1 as pb;
use everturn_runtime::{ConversationRecord, TurnRecord};

use crate::outgoing::{run_id, state, timestamp};

/// A conversation, without its transcript.
pub(crate) fn conversation(record: &ConversationRecord) -> pb::Conversation {
    let status = match record.closed {
        None => pb::ConversationStatus::Open,
        Some(_) => pb::ConversationStatus::Closed,
    };
    pb::Conversation {
        namespace: record.key.namespace.to_string(),
        conversation_id: record.key.id.to_string(),
        conversation_type: record.type_name.to_string(),
        status: status.into(),
        task_queue: record.task_queue.to_string(),
        reply_channel: record.reply_channel.to_string(),
        message_count: record.message_count,
        waiting_message_count: u32::try_from(record.waiting_count).unwrap_or(u32::MAX),
        turn_count: record.turn_count,
        turn: record.turn.as_ref().map(turn),
        state: record.state.as_ref().map(state).unwrap_or_default(),
        labels: super::message::labels(&record.labels),
        turn_policy: Some(super::policy::turn_policy(&record.policy)),
        create_time: Some(timestamp(record.created)),
        update_time: Some(timestamp(record.updated)),
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
