//! What workers are told about the work that they have.

mod node;

use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::command::{Command, CommandKind, Draft, ScheduleActivity};
use everturn_engine::decide::{Opening, SubmitMessage};
use everturn_engine::policy::{ActivityOptions, TurnPolicy};
use everturn_engine::value::{Blob, MessageContent, Payload};
use everturn_runtime::{ActivityTask, Options, Poll, WorkItem};
use node::{Node, command, key};

fn content(text: &str) -> MessageContent {
    MessageContent {
        text: text.into(),
        data: None,
        attributes: Default::default(),
        attachments: Vec::new(),
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
            retention: None,
        },
        channel: "email".into(),
        provider_message_id: "m1".into(),
        author_name: Default::default(),
        content: content("hello"),
        customer_address: "ada@example.org".into(),
        is_automatic: false,
        opt_out: None,
    };
    let accepted = node.handle.submit_message(key("c1"), message).await;
    accepted.expect("it is taken");
}

fn reply(text: &str) -> Command {
    let draft = Draft {
        channel: Default::default(),
        author_name: Default::default(),
        content: content(text),
        change: None,
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
    let activity = CommandKind::ScheduleActivity(ScheduleActivity {
        activity_type: "draft".into(),
        input: Payload::default(),
        options: Box::new(ActivityOptions::on("default".into())),
    });
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

/// Two activities in each of three workflows, with inputs of so many bytes.
async fn schedule(node: &Node, bytes: usize) {
    let queues = [("code", TaskKind::Workflow)];
    let mut code = node.worker("code", &queues).await;
    let draft = |name| {
        let activity = CommandKind::ScheduleActivity(ScheduleActivity {
            activity_type: "draft".into(),
            input: Payload {
                data: Blob(vec![b'x'; bytes].into()),
                content_type: "text/plain".into(),
            },
            options: Box::new(ActivityOptions::on("polled".into())),
        });
        command(name, activity)
    };
    for id in ["w1", "w2", "w3"] {
        node::start(&node.handle, id, "code").await;
        let task = code.workflow_task().await;
        code.complete(&task, vec![draft("a"), draft("b")]).await;
    }
}

/// What one poll is given: run, activity and attempt of each.
async fn poll(node: &Node) -> Vec<(String, u64, u32)> {
    let poll = Poll {
        namespace: "default".into(),
        queue: "polled".into(),
        identity: "poller".into(),
        max_wait: Duration::from_secs(20),
    };
    let tasks = node.handle.poll_activities(poll, 10).await;
    let tasks = tasks.expect("it is answered").into_iter();
    let name = |it: ActivityTask| {
        let id = it.workflow_id.to_string();
        (id, it.token.activity, it.token.attempt)
    };
    tasks.map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_when_a_poll_is_answered_goes_to_the_next_one() {
    for bytes in [10, 500_000, 1_500_000] {
        // The first partition that has something answers the poll.
        let node = Node::with_partitions(4, Options::default()).await;
        schedule(&node, bytes).await;
        let mut given = Vec::new();
        while given.len() < 6 {
            let tasks = poll(&node).await;
            assert!(!tasks.is_empty(), "{bytes}: nobody has the others");
            let fitting = (Options::default().page_bytes / bytes).max(1);
            assert!(tasks.len() <= fitting, "{bytes}: {tasks:?}");
            given.extend(tasks);
        }
        given.sort();
        let all = ["w1", "w2", "w3"].map(|id| [(id.into(), 2, 1), (id.into(), 3, 1)]);
        assert_eq!(given, all.concat(), "{bytes}: each once");
    }
}
