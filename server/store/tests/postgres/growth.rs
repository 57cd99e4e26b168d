//! The log is written and trimmed for ever: its table does not grow with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use everturn_store::Store;
use everturn_store::conformance::rows::Owned;
use everturn_test_postgres::Server;

use crate::place::PostgresPlace;

/// Rows that are appended together, and their bytes.
const BATCH: (usize, usize) = (200, 400);
/// Rows in all.
const ROWS: u64 = 400_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_trimmed_takes_no_more_room_in_the_end_than_in_the_middle() {
    // Vacuum comes at most once in so long: a minute by default.
    let server = Server::start(&[("autovacuum_naptime", "1s")]).expect("there is a PostgreSQL");
    let place = PostgresPlace::on(&server);
    let store: Arc<dyn Store> = place.store().await.expect("it runs");
    let mut owned = Owned::take(&store, 0).await.expect("it is free");
    let mut sizes = Vec::new();
    let begin = Instant::now();
    while owned.sequence < ROWS {
        let rows = (0..BATCH.0)
            .map(|_| owned.next(vec![b'x'; BATCH.1]))
            .collect();
        store.append(rows).await.expect("it is ours");
        if owned.sequence % 10_000 == 0 {
            let mut flush = owned.flush();
            flush.trim_log_through = Some(owned.sequence - 1_000);
            store.flush(flush).await.expect("it is ours");
            sizes.push(store.size_bytes().await.expect("it is open"));
        }
    }
    let rate = 400_000.0 / begin.elapsed().as_secs_f64();
    println!("{rate:.0} rows a second, sizes {sizes:?}");
    let middle = sizes[sizes.len() / 2 - 4..=sizes.len() / 2].iter().max();
    let end = sizes.last().expect("there were some");
    let allowed = middle.expect("there were some") * 3 / 2;
    assert!(*end <= allowed, "{sizes:?}");
    // All rows that ever were would take more.
    assert!(*end < ROWS * BATCH.1 as u64 / 2, "{sizes:?}");
    assert!(begin.elapsed() > Duration::ZERO);
}
