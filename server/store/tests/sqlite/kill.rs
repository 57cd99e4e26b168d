//! A process that is killed loses nothing that was acknowledged.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use everturn_store::{Append, Error, SqliteStore, Store};

use crate::place::{SqlitePlace, append};

/// Names the file to the child.
const CHILD_FILE: &str = "EVERTURN_TEST_CHILD_FILE";
/// How the child reports an append.
const ACKNOWLEDGED: &str = "acknowledged ";

/// Not a test: the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs as a child of the test below"]
async fn child_that_appends_until_it_is_killed() {
    let Ok(file) = std::env::var(CHILD_FILE) else {
        return;
    };
    let mut options = everturn_store::SqliteOptions::new(file);
    // Many checkpoints: the kill may hit one.
    options.checkpoint_bytes = 100_000;
    let store = SqliteStore::open(options).await.expect("it is free");
    let (owner_epoch, mut sequence) = store.acquire(0).await.expect("it is open");
    loop {
        sequence += 1;
        let append = Append {
            partition: 0,
            owner_epoch,
            sequence,
            payload: sequence.to_string().repeat(100).into(),
        };
        store.append(vec![append]).await.expect("there is room");
        println!("{ACKNOWLEDGED}{sequence}");
    }
}

#[tokio::test]
async fn a_killed_process_loses_no_acknowledged_append() {
    let place = SqlitePlace::new();
    place
        .store()
        .await
        .expect("it is free")
        .close()
        .await
        .expect("nothing is in the way");
    let mut least = 0;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().expect("it runs"))
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("kill::child_that_appends_until_it_is_killed")
            .env(CHILD_FILE, place.file(""))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be run again");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut lines = output.lines().map_while(Result::ok);
        let wanted = least + 200;
        let reached = lines
            .by_ref()
            .filter_map(number)
            .find(|number| *number >= wanted);
        assert!(reached.is_some(), "round {round}");
        let refused = place.store().await.map(drop);
        assert!(
            matches!(refused, Err(Error::Unusable(_))),
            "another process has it"
        );
        child.kill().expect("it runs");
        child.wait().expect("it was killed");
        // What it had said before it died counts too.
        let acknowledged = lines
            .filter_map(number)
            .last()
            .or(reached)
            .expect("it said so");
        let store = place.store().await.expect("the dead hold no lock");
        let rows = store.read_log(0, 0, usize::MAX).await.expect("it is open");
        let last = rows.len() as u64;
        assert!(
            last >= acknowledged,
            "{acknowledged} were acknowledged, {last} are there"
        );
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(row.sequence, at as u64 + 1);
            assert_eq!(row.payload, row.sequence.to_string().repeat(100));
        }
        let (_, sequence) = store.acquire(0).await.expect("it is open");
        assert_eq!(sequence, last);
        store.close().await.expect("nothing is in the way");
        least = last;
    }
}

fn number(line: String) -> Option<u64> {
    line.split_once(ACKNOWLEDGED)?.1.trim().parse().ok()
}

#[tokio::test]
async fn a_copy_of_the_files_holds_every_acknowledged_append() {
    let place = SqlitePlace::new();
    let store = place.store().await.expect("it is free");
    let last = append(&store, 3, 100, 2_000).await.expect("it is open");
    let copy = SqlitePlace::new();
    for suffix in ["", "-wal"] {
        std::fs::copy(place.file(suffix), copy.file(suffix)).expect("it was written");
    }
    // Half a frame that was never acknowledged.
    let mut wal = std::fs::read(copy.file("-wal")).expect("it was copied");
    wal.extend(vec![0x5a; 3_000]);
    std::fs::write(copy.file("-wal"), wal).expect("it can be replaced");
    let copied = copy.store().await.expect("it is another file");
    let rows = copied.read_log(3, 0, usize::MAX).await.expect("it is open");
    assert_eq!(rows.len() as u64, last);
    assert_eq!(
        append(&copied, 3, 1, 10).await.expect("it goes on"),
        last + 1
    );
}
