//! What a file holds, told while it is in use.

use everturn_store::{SqliteStore, Store, StoreStats};

use crate::place::{SqlitePlace, append};

async fn stats(place: &SqlitePlace) -> StoreStats {
    let stats = SqliteStore::stats(&place.options()).await;
    stats.expect("it can be read")
}

fn of(stats: &StoreStats, kind: &str) -> (u64, u64) {
    let found = stats.kinds.iter().find(|it| it.kind == kind);
    let found = found.expect("every kind is there");
    (found.rows, found.bytes)
}

#[tokio::test]
async fn what_is_appended_is_counted_as_the_log_while_the_store_is_open() {
    let place = SqlitePlace::new();
    let store = place.store().await.expect("it is free");
    let (rows, _) = of(&stats(&place).await, "log");
    assert_eq!(rows, 0);
    append(&store, 0, 20, 100_000).await.expect("it is open");
    let told = stats(&place).await;
    let (rows, bytes) = of(&told, "log");
    assert_eq!(rows, 20);
    assert!((2_000_000..2_200_000).contains(&bytes), "{bytes}");
    let kinds: u64 = told.kinds.iter().map(|it| it.bytes).sum();
    assert_eq!(
        kinds + told.free_bytes,
        told.file_bytes,
        "nothing is left out"
    );
    assert!(told.write_ahead_bytes > 0);
    store.close().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_made() {
    let place = SqlitePlace::new();
    assert!(SqliteStore::stats(&place.options()).await.is_err());
    assert!(!std::path::Path::new(&place.file("")).exists());
}
