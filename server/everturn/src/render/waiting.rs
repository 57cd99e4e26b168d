//! Why something waits, and how task queues stand.

use everturn_client::v1;
use serde_json::{Value, json};

use super::value::{time, variant};

/// Why something waits, or null.
pub(crate) fn wait(wait: Option<&v1::Wait>) -> Value {
    let Some(it) = wait else {
        return Value::Null;
    };
    json!({
        "reason": variant(it.reason().as_str_name(), "WAIT_REASON"),
        "since_time": time(it.since_time.as_ref()),
        "until_time": time(it.until_time.as_ref()),
        "text": it.text,
        "ends_with": it.ends_with,
        "key": it.key,
        "task_queue": it.task_queue,
        "type_name": it.type_name,
        "worker_identity": it.worker_identity,
        "attempt": it.attempt,
        "approval_id": it.approval_id,
    })
}

/// Reads a reason as it is printed: `no_worker`, or `no-worker`.
pub(crate) fn parse_reason(text: &str) -> Result<v1::WaitReason, String> {
    let name = format!("WAIT_REASON_{}", text.to_uppercase().replace('-', "_"));
    let reason = v1::WaitReason::from_str_name(&name);
    reason
        .filter(|reason| *reason != v1::WaitReason::Unspecified)
        .ok_or_else(|| {
            let known = (1..).map_while(|number| v1::WaitReason::try_from(number).ok());
            let names = known.map(|it| variant(it.as_str_name(), "WAIT_REASON"));
            format!("is one of {}", names.collect::<Vec<_>>().join(", "))
        })
}

/// What is in a queue.
pub(crate) fn task_kind(kind: v1::TaskKind) -> String {
    variant(kind.as_str_name(), "TASK_KIND")
}

/// How a task queue stands.
pub(crate) fn task_queue(it: &v1::TaskQueue) -> Value {
    json!({
        "namespace": it.namespace,
        "task_queue": it.task_queue,
        "kind": task_kind(it.kind()),
        "backlog_count": it.backlog_count,
        "oldest_task_time": time(it.oldest_task_time.as_ref()),
        "worker_count": it.worker_count,
        "unserved_since_time": time(it.unserved_since_time.as_ref()),
        "registered_types": it.registered_types,
        "missing_types": it.missing_types,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_as_they_are_printed() {
        assert_eq!(parse_reason("no_worker"), Ok(v1::WaitReason::NoWorker));
        assert_eq!(parse_reason("no-worker"), Ok(v1::WaitReason::NoWorker));
        let error = parse_reason("hungry").expect_err("is none");
        assert!(error.contains("no_worker, not_registered"), "{error}");
    }
}
