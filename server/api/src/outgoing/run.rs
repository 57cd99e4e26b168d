//! Runs: how they stand and what they wait for.

use everturn_engine::event::{RunId, RunStatus};
use everturn_engine::state::run::{Activity, Stage};
use everturn_engine::value::Time;
use everturn_engine::waiting::Wait;
use everturn_proto::v1 as pb;
use everturn_runtime::{RunDescription, RunRecord};

use crate::outgoing::{failure, outcome, payload, timestamp, usage, wait};

/// A run id: a UUID in its usual form.
pub(crate) fn run_id(id: RunId) -> String {
    uuid::Uuid::from_u128(id.0).to_string()
}

/// How a run stands.
pub(crate) fn run_status(status: RunStatus) -> pb::RunStatus {
    match status {
        RunStatus::Running => pb::RunStatus::Running,
        RunStatus::Completed => pb::RunStatus::Completed,
        RunStatus::Failed => pb::RunStatus::Failed,
        RunStatus::Canceled => pb::RunStatus::Canceled,
        RunStatus::Terminated => pb::RunStatus::Terminated,
        RunStatus::TimedOut => pb::RunStatus::TimedOut,
    }
}

/// A run without its journal.
pub(crate) fn run(record: &RunRecord, now: Time) -> pb::WorkflowRun {
    pb::WorkflowRun {
        namespace: record.root.namespace.to_string(),
        workflow_id: record.workflow_id.to_string(),
        run_id: run_id(record.run_id),
        workflow_type: record.type_name.to_string(),
        task_queue: record.task_queue.to_string(),
        status: run_status(record.status).into(),
        parent_workflow_id: record
            .parent
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        start_time: Some(timestamp(record.started)),
        close_time: record.closed.map(timestamp),
        event_count: record.event_count,
        labels: super::message::labels(&record.labels),
        paused: record.paused,
        usage: Some(usage(&record.usage)),
        wait: record.wait.as_ref().map(|it| wait(it, now)),
    }
}

/// Bytes of pending activities in one answer.
const PENDING_BYTES: usize = 2 * 1024 * 1024;

/// A run with everything it waits for.
pub(crate) fn description(value: &RunDescription, now: Time) -> pb::DescribeWorkflowResponse {
    let ended = value.record.outcome.as_ref().map(outcome);
    let (result, failed) = ended.unwrap_or_default();
    let mut pending = Vec::new();
    let mut bytes = 0;
    let all = value.activities.iter();
    for activity in all.map(|(it, waits)| pending_activity(it, waits, now)) {
        bytes += prost::Message::encoded_len(&activity);
        if bytes > PENDING_BYTES {
            break;
        }
        pending.push(activity);
    }
    let omitted = value.activities.len() - pending.len();
    pb::DescribeWorkflowResponse {
        run: Some(run(&value.record, now)),
        pending_activities: pending,
        omitted_activity_count: u32::try_from(omitted).unwrap_or(u32::MAX),
        pending_approvals: value
            .approvals
            .iter()
            .map(|approval| pb::PendingApproval {
                key: approval.key.to_string(),
                approval_id: approval.id.to_string(),
                expire_time: approval.request.expire_at.map(timestamp),
            })
            .collect(),
        pending_timers: value
            .timers
            .iter()
            .map(|timer| pb::PendingTimer {
                key: timer.key.to_string(),
                fire_time: Some(timestamp(timer.fire_at)),
            })
            .collect(),
        pending_children: value
            .children
            .iter()
            .map(|child| pb::PendingChild {
                key: child.key.to_string(),
                workflow_id: child.workflow_id.to_string(),
            })
            .collect(),
        result,
        failure: failed,
        workflow_task_failure: value.task_failure.as_ref().map(failure),
        workflow_task_failure_count: value.task_failures,
    }
}

fn pending_activity(activity: &Activity, waits: &Wait, now: Time) -> pb::PendingActivity {
    let is_started = matches!(activity.stage, Stage::Started { .. });
    use pb::PendingActivityState as State;
    let (state, worker, next) = match &activity.stage {
        Stage::Queued(_) => (State::Scheduled, String::new(), None),
        Stage::Started { worker, .. } if activity.cancel_requested => {
            (State::Canceling, worker.to_string(), None)
        }
        Stage::Started { worker, .. } => (State::Started, worker.to_string(), None),
        Stage::BackingOff(until) => (State::BackingOff, String::new(), Some(*until)),
    };
    let mut said = wait(waits, now);
    if !activity.blocked_stack.as_str().is_empty() {
        said.text.push_str(", its code is blocked");
    }
    pb::PendingActivity {
        key: activity.key.to_string(),
        activity_type: activity.activity_type.to_string(),
        state: state.into(),
        attempt: activity.attempt,
        task_queue: activity.options.task_queue.to_string(),
        worker_identity: worker,
        last_failure: activity.last_failure.as_ref().map(failure),
        next_attempt_time: next.map(timestamp),
        heartbeat_details: activity.heartbeat_details.as_ref().map(payload),
        wait: Some(said),
        last_heartbeat_time: is_started.then(|| timestamp(activity.heard)),
        blocked_stack: activity.blocked_stack.to_string(),
    }
}
