//! Copies between stores of both kinds: everything, compared, and once more
//! after it was cut off.

use std::sync::Arc;

use bytes::Bytes;
use everturn_store::conformance::rows::{Owned, history, messages, root, run, run_id};
use everturn_store::{
    ApprovalRow, CopyOptions, Error, Result, SqliteOptions, SqliteStore, StateValue, Store,
    Transfer, check, copy,
};
use sqlx::Executor as _;

use crate::place::PostgresPlace;

/// Partitions of all stores here.
const PARTITIONS: u32 = 8;
/// Roots of a filled store.
const ROOTS: u64 = 300;

async fn file(folder: &tempfile::TempDir, name: &str) -> Arc<SqliteStore> {
    let options = SqliteOptions {
        partitions: Some(PARTITIONS),
        ..SqliteOptions::new(folder.path().join(name))
    };
    Arc::new(SqliteStore::open(options).await.expect("it is free"))
}

/// Something of every kind, in the right partitions.
async fn fill(store: &Arc<dyn Store>) -> Result<()> {
    let mut owners = Vec::new();
    for partition in 0..PARTITIONS {
        owners.push(Owned::take(store, partition).await?);
    }
    for number in 0..ROOTS {
        let mut row = root(&format!("order-{number}"));
        let owner =
            &mut owners[usize::try_from(row.key.hash64() % u64::from(PARTITIONS)).unwrap_or(0)];
        owner.append(store, "a row that is trimmed").await?;
        let mut flush = owner.flush();
        if number % 3 == 0 {
            row.values.push(StateValue {
                version: 7,
                payload: Bytes::from(vec![7; 5_000]),
            });
        }
        let id = format!("order-{number}");
        let mut of_root = run(number, &id);
        of_root.key = row.key.clone();
        flush.runs.push(of_root);
        flush.history.push(history(number, 1, 3, 100));
        flush.history.push(history(number, 4, 12, 100));
        flush.messages.push(messages(&row.key, 1, 5, 200));
        flush.approvals.push(ApprovalRow {
            key: row.key.clone(),
            approval_id: format!("approval-{number}").into(),
            status: 1,
            request_time: 5,
            detail: Bytes::from_static(b"approval"),
        });
        flush.roots.push(row);
        flush.trim_log_through = Some(owner.sequence);
        store.flush(flush).await?;
    }
    for owner in &mut owners {
        for _ in 0..3 {
            owner.append(store, "a row that is left").await?;
        }
    }
    Ok(())
}

async fn copy_whole(from: &dyn Transfer, to: &dyn Transfer, resume: bool) -> Result<(u64, u64)> {
    let copied = copy(from, to, CopyOptions { resume }, |_| {}).await?;
    Ok((copied.roots, copied.found))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_holds_everything_there_and_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = file(&folder, "first.db").await;
    fill(&(Arc::clone(&first) as Arc<dyn Store>))
        .await
        .expect("it is open");
    let place = PostgresPlace::new();
    let second = place.store().await.expect("it runs");
    let copied = copy_whole(first.as_ref(), second.as_ref(), false).await;
    assert_eq!(copied.expect("both are idle"), (ROOTS, 0));
    let third = file(&folder, "third.db").await;
    let copied = copy_whole(second.as_ref(), third.as_ref(), false).await;
    assert_eq!(copied.expect("both are idle"), (ROOTS, 0));

    for store in [second.as_ref() as &dyn Transfer, third.as_ref()] {
        assert_eq!(
            store.totals().await.expect("open"),
            first.totals().await.expect("open")
        );
        let found = check(store, |_| Ok(()), |_| {}).await.expect("open");
        assert_eq!(found, []);
        for partition in 0..PARTITIONS {
            let (before, now) = tokio::join!(
                first.partition_state(partition),
                store.partition_state(partition)
            );
            let (before, now) = (before.expect("open"), now.expect("open"));
            assert_eq!(before.last_sequence, now.last_sequence);
            // What earlier owners gave out counts no more.
            let (epoch, _) = store.acquire(partition).await.expect("it is free");
            assert!(epoch > before.owner_epoch);
        }
    }
    let journal = third.load_history(run_id(3), 0, usize::MAX).await;
    assert_eq!(journal.expect("open").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_cut_off_goes_on_and_mends_what_is_half_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let from = file(&folder, "from.db").await;
    fill(&(Arc::clone(&from) as Arc<dyn Store>))
        .await
        .expect("it is open");
    let place = PostgresPlace::new();
    let to = place.store().await.expect("it runs");
    let copied = copy_whole(from.as_ref(), to.as_ref(), false).await;
    copied.expect("both are idle");
    // As if it had been cut off: some roots are missing, one lacks its journal.
    let mut session = place.session().await;
    for statement in [
        "DELETE FROM log",
        "DELETE FROM roots WHERE root_id LIKE 'order-1%'",
        "DELETE FROM history WHERE run_id = decode('00000000000000000000000000000002', 'hex')",
    ] {
        session.execute(statement).await.expect("it is ours");
    }
    let refused = copy_whole(from.as_ref(), to.as_ref(), false).await;
    assert!(matches!(refused, Err(Error::Unusable(_))), "{refused:?}");
    let (roots, found) = copy_whole(from.as_ref(), to.as_ref(), true)
        .await
        .expect("it goes on");
    assert_eq!(roots, ROOTS);
    assert!(found > 150 && found < ROOTS - 100, "{found}");
    assert_eq!(
        to.totals().await.expect("open"),
        from.totals().await.expect("open")
    );
}

#[tokio::test]
async fn a_check_finds_gaps_and_what_cannot_be_read() {
    let place = PostgresPlace::new();
    let store = place.store().await.expect("it runs");
    fill(&(Arc::clone(&store) as Arc<dyn Store>))
        .await
        .expect("it is open");
    let mut session = place.session().await;
    for statement in [
        "DELETE FROM history WHERE first_event_id = 1
         AND run_id = decode('00000000000000000000000000000005', 'hex')",
        "UPDATE roots SET partition = (partition + 1) % 8 WHERE root_id = 'order-9'",
        "DELETE FROM log WHERE partition = 2 AND sequence =
         (SELECT max(sequence) - 1 FROM log WHERE partition = 2)",
    ] {
        session.execute(statement).await.expect("it is ours");
    }
    let unreadable = |row: &everturn_store::RootRow| match &*row.key.root_id {
        "order-11" => Err("its state cannot be read".to_owned()),
        _ => Ok(()),
    };
    let found = check(store.as_ref(), unreadable, |_| {})
        .await
        .expect("open");
    for subject in ["order-5", "order-9", "order-11", "partition 2"] {
        assert!(
            found.iter().any(|it| it.subject.starts_with(subject)),
            "{subject}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_store_that_is_used_is_not_copied() {
    let place = PostgresPlace::new();
    let used = place
        .node("busy", std::time::Duration::from_secs(600))
        .await;
    everturn_store::Members::beat(used.as_ref(), everturn_store::Beat::default())
        .await
        .expect("it runs");
    let folder = tempfile::tempdir().expect("a folder");
    let to = file(&folder, "to.db").await;
    let from = place.store().await.expect("it runs");
    let refused = copy_whole(from.as_ref(), to.as_ref(), false).await;
    assert!(matches!(refused, Err(Error::Unusable(why)) if why.contains("busy")));
}
