//! Runs: found by id and by workflow, listed by the time of their start.

use std::sync::Arc;

use super::Place;
use super::rows::{Owned, key, run, run_id};
use crate::{Filter, Result, RunRow, Store};

async fn with_runs(place: &dyn Place, runs: Vec<RunRow>) -> Result<Arc<dyn Store>> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    flush.runs = runs;
    store.flush(flush).await?;
    Ok(store)
}

fn started(number: u64, start_time: i64) -> RunRow {
    RunRow {
        start_time,
        ..run(number, &format!("order-{number}"))
    }
}

fn ids(rows: &[RunRow]) -> Vec<[u8; 16]> {
    rows.iter().map(|row| row.run_id).collect()
}

pub async fn a_run_is_found_by_its_id(place: &dyn Place) -> Result<()> {
    let top = RunRow {
        parent_workflow_id: None,
        close_time: None,
        ..run(2, "order-7")
    };
    let child = run(1, "order-7/refund");
    let store = with_runs(place, vec![child.clone(), top.clone()]).await?;
    assert_eq!(store.load_run(run_id(1)).await?, Some(child));
    assert_eq!(store.load_run(run_id(2)).await?, Some(top));
    assert_eq!(store.load_run(run_id(3)).await?, None);
    store.close().await
}

pub async fn the_latest_run_of_a_workflow_is_found(place: &dyn Place) -> Result<()> {
    let at = |number, start_time| RunRow {
        start_time,
        ..run(number, "order-7")
    };
    let elsewhere = RunRow {
        key: key("other", "order-7"),
        ..at(9, 900)
    };
    let runs = vec![at(3, 100), at(1, 300), at(2, 300), at(4, 200), elsewhere];
    let store = with_runs(place, runs).await?;
    // Of equal times the larger id counts as later.
    let found = store.find_run("default".into(), "order-7".into()).await?;
    assert_eq!(found, Some(at(2, 300)));
    let found = store.find_run("default".into(), "order".into()).await?;
    assert_eq!(found, None);
    store.close().await
}

pub async fn runs_are_listed_last_started_first(place: &dyn Place) -> Result<()> {
    let runs = vec![started(1, 200), started(2, 300), started(3, 100)];
    let store = with_runs(place, runs.clone()).await?;
    let (rows, next) = store.list_runs(Filter::of("default", 10)).await?;
    assert_eq!(rows, [runs[1].clone(), runs[0].clone(), runs[2].clone()]);
    assert_eq!(next, None);
    store.close().await
}

pub async fn runs_are_listed_by_type_and_status(place: &dyn Place) -> Result<()> {
    let mut runs: Vec<RunRow> = (1..=4).map(|n| started(n, 100)).collect();
    for (at, row) in runs.iter_mut().enumerate() {
        row.type_name = if at < 2 { "refund" } else { "order" }.into();
        row.status = if at % 2 == 0 { 1 } else { 2 };
    }
    let store = with_runs(place, runs).await?;
    for (type_name, status, expected) in [
        (Some("refund"), None, vec![run_id(2), run_id(1)]),
        (None, Some(1), vec![run_id(3), run_id(1)]),
        (Some("order"), Some(2), vec![run_id(4)]),
        (Some("nothing"), None, vec![]),
    ] {
        let type_name = type_name.map(Into::into);
        let listed = store.list_runs(Filter {
            type_name,
            status,
            ..Filter::of("default", 10)
        });
        assert_eq!(ids(&listed.await?.0), expected);
    }
    store.close().await
}

pub async fn pages_of_runs_neither_skip_nor_repeat_rows_with_equal_times(
    place: &dyn Place,
) -> Result<()> {
    // Ten at each of three times: pages of seven end within all of them.
    let runs = (0..30_u64).map(|n| started(n, i64::try_from(n % 3).unwrap_or(0)));
    let store = with_runs(place, runs.collect()).await?;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let listed = store.list_runs(Filter {
            after,
            ..Filter::of("default", 7)
        });
        let (rows, next) = listed.await?;
        seen.extend(rows.iter().map(|row| (row.start_time, row.run_id)));
        after = next;
        if after.is_none() {
            break;
        }
        assert_eq!(rows.len(), 7);
    }
    assert_eq!(seen.len(), 30);
    assert!(
        seen.is_sorted_by(|a, b| a > b),
        "descending, and none twice"
    );
    store.close().await
}

pub async fn lists_of_runs_never_cross_namespaces(place: &dyn Place) -> Result<()> {
    let mut runs: Vec<RunRow> = (1..=6).map(|n| started(n, 100)).collect();
    for row in &mut runs[3..] {
        row.key = key("default2", "order-7");
    }
    let store = with_runs(place, runs).await?;
    let (first, next) = store.list_runs(Filter::of("default", 2)).await?;
    let (second, end) = store
        .list_runs(Filter {
            after: next,
            ..Filter::of("default", 2)
        })
        .await?;
    assert_eq!(ids(&first), [run_id(3), run_id(2)]);
    assert_eq!(ids(&second), [run_id(1)]);
    assert_eq!(end, None);
    let (none, _) = store.list_runs(Filter::of("defaul", 10)).await?;
    assert_eq!(none, []);
    store.close().await
}
