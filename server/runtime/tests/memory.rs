//! What only waits leaves memory, and what waits for a worker; what is needed
//! comes back, and near the limit nothing new is taken.

mod node;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::command::{CommandKind, CompleteRun, StartTimer};
use everturn_engine::decide::{RunRef, StartWorkflow};
use everturn_engine::event::RunStatus;
use everturn_engine::value::{Payload, Span};
use everturn_runtime::{Error, MemoryReader, Options};
use node::{Node, Worker, command, eventually, key, start};

/// Tasks that a worker takes at once.
const CREDITS: usize = 16;
/// More than a page of what is taken up after a start.
const MANY: usize = 1_200;

/// Options under which what waits leaves at once.
fn forgetful() -> Options {
    Options {
        evict_after: Duration::from_millis(100),
        ..Options::default()
    }
}

/// The ids of the next tasks; each run ends with its task.
async fn served(worker: &mut Worker, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let task = worker.workflow_task().await;
        ids.push(task.workflow_id.to_string());
        let done = CommandKind::Complete(CompleteRun {
            result: Payload::default(),
        });
        worker.complete(&task, vec![command("", done)]).await;
        worker.grant(TaskKind::Workflow, 1);
    }
    ids
}

#[tokio::test]
async fn a_run_that_somebody_waited_for_leaves_memory_afterwards() {
    let node = Node::start(Options {
        evict_after: Duration::from_millis(50),
        ..Options::default()
    });
    let node = node.await;
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    start(&node.handle, "w1", "default").await;
    let task = worker.workflow_task().await;
    let delay = Span::from_secs(3_600);
    let commands = vec![command("t", CommandKind::StartTimer(StartTimer { delay }))];
    worker.complete(&task, commands).await;
    let target = RunRef {
        workflow_id: "w1".into(),
        run_id: None,
    };
    // Longer than what only waits is kept.
    let wait = Duration::from_millis(500);
    let waited = node
        .handle
        .wait_closed("default".into(), target, wait)
        .await;
    assert_eq!(waited.expect("it is there").status, RunStatus::Running);
    eventually("it leaves memory", async || {
        node.handle.metrics().roots_evicted == 1
    })
    .await;
}

#[tokio::test]
async fn what_waits_for_a_worker_leaves_memory_and_comes_back_in_its_order() {
    let node = Node::start(forgetful()).await;
    let ids: Vec<String> = (0..MANY).map(|number| format!("w{number:04}")).collect();
    for id in &ids {
        start(&node.handle, id, "default").await;
    }
    eventually("all have left", async || {
        node.handle.metrics().hot_roots == 0
    })
    .await;
    assert_eq!(node.handle.metrics().backlog, MANY as u64);
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    let served = served(&mut worker, MANY).await;
    for (at, id) in served.iter().enumerate() {
        let place = ids.iter().position(|it| it == id).expect("one of them");
        // What a worker takes at once is read beside each other.
        assert!(place.abs_diff(at) <= CREDITS, "{id} is number {at}");
    }
    eventually("nothing waits", async || node.handle.metrics().backlog == 0).await;
}

#[tokio::test]
async fn what_waits_for_a_worker_is_taken_up_after_a_restart_and_leaves_again() {
    let node = Node::start(forgetful()).await;
    for number in 0..MANY {
        start(&node.handle, &format!("w{number:04}"), "default").await;
    }
    let node = node.restart().await;
    eventually("every task is in its queue", async || {
        node.handle.metrics().backlog == MANY as u64
    })
    .await;
    eventually("all have left", async || {
        node.handle.metrics().hot_roots == 0
    })
    .await;
    assert_eq!(node.handle.metrics().roots_taken_up, MANY as u64);
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    let mut ids = served(&mut worker, MANY).await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), MANY, "each once");
}

#[tokio::test]
async fn a_request_for_what_has_left_does_not_offer_its_task_twice() {
    let node = Node::start(forgetful()).await;
    start(&node.handle, "w1", "default").await;
    for _ in 0..3 {
        eventually("it has left", async || node.handle.metrics().hot_roots == 0).await;
        let target = RunRef {
            workflow_id: "w1".into(),
            run_id: None,
        };
        let described = node.handle.describe("default".into(), target);
        let described = described.await.expect("it is there");
        let wait = described.record.wait.expect("it waits");
        assert_eq!(wait.queue.as_str(), "default");
        // Each time it is in memory for more than a second before it leaves.
        let waited = wait.since.since(described.record.started);
        assert!(waited < Span::from_secs(1), "only since it was read again");
    }
    assert_eq!(node.handle.metrics().backlog, 1);
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    assert_eq!(served(&mut worker, 1).await, ["w1"]);
}

#[tokio::test]
async fn near_the_limit_new_work_is_refused_and_what_is_there_goes_on() {
    let used = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&used);
    let node = Node::start(Options {
        memory_limit: 1_000,
        memory: MemoryReader::from_fn(move || read.load(Ordering::Relaxed)),
        // Only because memory is short.
        evict_after: Duration::from_secs(3_600),
        ..Options::default()
    });
    let node = node.await;
    for number in 0..100 {
        start(&node.handle, &format!("w{number:04}"), "default").await;
    }
    used.store(950, Ordering::Relaxed);
    eventually("all have left", async || {
        node.handle.metrics().hot_roots == 0
    })
    .await;
    let request = StartWorkflow {
        type_name: "order".into(),
        task_queue: "default".into(),
        input: Payload::default(),
        execution_timeout: None,
        labels: Default::default(),
        request: 0.into(),
    };
    let refused = node
        .handle
        .start_workflow(key("new"), request.clone())
        .await;
    assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    served(&mut worker, 100).await;
    used.store(100, Ordering::Relaxed);
    eventually("there is room", async || {
        node.handle
            .start_workflow(key("new"), request.clone())
            .await
            .is_ok()
    })
    .await;
}

#[tokio::test]
async fn deadlines_of_more_runs_than_a_page_are_met_although_none_is_in_memory() {
    let node = Node::start(forgetful()).await;
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    for number in 0..MANY {
        start(&node.handle, &format!("w{number:04}"), "default").await;
        let task = worker.workflow_task().await;
        let delay = Span::from_secs(5);
        let wait = CommandKind::StartTimer(StartTimer { delay });
        worker.complete(&task, vec![command("t", wait)]).await;
        worker.grant(TaskKind::Workflow, 1);
    }
    drop(worker);
    let node = node.restart().await;
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    let mut ids = served(&mut worker, MANY).await;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), MANY, "each timer fires once");
}
