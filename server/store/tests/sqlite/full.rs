//! A disk without room: what was not written is reported, and the store goes
//! on with what fits.

use std::process::Command;

use everturn_store::{Append, Result, SqliteOptions, SqliteStore, Store};

use crate::place::SqlitePlace;

/// Names the file to the child.
const CHILD_FILE: &str = "EVERTURN_TEST_FULL_FILE";
/// Runs a program whose files cannot grow: 1 or 2 MiB, as the shell counts.
const LIMITED: &str = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\"";

/// Not a test: the process whose files cannot grow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as a child of the test below"]
async fn child_whose_disk_is_full() {
    let Ok(file) = std::env::var(CHILD_FILE) else {
        return;
    };
    let opened = SqliteStore::open(SqliteOptions::new(file)).await;
    let store = opened.expect("it is free");
    let (epoch, _) = store.acquire(0).await.expect("it is open");
    let refused = append_three(&store, epoch, 1_500_000).await;
    refused.expect_err("there is no room");
    // SQLite took the transaction back by itself: the next one begins anew.
    let small = append_three(&store, epoch, 10).await;
    small.expect("there is room for this");
    store.acquire(0).await.expect("it can be taken again");
    store.close().await.expect("nothing is in the way");
}

/// Three rows at once: more than one statement, so a transaction.
async fn append_three(store: &SqliteStore, owner_epoch: u32, bytes: usize) -> Result<()> {
    let row = |sequence| Append {
        partition: 0,
        owner_epoch,
        sequence,
        payload: vec![b'x'; bytes].into(),
    };
    store.append((1..=3).map(row).collect()).await
}

#[tokio::test]
async fn a_store_goes_on_after_a_write_that_found_no_room() {
    let place = SqlitePlace::new();
    let child = Command::new("sh")
        .args(["-c", LIMITED])
        .arg(std::env::current_exe().expect("it runs"))
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("full::child_whose_disk_is_full")
        .env(CHILD_FILE, place.file(""))
        .output()
        .expect("it can be run again");
    assert!(child.status.success(), "{child:?}");
    let store = SqliteStore::open(SqliteOptions::new(place.file(""))).await;
    let store = store.expect("it is free");
    let rows = store.read_log(0, 0, usize::MAX).await.expect("it is open");
    assert_eq!(rows.len(), 3);
}
