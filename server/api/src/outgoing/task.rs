//! Tasks for workers.

use everturn_engine::decide::DeliveryTask;
use everturn_engine::text::Text;
use everturn_engine::value::Change;
use everturn_proto::v1 as pb;
use everturn_runtime::{ActivityTask, WorkflowTask};

use crate::outgoing::{duration, entries, message, payload, run_id, timestamp};
use crate::task_token;

/// Bytes of input and heartbeat details in one task: a message of 4 MiB, and
/// room for all the names.
const PAYLOADS_BYTES: usize = 4 * 1024 * 1024 - 64 * 1024;

/// An attempt of an activity. Details that do not fit beside its input are left
/// out: a task that cannot be sent would end the stream of every worker that
/// is given it.
pub(crate) fn activity_task(task: &ActivityTask) -> pb::ActivityTask {
    let activity = &task.start.activity;
    let room = PAYLOADS_BYTES.saturating_sub(activity.input.size_bytes());
    let details = activity.heartbeat_details.as_ref();
    let details = details.filter(|details| details.size_bytes() <= room);
    pb::ActivityTask {
        delivery_id: task.delivery_id,
        task_token: task_token::activity(&task.root, task.token),
        activity_type: activity.activity_type.to_string(),
        input: Some(payload(&activity.input)),
        attempt: task.token.attempt,
        workflow_id: task.workflow_id.to_string(),
        run_id: if task.start.delivery.is_some() {
            String::new()
        } else {
            run_id(task.run_id)
        },
        key: activity.key.to_string(),
        deadline: Some(timestamp(task.start.deadline)),
        heartbeat_timeout: activity.options.heartbeat.map(duration),
        heartbeat_details: details.map(payload),
        task_queue: activity.options.task_queue.to_string(),
        delivery: task.start.delivery.as_ref().map(|it| delivery(task, it)),
        idempotency_key: task.start.idempotency_key.to_string(),
    }
}

fn delivery(task: &ActivityTask, delivery: &DeliveryTask) -> pb::Delivery {
    let answers = &delivery.in_reply_to;
    let texts = |ids: &[Text]| ids.iter().map(ToString::to_string).collect();
    let action = match delivery.message.change {
        None => pb::DeliveryAction::Deliver,
        Some(Change::Edit(_)) => pb::DeliveryAction::Edit,
        Some(Change::Retract(_)) => pb::DeliveryAction::Retract,
    };
    pb::Delivery {
        conversation_id: task.workflow_id.to_string(),
        message: Some(message(&delivery.message)),
        address: delivery.address.to_string(),
        idempotency_key: delivery.idempotency_key.to_string(),
        reconcile: delivery.reconcile,
        in_reply_to: Some(pb::InReplyTo {
            provider_message_ids: texts(&answers.provider_message_ids),
            subject: answers.subject.to_string(),
            references: texts(&answers.references),
        }),
        action: action.into(),
        changed_provider_message_id: delivery.changed_provider_message_id.to_string(),
    }
}

/// A run whose code has something to do.
pub(crate) fn workflow_task(task: &WorkflowTask) -> pb::WorkflowTask {
    pb::WorkflowTask {
        delivery_id: task.delivery_id,
        task_token: task_token::workflow(&task.root, task.token),
        workflow_id: task.workflow_id.to_string(),
        run_id: run_id(task.run_id),
        workflow_type: task.type_name.to_string(),
        previous_event_id: task.previous,
        events: entries(&task.entries),
        last_event_id: if task.complete { 0 } else { task.through },
    }
}
