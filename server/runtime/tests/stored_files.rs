//! Files that earlier versions have left are taken up: `stored_files` holds
//! them as SQL, each with what is in it.

mod node;

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use everturn_dispatch::TaskKind;
use everturn_engine::decide::{RunRef, SubmitMessage};
use everturn_engine::value::Message;
use everturn_runtime::{Handle, Options, WorkflowTask};
use node::{Node, eventually, input, key, message, reply};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

/// Writes a file from its SQL.
async fn restore(file: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::from_str("sqlite:").expect("a scheme");
    let options = options.filename(file).create_if_missing(true);
    let mut connection = options.connect().await.expect("it is created");
    let written = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    written.expect("it is SQL");
    connection.close().await.expect("it closes");
}

async fn node_of(sql: &'static str) -> Node {
    let folder = tempfile::tempdir().expect("a folder");
    restore(&folder.path().join("everturn.db"), sql).await;
    let options = Options {
        flush_interval: Duration::from_millis(20),
        evict_after: Duration::from_millis(100),
        ..Options::default()
    };
    Node::start_in(folder, options, None).await
}

async fn texts(handle: &Handle, id: &str) -> Vec<String> {
    let page = handle.messages(key(id), 0, 100).await.expect("it is there");
    let text = |message: &Message| message.content.text.to_string();
    page.messages.iter().map(text).collect()
}

/// The first letters of the values of the state that a turn started with.
fn state(task: &WorkflowTask) -> Vec<char> {
    let entries = input(task).context.state.entries.values();
    // The first one is the quotation mark of JSON.
    entries.map(|value| char::from(value.data.0[1])).collect()
}

fn desk(id: &str, text: &str) -> SubmitMessage {
    let mut message = message(id, text);
    message.opening.type_name = "desk".into();
    message
}

/// What is in the file of the version before migration 4, and goes on.
async fn check(node: &Node) {
    let done = ["hello", "hello", "and again", "and again"];
    assert_eq!(texts(&node.handle, "done").await, done);
    let asks = ["remember", "noted", "ask", "which one?"];
    assert_eq!(texts(&node.handle, "asks").await, asks);
    assert_eq!(texts(&node.handle, "waits").await, ["is anybody there?"]);
    let target = RunRef {
        workflow_id: "done/turn-2".into(),
        run_id: None,
    };
    let page = node
        .handle
        .history("default".into(), target, 0, 1_000)
        .await;
    let page = page.expect("its journal is there");
    let given = page.entries[0].turn.as_ref().expect("it is a turn");
    assert_eq!(given.context.messages[0].content.text.as_str(), "and again");
    assert_eq!(given.context.recent[1].content.text.as_str(), "hello");
    let sleeps = RunRef {
        workflow_id: "order-7".into(),
        run_id: None,
    };
    let described = node.handle.describe("default".into(), sleeps).await;
    let described = described.expect("it is there");
    assert!(described.record.status.is_open());
    assert_eq!(described.record.event_count, 4);
}

#[tokio::test]
async fn a_file_from_before_migration_4_goes_on_where_it_was_left() {
    let node = node_of(include_str!("stored_files/before_0004.sql")).await;
    check(&node).await;
    eventually("all have left", async || {
        node.handle.metrics().hot_roots == 0
    })
    .await;
    let node = node.restart().await;
    check(&node).await;

    let queues = [
        ("default", TaskKind::Workflow),
        ("nobody", TaskKind::Workflow),
    ];
    let mut worker = node.worker_that_keeps(100_000, "w", &queues).await;
    let waits = worker.workflow_task().await;
    assert_eq!(waits.root, key("waits"));
    assert_eq!(
        input(&waits).context.messages[0].content.text.as_str(),
        "is anybody there?"
    );
    worker.complete(&waits, reply("yes")).await;

    let said = node
        .handle
        .submit_message(key("asks"), desk("new-1", "the blue one"));
    said.await.expect("it is open");
    let asks = worker.workflow_task().await;
    assert_eq!(state(&asks), ['x', 'y']);
    worker.complete(&asks, reply("thanks")).await;
    let said = node
        .handle
        .submit_message(key("asks"), desk("new-2", "and now?"));
    said.await.expect("it is open");
    let next = worker.workflow_task().await;
    assert_eq!(state(&next), ['z', 'y']);
}
