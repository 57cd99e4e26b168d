//! A database that somebody else has locked: an error that says so, and the
//! same call succeeds later.

use std::time::Duration;

use everturn_store::conformance::rows::{Owned, key, root, whole_log};
use everturn_store::{Error, SqliteOptions, SqliteStore, Store};
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::place::SqlitePlace;

#[tokio::test]
async fn what_failed_because_the_database_was_busy_can_be_repeated() {
    let place = SqlitePlace::new();
    let options = SqliteOptions {
        busy_timeout: Duration::from_millis(50),
        ..place.options()
    };
    let store = SqliteStore::open(options).await.expect("it is free");
    let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(store);
    let mut owned = Owned::take(&store, 0).await.expect("it is open");
    owned.append(&store, "one").await.expect("it is open");
    let append = owned.next("two");
    let mut flush = owned.flush();
    // More than one part.
    flush.roots = (0..200).map(|n| root(&format!("order-{n}"))).collect();
    flush.trim_log_through = Some(1);

    let url = format!("sqlite:{}", place.file("").display());
    let mut intruder = SqliteConnection::connect(&url).await.expect("it is a file");
    let lock = intruder
        .begin_with("BEGIN IMMEDIATE")
        .await
        .expect("nobody writes");
    for refused in [
        store.append(vec![append.clone()]).await,
        store.flush(flush.clone()).await,
        store.acquire(1).await.map(drop),
    ] {
        assert!(matches!(&refused, Err(Error::Busy(_))), "{refused:?}");
        assert!(refused.is_err_and(|error| error.is_retryable()));
    }
    lock.rollback().await.expect("it was begun");
    intruder.close().await.expect("it was open");

    store.flush(flush).await.expect("the lock is gone");
    store.append(vec![append]).await.expect("the lock is gone");
    let log = whole_log(&store, 0).await.expect("it is open");
    assert_eq!(log, [(2, "two".to_owned())]);
    let keys = (0..200)
        .map(|n| key("default", &format!("order-{n}")))
        .collect();
    let roots = store.load_roots(0, keys).await.expect("it is open");
    assert_eq!(roots.len(), 200);
    store.close().await.expect("nothing is in the way");
}
