//! `everturn store`: what operators do with a store beside the coordinator.

use std::path::{Path, PathBuf};
use std::process::Output;

use everturn_client::Client;
use everturn_test_postgres::{Server, unused_name};
use everturn_tests::calls;
use everturn_tests::coordinator::{Coordinator, binary};
use tokio::process::Command;

async fn submit(client: &Client, names: &[&str]) {
    for name in names {
        let message = calls::message("c", "support", name, "hello");
        client.submit_message(message).await.expect("accepted");
    }
}

async fn transcript(client: &Client) -> Vec<String> {
    let messages = calls::transcript(client, "c").await;
    let ids = messages.into_iter().map(|it| it.provider_message_id);
    ids.collect()
}

async fn store(args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    let output = command.arg("store").args(args).output().await;
    output.expect("it can be started")
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("it is UTF-8")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_running_coordinator_is_restored() {
    let mut coordinator = Coordinator::start(&[]).await;
    let file = coordinator.store_path();
    let backup = coordinator.folder().join("backup.db");
    submit(&coordinator.client(), &["one", "two"]).await;
    let args = ["backup", "--store", text(&file), "--to", text(&backup)];
    assert!(succeeded(&store(&args).await).contains("copied"));
    // A second one does not replace it.
    assert_eq!(store(&args).await.status.code(), Some(4));
    submit(&coordinator.client(), &["three"]).await;
    coordinator.kill().await;

    let with = |suffix: &str| PathBuf::from(format!("{}{suffix}", text(&file)));
    for suffix in ["-wal", "-shm"] {
        // They are not always there.
        let _ = std::fs::remove_file(with(suffix));
    }
    std::fs::copy(&backup, &file).expect("it was written");
    let checked = store(&["check", "--store", text(&file)]).await;
    assert!(succeeded(&checked).contains("0 problems"));
    coordinator.restart().await;
    assert_eq!(transcript(&coordinator.client()).await, ["one", "two"]);
    submit(&coordinator.client(), &["four"]).await;
    assert_eq!(
        transcript(&coordinator.client()).await,
        ["one", "two", "four"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_copied_to_postgres_and_back_goes_on_where_it_was() {
    let server = Server::start(&[]).expect("there is a PostgreSQL");
    let url = PathBuf::from(server.database(&unused_name()));
    let mut coordinator = Coordinator::start(&[]).await;
    let file = coordinator.store_path();
    submit(&coordinator.client(), &["one"]).await;
    let in_use = store(&["copy", text(&file), text(&url)]).await;
    assert_eq!(in_use.status.code(), Some(4), "{in_use:?}");
    // Not drained: the end of the log is copied too.
    coordinator.kill().await;
    let copied = store(&["copy", text(&file), text(&url)]).await;
    assert!(succeeded(&copied).contains("all compared"));
    let again = store(&["copy", text(&file), text(&url)]).await;
    assert_eq!(again.status.code(), Some(4), "{again:?}");

    let mut on_postgres = Coordinator::start_on(url.clone(), &[]).await;
    submit(&on_postgres.client(), &["two"]).await;
    let in_use = store(&["copy", text(&url), text(&coordinator.folder().join("x.db"))]).await;
    assert_eq!(in_use.status.code(), Some(4), "{in_use:?}");
    on_postgres.terminate().await;
    let back = coordinator.folder().join("back.db");
    succeeded(&store(&["copy", text(&url), text(&back)]).await);
    succeeded(&store(&["check", "--store", text(&back)]).await);
    let coordinator = Coordinator::start_on(back, &[]).await;
    submit(&coordinator.client(), &["three"]).await;
    assert_eq!(
        transcript(&coordinator.client()).await,
        ["one", "two", "three"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_a_running_database_is_restored_into_another() {
    let tools = ["pg_dump", "pg_restore", "createdb"];
    let Some(server) = Server::start_with(&tools).expect("it starts") else {
        println!("not run: no PostgreSQL here comes with pg_dump");
        return;
    };
    let [dump, restore, create] = tools.map(|tool| server.program(tool).expect("it is ours"));
    let (from, to) = (unused_name(), unused_name());
    let coordinator = Coordinator::start_on(server.database(&from).into(), &[]).await;
    submit(&coordinator.client(), &["one", "two"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("dump");
    let dumped = Command::new(dump)
        .args([
            "--format=custom",
            "--create",
            "--dbname",
            &server.database(&from),
            "--file",
        ])
        .arg(&file)
        .status()
        .await;
    assert!(dumped.expect("it can be started").success());
    submit(&coordinator.client(), &["three"]).await;
    drop(coordinator);
    let created = Command::new(create)
        .args(["--maintenance-db", &server.database("postgres"), &to])
        .status()
        .await;
    assert!(created.expect("it can be started").success());
    let restored = Command::new(restore)
        .args(["--dbname", &server.database(&to)])
        .arg(&file)
        .status()
        .await;
    assert!(restored.expect("it can be started").success());
    let coordinator = Coordinator::start_on(server.database(&to).into(), &[]).await;
    assert_eq!(transcript(&coordinator.client()).await, ["one", "two"]);
}
