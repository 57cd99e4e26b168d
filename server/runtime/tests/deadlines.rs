//! Deadlines of roots that are not in memory are found in the view.

mod node;

use everturn_dispatch::TaskKind;
use everturn_engine::command::{CommandKind, StartTimer};
use everturn_engine::event::RunEvent;
use everturn_engine::value::Span;
use everturn_runtime::Options;
use node::{Node, command, start};
use tokio::task::JoinSet;

/// More than are taken from the view at once.
const STUCK: usize = 10_100;
/// Workflows that are started together.
const TOGETHER: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_worker_does_not_hold_up_the_timers_of_others() {
    let node = Node::start(Options::default()).await;
    // Nobody serves their queue: they are due, and stay so.
    for first in (0..STUCK).step_by(TOGETHER) {
        let mut starts = JoinSet::new();
        for number in first..STUCK.min(first + TOGETHER) {
            let handle = node.handle.clone();
            let id = format!("stuck-{number}");
            starts.spawn(async move { start(&handle, &id, "nobody").await });
        }
        starts.join_all().await;
    }
    let queues = [("default", TaskKind::Workflow)];
    let mut worker = node.worker("w", &queues).await;
    start(&node.handle, "w1", "default").await;
    let task = worker.workflow_task().await;
    let delay = Span::from_secs(2);
    let timer = command("t", CommandKind::StartTimer(StartTimer { delay }));
    worker.complete(&task, vec![timer]).await;
    drop(worker);
    let node = node.restart().await;
    let mut worker = node.worker("w", &queues).await;
    let task = worker.workflow_task().await;
    let last = task.entries.last().map(|entry| &entry.event);
    assert!(
        matches!(last, Some(RunEvent::TimerFired { .. })),
        "{last:?}"
    );
}
