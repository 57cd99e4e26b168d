//! ListTaskQueues: backlog, workers, and what is missing.

use std::collections::BTreeSet;
use std::sync::Arc;

use everturn_dispatch::TaskKind;
use everturn_engine::value::Time;
use everturn_proto::v1 as pb;
use everturn_runtime::{Handle, QueueRecord};
use tonic::{Response, Status};

use crate::checker::Checker;
use crate::outgoing::timestamp;
use crate::{error, incoming};

/// Queues in the answer.
const MAX_QUEUES: usize = 10_000;

pub(super) async fn call(
    handle: &Handle,
    request: pb::ListTaskQueuesRequest,
) -> Result<Response<pb::ListTaskQueuesResponse>, Status> {
    let mut checker = Checker::default();
    let namespace = incoming::namespace(&mut checker, request.namespace);
    checker.finish()?;
    let queues = handle.task_queues(&namespace).await;
    let queues = queues.map_err(|error| error::refused(&error))?;
    let shown = queues.iter().take(MAX_QUEUES);
    Ok(Response::new(pb::ListTaskQueuesResponse {
        task_queues: shown.map(|it| task_queue(namespace.as_str(), it)).collect(),
    }))
}

fn task_queue(namespace: &str, record: &QueueRecord) -> pb::TaskQueue {
    let kind = match record.kind {
        TaskKind::Workflow => pb::TaskKind::Workflow,
        TaskKind::Activity => pb::TaskKind::Activity,
    };
    let stats = &record.state.stats;
    let oldest = stats.oldest_enqueued_at.map(|at| timestamp(Time(at)));
    pb::TaskQueue {
        namespace: namespace.to_owned(),
        task_queue: record.name.to_string(),
        kind: kind.into(),
        backlog_count: stats.backlog as u64,
        oldest_task_time: oldest,
        worker_count: u32::try_from(stats.subscribers).unwrap_or(u32::MAX),
        unserved_since_time: record.unserved_since.map(timestamp),
        registered_types: record.state.types.as_ref().map(names).unwrap_or_default(),
        missing_types: names(&record.missing),
    }
}

fn names(types: &BTreeSet<Arc<str>>) -> Vec<String> {
    types.iter().map(|name| name.to_string()).collect()
}
