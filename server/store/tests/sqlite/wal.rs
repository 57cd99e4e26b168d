//! The write-ahead log stays bounded while writing and reading never stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use everturn_store::{Append, SqliteOptions, SqliteStore, Store};

use crate::place::SqlitePlace;

const CHECKPOINT_BYTES: u64 = 1024 * 1024;
const ROWS: u64 = 4_000;
const ROW_BYTES: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_bounded_under_constant_load() {
    let place = SqlitePlace::new();
    let options = SqliteOptions {
        checkpoint_bytes: CHECKPOINT_BYTES,
        ..place.options()
    };
    let store = Arc::new(SqliteStore::open(options).await.expect("it is free"));
    let over = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (store, over) = (Arc::clone(&store), Arc::clone(&over));
        async move {
            while !over.load(Ordering::Relaxed) {
                store.read_log(0, 0, 200_000).await.expect("it is open");
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
    });
    let (owner_epoch, _) = store.acquire(0).await.expect("it is open");
    let mut largest = 0;
    for sequence in 1..=ROWS {
        let append = Append {
            partition: 0,
            owner_epoch,
            sequence,
            payload: vec![7; ROW_BYTES].into(),
        };
        store.append(vec![append]).await.expect("there is room");
        let bytes = std::fs::metadata(place.file("-wal")).map_or(0, |file| file.len());
        largest = bytes.max(largest);
    }
    over.store(true, Ordering::Relaxed);
    reader.await.expect("it read");
    // Four times as much was written, and more.
    assert!(largest < 12 * CHECKPOINT_BYTES, "{largest} bytes");
    store.close().await.expect("nothing is in the way");
}
