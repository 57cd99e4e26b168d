//! What only waits leaves memory.

mod node;

use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::command::{CommandKind, StartTimer};
use everturn_engine::decide::RunRef;
use everturn_engine::event::RunStatus;
use everturn_engine::value::Span;
use everturn_runtime::Options;
use node::{Node, command, eventually, start};

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
