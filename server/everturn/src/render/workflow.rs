//! Runs, what they wait for, their results and states.

use std::collections::HashMap;
use std::io;

use everturn_client::v1;
use serde_json::{Value, json};

use super::Output;
use super::value::{
    clock, failure, failure_text, labels, payload, payloads, run_status, time, variant,
};

fn run_json(run: &v1::WorkflowRun) -> Value {
    json!({
        "namespace": run.namespace,
        "workflow_id": run.workflow_id,
        "run_id": run.run_id,
        "workflow_type": run.workflow_type,
        "task_queue": run.task_queue,
        "status": run_status(run.status()),
        "parent_workflow_id": run.parent_workflow_id,
        "start_time": time(run.start_time.as_ref()),
        "close_time": time(run.close_time.as_ref()),
        "event_count": run.event_count,
        "labels": labels(&run.labels),
    })
}

/// Prints a run as one line of a list.
pub(crate) fn run_line(output: Output, run: &v1::WorkflowRun) -> io::Result<()> {
    output.record(
        || run_json(run),
        || {
            format!(
                "{:<32} {:<16} {:<10} {:>5} events  {}",
                run.workflow_id,
                run.workflow_type,
                run_status(run.status()),
                run.event_count,
                clock(run.start_time.as_ref()),
            )
        },
    )
}

fn activity_state(activity: &v1::PendingActivity) -> String {
    variant(activity.state().as_str_name(), "PENDING_ACTIVITY_STATE")
}

fn activity_json(it: &v1::PendingActivity) -> Value {
    json!({
        "key": it.key,
        "activity_type": it.activity_type,
        "state": activity_state(it),
        "attempt": it.attempt,
        "task_queue": it.task_queue,
        "worker_identity": it.worker_identity,
        "last_failure": failure(it.last_failure.as_ref()),
        "next_attempt_time": time(it.next_attempt_time.as_ref()),
        "heartbeat_details": payload(it.heartbeat_details.as_ref()),
    })
}

fn description_json(run: &v1::WorkflowRun, it: &v1::DescribeWorkflowResponse) -> Value {
    let timers = it
        .pending_timers
        .iter()
        .map(|timer| json!({ "key": timer.key, "fire_time": time(timer.fire_time.as_ref()) }));
    let children = it
        .pending_children
        .iter()
        .map(|child| json!({ "key": child.key, "workflow_id": child.workflow_id }));
    json!({
        "run": run_json(run),
        "pending_activities":
            it.pending_activities.iter().map(activity_json).collect::<Value>(),
        "pending_timers": timers.collect::<Value>(),
        "pending_children": children.collect::<Value>(),
        "result": payload(it.result.as_ref()),
        "failure": failure(it.failure.as_ref()),
        "workflow_task_failure": failure(it.workflow_task_failure.as_ref()),
    })
}

fn description_text(run: &v1::WorkflowRun, it: &v1::DescribeWorkflowResponse) -> String {
    let mut lines = vec![
        format!("workflow    {}", run.workflow_id),
        format!("run         {}", run.run_id),
        format!("type        {}", run.workflow_type),
        format!("status      {}", run_status(run.status())),
        format!("task queue  {}", run.task_queue),
        format!("events      {}", run.event_count),
        format!("started     {}", clock(run.start_time.as_ref())),
        format!("closed      {}", clock(run.close_time.as_ref())),
    ];
    for activity in &it.pending_activities {
        let mut line = format!(
            "waits for   activity {} ({}), {}, attempt {}, queue {}",
            activity.key,
            activity.activity_type,
            activity_state(activity),
            activity.attempt,
            activity.task_queue,
        );
        if let Some(failure) = &activity.last_failure {
            line.push_str(&format!(", last {}", failure_text(failure)));
        }
        lines.push(line);
    }
    for timer in &it.pending_timers {
        let at = clock(timer.fire_time.as_ref());
        lines.push(format!("waits for   timer {} at {at}", timer.key));
    }
    for child in &it.pending_children {
        lines.push(format!(
            "waits for   child {} ({})",
            child.key, child.workflow_id
        ));
    }
    if it.result.is_some() {
        lines.push(format!("result      {}", payload(it.result.as_ref())));
    }
    if let Some(failure) = &it.failure {
        lines.push(format!("failure     {}", failure_text(failure)));
    }
    if let Some(failure) = &it.workflow_task_failure {
        lines.push(format!("code stuck  {}", failure_text(failure)));
    }
    lines.join("\n")
}

/// Prints how a run stands and what it waits for.
pub(crate) fn workflow(output: Output, it: &v1::DescribeWorkflowResponse) -> io::Result<()> {
    let run = it.run.clone().unwrap_or_default();
    output.record(|| description_json(&run, it), || description_text(&run, it))
}

/// Prints how a run ended, or that it is still open.
pub(crate) fn result(
    output: Output,
    workflow_id: &str,
    it: &v1::WaitResultResponse,
) -> io::Result<()> {
    let status = run_status(it.status());
    output.record(
        || {
            json!({
                "workflow_id": workflow_id,
                "run_id": it.run_id,
                "status": status,
                "result": payload(it.result.as_ref()),
                "failure": failure(it.failure.as_ref()),
            })
        },
        || match (&it.failure, &it.result) {
            (Some(failure), _) => format!("{workflow_id}: {status}: {}", failure_text(failure)),
            (None, Some(result)) => format!("{workflow_id}: {status}: {}", payload(Some(result))),
            (None, None) => format!("{workflow_id}: {status}"),
        },
    )
}

/// Prints the entries of a run's state, one JSON object in both forms.
pub(crate) fn state(output: Output, entries: &HashMap<String, v1::Payload>) -> io::Result<()> {
    output.record(
        || json!({ "state": payloads(entries) }),
        || {
            serde_json::to_string_pretty(&payloads(entries))
                .unwrap_or_else(|_| payloads(entries).to_string())
        },
    )
}
