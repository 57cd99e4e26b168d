//! What workers are told about the work that they have.

mod node;

use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::command::{Command, CommandKind, Draft};
use everturn_engine::decide::{Opening, SubmitMessage};
use everturn_engine::policy::{ActivityOptions, TurnPolicy};
use everturn_engine::value::{MessageContent, Payload};
use everturn_runtime::{Options, WorkItem};
use node::{Node, command, key};

fn content(text: &str) -> MessageContent {
    MessageContent {
        text: text.into(),
        data: None,
        attributes: Default::default(),
    }
}

/// The customer writes by mail.
async fn write(node: &Node) {
    let message = SubmitMessage {
        opening: Opening {
            type_name: "chat".into(),
            task_queue: "default".into(),
            policy: TurnPolicy::default(),
            labels: Default::default(),
        },
        channel: "email".into(),
        provider_message_id: "m1".into(),
        author_name: Default::default(),
        content: content("hello"),
        customer_address: "ada@example.org".into(),
    };
    let accepted = node.handle.submit_message(key("c1"), message).await;
    accepted.expect("it is taken");
}

fn reply(text: &str) -> Command {
    let draft = Draft {
        channel: Default::default(),
        author_name: Default::default(),
        content: content(text),
    };
    command("reply", CommandKind::SendMessage(draft))
}

#[tokio::test]
async fn an_adapter_is_told_that_its_delivery_is_over() {
    let node = Node::start(Options {
        ack_timeout: Duration::from_millis(100),
        ..Options::default()
    });
    let node = node.await;
    let mut agent = node.worker("a", &[("default", TaskKind::Workflow)]).await;
    let queues = [("deliver.email", TaskKind::Activity)];
    let mut adapter = node.worker("adapter", &queues).await;
    write(&node).await;
    let task = agent.workflow_task().await;
    agent.complete(&task, vec![reply("hi")]).await;
    // It never says that it has it, so that somebody else is asked, who must
    // not send it a second time.
    let token = adapter.attempt().await;
    assert_eq!(adapter.stopped().await, (token, true));
}

#[tokio::test]
async fn whoever_has_something_of_an_erased_conversation_is_told() {
    let node = Node::start(Options::default()).await;
    let queues = [
        ("default", TaskKind::Workflow),
        ("default", TaskKind::Activity),
    ];
    let mut worker = node.worker("w", &queues).await;
    let adapters = [("deliver.email", TaskKind::Activity)];
    let mut adapter = node.worker("adapter", &adapters).await;
    write(&node).await;
    let task = worker.workflow_task().await;
    let activity = CommandKind::ScheduleActivity {
        activity_type: "draft".into(),
        input: Payload::default(),
        options: Box::new(ActivityOptions::on("default".into())),
    };
    let commands = vec![reply("hi"), command("draft", activity)];
    worker.complete(&task, commands).await;
    let running = worker.attempt().await;
    let sending = adapter.attempt().await;
    let erased = node.handle.erase_conversation(key("c1")).await;
    erased.expect("it is there");
    assert_eq!(adapter.stopped().await, (sending, true));
    assert_eq!(worker.stopped().await, (running, true));
    let evicted = worker.given(|item| match item {
        WorkItem::Evict(run_id) => Some(*run_id),
        _ => None,
    });
    assert_eq!(evicted.await, task.run_id);
}
