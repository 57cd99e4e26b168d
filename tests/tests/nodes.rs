//! A coordinator on PostgreSQL under faults: of itself, of the database, and of
//! another node that waits for its place.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use everturn_test_postgres::{Server, unused_name};
use everturn_tests::coordinator::Coordinator;
use everturn_tests::load_process::LoadProcess;
use everturn_tests::services::Services;
use everturn_tests::{SOON, calls, eventually, load, seed};
use rand::RngExt as _;

/// Faults of the test with load.
const FAULTS: usize = 24;
const WORKERS: usize = 3;
const LEASE: Duration = Duration::from_secs(1);

/// Short patience and a small memory, as in `crashes`, and a short lease.
const OPTIONS: [&str; 16] = [
    "--flush-interval",
    "100ms",
    "--evict-after",
    "200ms",
    "--orphan-grace",
    "500ms",
    "--ack-timeout",
    "1s",
    "--workflow-task-timeout",
    "2s",
    "--node-lease",
    "1s",
    "--node-heartbeat",
    "200ms",
    "--log",
    "info",
];

fn database(server: &Server) -> PathBuf {
    server.database(&unused_name()).into()
}

/// Does something to the server that takes a while.
async fn to_server(act: impl FnOnce() -> anyhow::Result<()> + Send) {
    tokio::task::block_in_place(act).expect("it was started here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_node_and_its_database_fail_under_load() {
    let mut random = seed::random("nodes");
    let server = Server::start(&[("fsync", "on")]).expect("there is a PostgreSQL");
    let mut coordinator = Coordinator::start_on(database(&server), &OPTIONS).await;
    load::lift_turn_cap(&coordinator.client()).await;
    let program = env!("CARGO_BIN_EXE_load_worker");
    let address = coordinator.address();
    let spawn = |number: usize| LoadProcess::start(program, &address, &format!("load-{number}"));
    let _workers: Vec<LoadProcess> = (0..WORKERS).map(spawn).collect();
    let services = Services::begin(|| coordinator.client(), &mut random);
    for _ in 0..FAULTS {
        let pause = random.random_range(50..500);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match random.random_range(0..4) {
            0 => {
                coordinator.kill().await;
                coordinator.restart().await;
            }
            1 => to_server(|| server.kill().and_then(|()| server.restart())).await,
            2 => {
                // Longer than the lease: it finds that time has passed.
                coordinator.signal("STOP").await;
                tokio::time::sleep(LEASE + Duration::from_millis(500)).await;
                coordinator.signal("CONT").await;
            }
            _ => {
                to_server(|| server.kill()).await;
                tokio::time::sleep(LEASE).await;
                to_server(|| server.restart()).await;
            }
        }
    }
    let summary = services.finish(&coordinator.client()).await;
    summary.survives_a_clean_restart(&mut coordinator).await;
    let (messages, workflows) = (summary.messages(), summary.workflows);
    println!("nodes: {messages} messages, {workflows} workflows, {FAULTS} faults");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stands_by_takes_over_after_a_kill_and_after_a_stop() {
    let server = Server::start(&[]).expect("there is a PostgreSQL");
    let mut first = Coordinator::start_on(database(&server), &OPTIONS).await;
    let mut second = first.beside();
    let standing_by = async || {
        let (code, text) = second.fetch("/readyz").await?;
        (code == 503 && text.contains("stands by")).then_some(())
    };
    eventually(SOON, "the second node stands by", standing_by).await;
    let submit = async |node: &Coordinator, name: &str| {
        let message = calls::message("c", "support", name, "hello");
        let client = node.client();
        calls::answered(name, || client.submit_message(message.clone())).await
    };
    assert_eq!(submit(&first, "one").await.message_sequence, 1);
    let killed = Instant::now();
    first.kill().await;
    assert_eq!(submit(&second, "two").await.message_sequence, 2);
    println!(
        "the second node answered {:?} after the kill",
        killed.elapsed()
    );
    assert_eq!(
        submit(&second, "one").await.message_sequence,
        1,
        "it is known"
    );

    let third = second.beside();
    eventually(SOON, "the third node stands by", async || {
        let (code, text) = third.fetch("/readyz").await?;
        (code == 503 && text.contains("stands by")).then_some(())
    })
    .await;
    second.terminate().await;
    let stopped = Instant::now();
    assert_eq!(submit(&third, "three").await.message_sequence, 3);
    println!(
        "the third node answered {:?} after the stop",
        stopped.elapsed()
    );
    let transcript = calls::transcript(&third.client(), "c").await;
    assert_eq!(transcript.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_paused_for_longer_than_its_lease_changes_nothing_any_more() {
    let server = Server::start(&[]).expect("there is a PostgreSQL");
    let first = Coordinator::start_on(database(&server), &OPTIONS).await;
    let client = first.client();
    let opening = calls::message("c", "support", "one", "hello");
    client.submit_message(opening).await.expect("it serves");
    let second = first.beside();
    first.signal("STOP").await;
    // A call that it took before it was paused is answered afterwards, if at all.
    let late = calls::message("c", "support", "late", "hello");
    let late = tokio::spawn(async move { client.submit_message(late).await });
    let others = second.client();
    for name in ["two", "three"] {
        let message = calls::message("c", "support", name, "hello");
        calls::answered(name, || others.submit_message(message.clone())).await;
    }
    first.signal("CONT").await;
    eventually(SOON, "the first node stands by", async || {
        let (code, text) = first.fetch("/readyz").await?;
        (code == 503 && text.contains("stands by")).then_some(())
    })
    .await;
    late.abort();
    let transcript = calls::transcript(&others, "c").await;
    let ids: Vec<&str> = transcript
        .iter()
        .map(|it| it.provider_message_id.as_str())
        .collect();
    assert_eq!(ids, ["one", "two", "three"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_gone_the_node_says_so_and_callers_wait() {
    let server = Server::start(&[("fsync", "on")]).expect("there is a PostgreSQL");
    let coordinator = Coordinator::start_on(database(&server), &OPTIONS).await;
    let client = coordinator.client();
    let message = |name| calls::message("c", "support", name, "hello");
    client
        .submit_message(message("one"))
        .await
        .expect("it serves");
    to_server(|| server.kill()).await;
    let waiting = tokio::spawn({
        let (client, message) = (client.clone(), message("two"));
        async move { calls::answered("two", || client.submit_message(message.clone())).await }
    });
    eventually(SOON, "it says what is wrong", async || {
        let (code, text) = coordinator.fetch("/readyz").await?;
        (code == 503 && text.contains("database")).then_some(())
    })
    .await;
    assert!(!waiting.is_finished(), "nothing was acknowledged");
    to_server(|| server.restart()).await;
    let answered = tokio::time::timeout(SOON, waiting).await;
    let answered = answered.expect("it goes on by itself").expect("no panic");
    assert_eq!(answered.message_sequence, 2);
    eventually(SOON, "it is ready again", async || {
        (coordinator.ready_code().await == Some(200)).then_some(())
    })
    .await;
}
