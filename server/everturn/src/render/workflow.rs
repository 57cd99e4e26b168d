//! Runs, what they wait for, their results and states.

use std::collections::HashMap;
use std::io;

use everturn_client::v1;
use serde_json::{Value, json};

use super::Output;
use super::value::{
    clock, failure, failure_text, labels, payload, payloads, run_status, time, usage, usage_text,
    variant,
};
use super::waiting::wait;

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
        "paused": run.paused,
        "usage": usage(run.usage.as_ref()),
        "wait": wait(run.wait.as_ref()),
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
                if run.paused {
                    "paused".to_owned()
                } else {
                    run_status(run.status())
                },
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
        "wait": wait(it.wait.as_ref()),
        "last_heartbeat_time": time(it.last_heartbeat_time.as_ref()),
        "blocked_stack": it.blocked_stack,
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
    let approvals = it.pending_approvals.iter().map(|approval| {
        json!({
            "key": approval.key,
            "approval_id": approval.approval_id,
            "expire_time": time(approval.expire_time.as_ref()),
        })
    });
    json!({
        "run": run_json(run),
        "pending_activities":
            it.pending_activities.iter().map(activity_json).collect::<Value>(),
        "pending_timers": timers.collect::<Value>(),
        "pending_children": children.collect::<Value>(),
        "pending_approvals": approvals.collect::<Value>(),
        "omitted_activity_count": it.omitted_activity_count,
        "result": payload(it.result.as_ref()),
        "failure": failure(it.failure.as_ref()),
        "workflow_task_failure": failure(it.workflow_task_failure.as_ref()),
        "workflow_task_failure_count": it.workflow_task_failure_count,
    })
}

/// Why a run waits, in one line.
fn wait_text(wait: Option<&v1::Wait>) -> &str {
    wait.map_or("-", |wait| wait.text.as_str())
}

fn description_text(run: &v1::WorkflowRun, it: &v1::DescribeWorkflowResponse) -> String {
    let stands = match run.paused {
        true => format!("{}, paused", run_status(run.status())),
        false => run_status(run.status()),
    };
    let mut lines = vec![
        format!("workflow    {}", run.workflow_id),
        format!("run         {}", run.run_id),
        format!("type        {}", run.workflow_type),
        format!("status      {stands}"),
        format!("waits       {}", wait_text(run.wait.as_ref())),
        format!("task queue  {}", run.task_queue),
        format!("events      {}", run.event_count),
        format!("started     {}", clock(run.start_time.as_ref())),
        format!("closed      {}", clock(run.close_time.as_ref())),
    ];
    let used = usage_text(run.usage.as_ref());
    if !used.is_empty() {
        lines.push(format!("used        {used}"));
    }
    waits_text(it, &mut lines);
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

/// What a run waits for, a line for each.
fn waits_text(it: &v1::DescribeWorkflowResponse, lines: &mut Vec<String>) {
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
    if it.omitted_activity_count > 0 {
        let count = it.omitted_activity_count;
        lines.push(format!("waits for   {count} more activities"));
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
    for approval in &it.pending_approvals {
        lines.push(format!("waits for   approval {}", approval.approval_id));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_says_that_it_is_paused_and_what_it_waits_for() {
        let run = v1::WorkflowRun {
            workflow_id: "order-7".to_owned(),
            status: v1::RunStatus::Running.into(),
            paused: true,
            ..Default::default()
        };
        let description = v1::DescribeWorkflowResponse {
            pending_approvals: vec![v1::PendingApproval {
                key: "refund".to_owned(),
                approval_id: "order-7/refund".to_owned(),
                ..Default::default()
            }],
            omitted_activity_count: 3,
            ..Default::default()
        };
        let text = description_text(&run, &description);
        for line in [
            "status      running, paused",
            "waits for   3 more activities",
            "waits for   approval order-7/refund",
        ] {
            assert!(text.lines().any(|it| it == line), "{text}");
        }
        let json = description_json(&run, &description);
        assert_eq!(json["run"]["paused"], true);
        assert_eq!(json["pending_approvals"][0]["key"], "refund");
    }
}
