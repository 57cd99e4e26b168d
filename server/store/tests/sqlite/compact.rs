//! Compaction of a file that is larger than what it may take of memory.

use std::process::Command;

use everturn_store::{SqliteOptions, SqliteStore, Store};

use crate::place::{SqlitePlace, append};

/// Names the file to the child.
const CHILD_FILE: &str = "EVERTURN_TEST_COMPACT_FILE";
/// Rows of a megabyte in the file.
const ROWS: u64 = 96;

/// Not a test: the process whose memory is measured.
#[tokio::test]
#[ignore = "runs as a child of the test below"]
async fn child_that_compacts() {
    let Ok(file) = std::env::var(CHILD_FILE) else {
        return;
    };
    let compacted = SqliteStore::compact(&SqliteOptions::new(file)).await;
    let (_, after) = compacted.expect("nobody has it");
    assert!(after > ROWS * 1_000_000, "{after}");
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let peak = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    let peak = peak.expect("it is told").trim().trim_end_matches(" kB");
    let peak: u64 = peak.parse().expect("a number");
    assert!(peak < 72_000, "it took {peak} kB of memory");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn compaction_does_not_take_the_file_into_memory() {
    let place = SqlitePlace::new();
    let store = place.store().await.expect("it is free");
    append(&store, 0, ROWS, 1_000_000)
        .await
        .expect("it is open");
    store.close().await.expect("nothing is in the way");
    let child = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("compact::child_that_compacts")
        .env(CHILD_FILE, place.file(""))
        .output()
        .expect("it can be run again");
    assert!(child.status.success(), "{child:?}");
}
