//! One owner of the file, with settings that fit it.

use everturn_store::conformance::PARTITIONS;
use everturn_store::{Error, Result, SqliteOptions, SqliteStore, Store};

use crate::place::{SqlitePlace, append};

fn unusable<T>(opened: Result<T>, words: &str) {
    match opened.map(drop) {
        Err(Error::Unusable(text)) => assert!(text.contains(words), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_second_store_on_the_same_file_is_refused_until_the_first_is_closed() {
    let place = SqlitePlace::new();
    let first = place.store().await.expect("it is free");
    unusable(place.store().await, "another process");
    append(&first, 0, 1, 10)
        .await
        .expect("the first is not disturbed");
    first.close().await.expect("nothing is in the way");
    // The handle is still there, but it holds nothing.
    let second = place.store().await.expect("it is free again");
    second.close().await.expect("nothing is in the way");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_file_in_use_is_refused_like_the_file() {
    let place = SqlitePlace::new();
    let first = place.store().await.expect("it is free");
    let link = place.file(".link");
    std::os::unix::fs::symlink(place.file(""), &link).expect("the directory is there");
    let options = SqliteOptions {
        path: link,
        ..place.options()
    };
    unusable(SqliteStore::open(options.clone()).await, "another process");
    let by_file = first.size_bytes().await.expect("it is open");
    first.close().await.expect("nothing is in the way");
    let second = SqliteStore::open(options).await.expect("it is free again");
    let by_link = second.size_bytes().await.expect("it is open");
    assert!(by_file > 0 && by_link > 0);
    second.close().await.expect("nothing is in the way");
}

#[tokio::test]
async fn a_store_that_is_dropped_lets_go_once_all_is_written() {
    let place = SqlitePlace::new();
    let store = place.store().await.expect("it is free");
    append(&store, 0, 20, 100).await.expect("it is open");
    drop(store);
    let store = loop {
        match place.store().await {
            Ok(store) => break store,
            Err(Error::Unusable(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    let rows = store.read_log(0, 0, usize::MAX).await.expect("it is open");
    assert_eq!(rows.len(), 20);
}

#[tokio::test]
async fn the_number_of_partitions_cannot_be_changed() {
    let place = SqlitePlace::new();
    place
        .store()
        .await
        .expect("it is free")
        .close()
        .await
        .expect("nothing is in the way");
    let with = |partitions| SqliteOptions {
        partitions,
        ..place.options()
    };
    let other = SqliteStore::open(with(Some(PARTITIONS + 1))).await;
    unusable(other, "cannot be changed");
    let store = SqliteStore::open(with(None))
        .await
        .expect("it has a number");
    assert_eq!(store.partition_count(), PARTITIONS);
}

#[tokio::test]
async fn a_number_of_partitions_out_of_bounds_is_refused() {
    for partitions in [0, 1_025] {
        let place = SqlitePlace::new();
        let options = SqliteOptions {
            partitions: Some(partitions),
            ..place.options()
        };
        unusable(SqliteStore::open(options).await, "from 1 to 1024");
    }
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_refused() {
    let place = SqlitePlace::new();
    let options = SqliteOptions::new(place.file("/nowhere/everturn.db"));
    unusable(SqliteStore::open(options).await, "cannot be locked");
}

#[tokio::test]
async fn calls_after_closing_say_that_it_is_closed() {
    let place = SqlitePlace::new();
    let store = place.store().await.expect("it is free");
    store.close().await.expect("nothing is in the way");
    assert!(matches!(store.acquire(0).await, Err(Error::Closed)));
    assert!(matches!(store.append(Vec::new()).await, Err(Error::Closed)));
    assert!(matches!(store.read_log(0, 0, 1).await, Err(Error::Closed)));
    assert!(matches!(store.close().await, Err(Error::Closed)));
}
