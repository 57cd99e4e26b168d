//! The state of a conversation: each turn has it as it was when the turn
//! started, whatever happens meanwhile, and a worker that keeps its values is
//! sent them once.

mod node;

use std::collections::BTreeMap;
use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::command::{Command, CommandKind, SetState};
use everturn_engine::policy::OnBusy;
use everturn_engine::value::{Blob, Payload};
use everturn_runtime::{Options, ResultBody, TaskResult, WorkflowTask};
use node::{Node, Worker, command, eventually, input, key, message, reply};

const QUEUES: [(&str, TaskKind); 1] = [("default", TaskKind::Workflow)];
const KEPT_BYTES: usize = 1024 * 1024;

async fn say(node: &Node, id: &str) {
    let mut message = message(id, "hello");
    message.opening.policy.on_busy = OnBusy::Steer;
    let said = node.handle.submit_message(key("c"), message).await;
    said.expect("it is open");
}

/// A long value that is made of a letter.
fn set(name: &str, letter: &str) -> Command {
    let value = Payload {
        data: Blob(letter.repeat(3_000).into_bytes().into()),
        content_type: "text/plain".into(),
    };
    let set = SetState {
        name: name.into(),
        value: Some(value),
    };
    command(&format!("{name}-{letter}"), CommandKind::SetState(set))
}

async fn finish(worker: &mut Worker, task: &WorkflowTask, mut commands: Vec<Command>) {
    commands.extend(reply("yes"));
    worker.complete(task, commands).await;
    worker.grant(TaskKind::Workflow, 1);
}

/// The first letters of the values that a task brings, by their names.
fn state(task: &WorkflowTask) -> String {
    let entries = &input(task).context.state.entries;
    let shown = entries.iter().map(|(name, value)| {
        let letter = char::from(value.data.0[0]);
        format!("{name}={letter}")
    });
    shown.collect::<Vec<_>>().join(" ")
}

fn versions(task: &WorkflowTask) -> BTreeMap<String, u64> {
    let versions = input(task).versions.iter();
    versions
        .map(|(name, version)| (name.to_string(), *version))
        .collect()
}

/// The worker has not kept what it should have.
async fn ask_for_all(worker: &Worker, task: &WorkflowTask) {
    let body = ResultBody::TaskNeedsJournal { token: task.token };
    let result = TaskResult {
        result_id: 7,
        root: task.root.clone(),
        body,
    };
    worker.session.report(vec![result]).await;
    worker.grant(TaskKind::Workflow, 1);
}

#[tokio::test]
async fn a_worker_that_keeps_the_values_of_a_state_is_sent_each_of_them_once() {
    let node = Node::start(Options::default()).await;
    let mut worker = node.worker_that_keeps(KEPT_BYTES, "w", &QUEUES).await;
    say(&node, "1").await;
    let task = worker.workflow_task().await;
    assert_eq!((state(&task).as_str(), versions(&task).len()), ("", 0));
    finish(&mut worker, &task, vec![set("a", "x"), set("b", "y")]).await;

    say(&node, "2").await;
    let task = worker.workflow_task().await;
    assert_eq!(state(&task), "a=x b=y");
    let first = versions(&task);
    assert_eq!(first.len(), 2);
    finish(&mut worker, &task, vec![]).await;

    say(&node, "3").await;
    let task = worker.workflow_task().await;
    assert_eq!(
        (state(&task).as_str(), versions(&task)),
        ("", first.clone())
    );
    finish(&mut worker, &task, vec![set("b", "z")]).await;

    say(&node, "4").await;
    let task = worker.workflow_task().await;
    assert_eq!(state(&task), "b=z");
    let second = versions(&task);
    assert_eq!(second["a"], first["a"]);
    assert!(second["b"] > first["b"]);

    // It lost them: it is sent all of them, and knows them from then on.
    ask_for_all(&worker, &task).await;
    let task = worker.workflow_task().await;
    assert_eq!(
        (state(&task).as_str(), versions(&task)),
        ("a=x b=z", second)
    );
    finish(&mut worker, &task, vec![]).await;
    say(&node, "5").await;
    let task = worker.workflow_task().await;
    assert_eq!(state(&task), "");
    drop(worker);

    // Others know nothing, and one that keeps nothing is told no versions.
    let mut other = node.worker("v", &QUEUES).await;
    let task = other.workflow_task().await;
    assert_eq!(
        (state(&task).as_str(), versions(&task).len()),
        ("a=x b=z", 0)
    );
}

#[tokio::test]
async fn a_turn_has_the_state_that_it_started_with_whatever_is_written_evicted_or_restarted() {
    let options = Options {
        evict_after: Duration::from_millis(50),
        ..Options::default()
    };
    let mut node = Node::start(options).await;
    let mut worker = node.worker("w", &QUEUES).await;
    say(&node, "1").await;
    let task = worker.workflow_task().await;
    finish(&mut worker, &task, vec![set("a", "x"), set("b", "y")]).await;
    say(&node, "2").await;
    let task = worker.workflow_task().await;
    // The turn goes on after what it writes.
    worker.complete(&task, vec![set("a", "z")]).await;
    drop(worker);
    // Once as the log tells it, then as the view does.
    for round in 0..3 {
        node = node.restart().await;
        say(&node, &format!("again-{round}")).await;
        let mut worker = node.worker("w", &QUEUES).await;
        let again = worker.workflow_task().await;
        assert_eq!(again.run_id, task.run_id);
        assert_eq!(state(&again), "a=x b=y");
    }
    let mut worker = node.worker("w", &QUEUES).await;
    let again = worker.workflow_task().await;
    finish(&mut worker, &again, vec![]).await;
    say(&node, "next").await;
    let next = worker.workflow_task().await;
    assert_eq!(state(&next), "a=z b=y");
    finish(&mut worker, &next, vec![]).await;
    drop(worker);
    eventually("it has left", async || node.handle.metrics().hot_roots == 0).await;
    say(&node, "last").await;
    let mut worker = node.worker("w", &QUEUES).await;
    let last = worker.workflow_task().await;
    assert_eq!(state(&last), "a=z b=y");
}
