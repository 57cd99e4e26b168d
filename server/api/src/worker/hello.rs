//! Hello: what a worker says about itself when its stream begins.

use std::sync::Arc;

use everturn_dispatch::TaskKind;
use everturn_engine::limits;
use everturn_proto::v1 as pb;
use everturn_proto::v1::ErrorReason;
use everturn_runtime::{Handle, QueueType, Session, SessionOptions, SessionTypes};
use tonic::{Code, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing, services};

/// Queues that a worker may serve.
const QUEUES: usize = 256;
/// Types of each sort that a worker may say it has, or uses.
const TYPES: usize = 1_000;
/// Attempts that a worker may say it still runs.
const RUNNING: usize = 10_000;
/// Bytes of values of states that a worker may say it keeps.
const STATE_CACHE_BYTES: u32 = 1 << 30;

/// Opens the session that a first message asks for.
pub(super) async fn open(
    handle: &Handle,
    hello: Option<pb::Hello>,
) -> Result<(Session, pb::Welcome), Status> {
    let hello = hello.ok_or_else(|| {
        error::status(
            Code::InvalidArgument,
            ErrorReason::ProtocolViolation,
            "the first message of a stream must be Hello",
        )
    })?;
    let mut aborted = Vec::new();
    let mut indexes = Vec::new();
    let options = options(hello, &mut indexes, &mut aborted)?;
    let opened = handle.open_session(options).await;
    let (session, over) = opened.map_err(|error| error::refused(&error))?;
    aborted.extend(over.iter().filter_map(|at| indexes.get(*at as usize)));
    aborted.sort_unstable();
    let runtime = handle.options();
    let span = |duration: std::time::Duration| {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        outgoing::duration(everturn_engine::value::Span(micros))
    };
    let welcome = pb::Welcome {
        stream_id: session.id(),
        server_version: services::version().to_owned(),
        ping_interval: Some(span(runtime.ping_interval)),
        ack_timeout: Some(span(runtime.ack_timeout)),
        aborted_task_indexes: aborted,
    };
    Ok((session, welcome))
}

fn options(
    hello: pb::Hello,
    indexes: &mut Vec<u32>,
    aborted: &mut Vec<u32>,
) -> Result<SessionOptions, Status> {
    let mut checker = Checker::default();
    let queues = Path::field("queues");
    if hello.queues.is_empty() {
        checker.violation(queues, "is empty");
    }
    if hello.queues.len() > QUEUES {
        checker.violation(queues, format!("has more than {QUEUES} entries"));
    }
    checker.name(Path::field("identity"), &hello.identity);
    checker.text(Path::field("build_id"), &hello.build_id, limits::ID_BYTES);
    let tokens = Path::field("running_task_tokens");
    if hello.running_task_tokens.len() > RUNNING {
        checker.violation(tokens, format!("has more than {RUNNING} entries"));
    }
    let namespace = incoming::namespace(&mut checker, hello.namespace);
    let (mut reconciles, mut shows_typing) = (Vec::new(), Vec::new());
    let mut subscriptions = Vec::with_capacity(hello.queues.len().min(QUEUES));
    for (index, queue) in hello.queues.into_iter().enumerate().take(QUEUES) {
        let path = queues.at(index);
        checker.name(path.then("task_queue"), &queue.task_queue);
        if queue.can_reconcile {
            reconciles.push(queue.task_queue.as_str().into());
        }
        if queue.can_show_typing {
            shows_typing.push(queue.task_queue.as_str().into());
        }
        match pb::TaskKind::try_from(queue.kind) {
            Ok(pb::TaskKind::Workflow) => {
                subscriptions.push((queue.task_queue.into(), TaskKind::Workflow));
            }
            Ok(pb::TaskKind::Activity) => {
                subscriptions.push((queue.task_queue.into(), TaskKind::Activity));
            }
            _ => checker.violation(path.then("kind"), "is not a kind of task"),
        }
    }
    if hello.state_cache_bytes > STATE_CACHE_BYTES {
        let problem = format!("is more than {STATE_CACHE_BYTES}");
        checker.violation(Path::field("state_cache_bytes"), problem);
    }
    let types = types(
        &mut checker,
        hello.activity_types,
        hello.workflow_types,
        hello.used_types,
    );
    checker.finish()?;
    let mut running = Vec::new();
    for (index, token) in (0..).zip(&hello.running_task_tokens) {
        // A token that is not ours is of an attempt that is over.
        match incoming::activity_token(token) {
            Ok(attempt) => {
                running.push(attempt);
                indexes.push(index);
            }
            Err(_) => aborted.push(index),
        }
    }
    Ok(SessionOptions {
        namespace,
        queues: subscriptions,
        reconciles,
        shows_typing,
        identity: hello.identity.into(),
        running,
        types,
        state_cache_bytes: hello.state_cache_bytes as usize,
    })
}

/// What a worker says about its code.
fn types(
    checker: &mut Checker,
    activities: Vec<String>,
    workflows: Vec<String>,
    used: Vec<pb::UsedType>,
) -> SessionTypes {
    let mut names = |field: &'static str, names: Vec<String>| -> Vec<Arc<str>> {
        let path = Path::field(field);
        if names.len() > TYPES {
            checker.violation(path, format!("has more than {TYPES} entries"));
        }
        for (index, name) in names.iter().enumerate().take(TYPES) {
            checker.name(path.at(index), name);
        }
        names.into_iter().map(Into::into).collect()
    };
    let activities = names("activity_types", activities);
    let workflows = names("workflow_types", workflows);
    let path = Path::field("used_types");
    if used.len() > TYPES {
        checker.violation(path, format!("has more than {TYPES} entries"));
    }
    let mut wanted = Vec::with_capacity(used.len().min(TYPES));
    for (index, it) in used.into_iter().enumerate().take(TYPES) {
        let path = path.at(index);
        checker.name(path.then("task_queue"), &it.task_queue);
        checker.name(path.then("type_name"), &it.type_name);
        let kind = match it.kind() {
            pb::TaskKind::Workflow => TaskKind::Workflow,
            _ => TaskKind::Activity,
        };
        wanted.push(QueueType {
            queue: it.task_queue.into(),
            kind,
            name: it.type_name.into(),
        });
    }
    SessionTypes {
        activities,
        workflows,
        used: wanted,
    }
}
