//! What a turn was given can be read again: by its worker while it is open, and
//! in its history for ever, whatever becomes of its messages meanwhile.

mod node;

use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::decide::{ChangeMessage, RunRef};
use everturn_engine::event::RunId;
use everturn_engine::value::Message;
use everturn_runtime::{Handle, Options, WorkflowTask};
use node::{Node, Worker, content, eventually, input, key, message, reply};

async fn say(handle: &Handle, id: &str, text: &str) {
    let said = handle.submit_message(key("c"), message(id, text)).await;
    said.expect("it is open");
}

async fn edit(handle: &Handle, id: &str, text: &str) {
    let request = ChangeMessage {
        channel: "chat".into(),
        address: Default::default(),
        provider_message_id: id.into(),
        content: Some(content(text)),
    };
    let changed = handle.change_message(key("c"), request).await;
    changed.expect("it is known");
}

/// Replies and ends the turn of a task.
async fn answer(worker: &mut Worker, task: &WorkflowTask, text: &str) {
    worker.complete(task, reply(text)).await;
    worker.grant(TaskKind::Workflow, 1);
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|it| it.content.text.as_str()).collect()
}

/// What the history of a turn says it was given: messages, and those before.
async fn told(handle: &Handle, run_id: RunId, number: u64) -> (Vec<String>, Vec<String>) {
    let target = RunRef {
        workflow_id: format!("c/turn-{number}").as_str().into(),
        run_id: Some(run_id),
    };
    let page = handle.history("default".into(), target, 0, 10_000).await;
    let page = page.expect("it is there");
    let turn = page.entries[0].turn.as_ref().expect("it says so");
    assert_eq!(turn.number, number);
    let owned = |messages: &[Message]| texts(messages).into_iter().map(Into::into).collect();
    let context = &turn.context;
    (owned(&context.messages), owned(&context.recent))
}

#[tokio::test]
async fn what_a_turn_was_given_stays_the_same_whatever_is_edited_evicted_or_restarted() {
    let node = Node::start(Options {
        evict_after: Duration::from_millis(100),
        ..Options::default()
    });
    let node = node.await;
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    say(&node.handle, "m1", "hello").await;
    let first = worker.workflow_task().await;
    assert_eq!(texts(&input(&first).context.messages), ["hello"]);
    answer(&mut worker, &first, "hi").await;

    say(&node.handle, "m2", "where is it?").await;
    let second = worker.workflow_task().await;
    assert_eq!(texts(&input(&second).context.messages), ["where is it?"]);
    assert_eq!(texts(&input(&second).context.recent), ["hello", "hi"]);
    // The code of the second turn runs again, on another worker, and is given
    // the words that it was given first.
    edit(&node.handle, "m2", "where is my parcel?").await;
    edit(&node.handle, "m1", "good morning").await;
    drop(worker);
    let node = node.restart().await;
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    let again = worker.workflow_task().await;
    assert_eq!(again.run_id, second.run_id);
    assert_eq!(texts(&input(&again).context.messages), ["where is it?"]);
    assert_eq!(texts(&input(&again).context.recent), ["hello", "hi"]);
    answer(&mut worker, &again, "on its way").await;
    // The edits of what was answered are answered as well.
    let third = worker.workflow_task().await;
    answer(&mut worker, &third, "good morning").await;

    let first_told = (vec!["hello".to_owned()], Vec::<String>::new());
    let recent = vec!["hello".to_owned(), "hi".to_owned()];
    let second_told = (vec!["where is it?".to_owned()], recent);
    let check = async |handle: &Handle| {
        assert_eq!(told(handle, first.run_id, 1).await, first_told);
        assert_eq!(told(handle, second.run_id, 2).await, second_told);
    };
    check(&node.handle).await;
    drop(worker);
    eventually("all have left", async || {
        node.handle.metrics().hot_roots == 0
    })
    .await;
    check(&node.handle).await;
    let node = node.restart().await;
    check(&node.handle).await;
}
