//! The view: roots, found by key, by hash and by deadline.

use std::sync::Arc;

use bytes::Bytes;

use super::Place;
use super::rows::{Owned, history, key, messages, root, run, run_id, whole_log};
use crate::{ApprovalRow, Due, Filter, Flush, Result, RootKey, RootRow, StateValue};

/// Two ids in the namespace "default" with the same hash, found by search.
const COLLIDING: [&str; 2] = ["4LrC_NmRRj5", "iqiKSSNpAZ9"];

fn everything(owned: &Owned) -> Flush {
    let mut flush = owned.flush();
    flush.roots.push(RootRow {
        next_deadline: Some(9_000),
        work_since: Some(8_000),
        ..root("order-7")
    });
    flush.roots.push(root("order-8"));
    flush.runs.push(run(1, "order-7/refund"));
    flush.history.push(history(1, 1, 12, 100));
    flush
        .messages
        .push(messages(&key("default", "order-7"), 1, 4, 50));
    flush.trim_log_through = Some(owned.sequence);
    flush
}

pub async fn a_flush_writes_rows_and_trims_the_log(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    owned.append(&store, "one").await?;
    owned.append(&store, "two").await?;
    let mut flush = everything(&owned);
    flush.trim_log_through = Some(1);
    store.flush(flush.clone()).await?;
    assert_eq!(whole_log(&store, 0).await?, [(2, "two".to_owned())]);
    let order = key("default", "order-7");
    assert_eq!(
        store.load_roots(0, vec![order.clone()]).await?,
        flush.roots[..1]
    );
    assert_eq!(
        store.load_run(run_id(1)).await?.as_ref(),
        flush.runs.first()
    );
    assert_eq!(
        store.load_history(run_id(1), 0, 1_000).await?,
        flush.history
    );
    assert_eq!(store.load_messages(order, 0, 1_000).await?, flush.messages);
    store.close().await
}

pub async fn repeating_a_flush_is_harmless(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    owned.append(&store, "one").await?;
    let flush = everything(&owned);
    for _ in 0..3 {
        store.flush(flush.clone()).await?;
    }
    owned.append(&store, "two").await?;
    store.flush(flush.clone()).await?;
    assert_eq!(whole_log(&store, 0).await?, [(2, "two".to_owned())]);
    let keys = flush.roots.iter().map(|root| root.key.clone()).collect();
    assert_eq!(store.load_roots(0, keys).await?.len(), 2);
    assert_eq!(
        store.load_history(run_id(1), 0, 1_000).await?,
        flush.history
    );
    assert_eq!(store.root_hashes(0, None, 10).await?.len(), 2);
    store.close().await
}

pub async fn a_later_flush_replaces_what_changed(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    store.flush(everything(&owned)).await?;
    let mut later = owned.flush();
    later.roots.push(RootRow {
        status: 3,
        update_time: 5_000,
        next_deadline: None,
        work_since: None,
        applied_sequence: 44,
        snapshot: Bytes::from_static(b"new state"),
        summary: Bytes::new(),
        ..root("order-7")
    });
    later.runs.push(crate::RunRow {
        status: 5,
        close_time: None,
        event_count: 40,
        detail: Bytes::new(),
        ..run(1, "order-7/refund")
    });
    store.flush(later.clone()).await?;
    let order = key("default", "order-7");
    assert_eq!(store.load_roots(0, vec![order]).await?, later.roots);
    assert_eq!(
        store.load_run(run_id(1)).await?.as_ref(),
        later.runs.first()
    );
    assert_eq!(
        store.due_roots(0, Due::Before(i64::MAX), None, 10).await?.0,
        []
    );
    store.close().await
}

pub async fn roots_are_found_by_key_even_when_hashes_collide(place: &dyn Place) -> Result<()> {
    let [first, second] = COLLIDING.map(|id| key("default", id));
    assert_eq!(first.hash64(), second.hash64());
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    flush.roots.push(root(COLLIDING[0]));
    store.flush(flush).await?;
    assert_eq!(store.load_roots(0, vec![second.clone()]).await?, []);
    let mut flush = owned.flush();
    flush.roots.push(root(COLLIDING[1]));
    store.flush(flush).await?;
    for (wanted, id) in [(&first, COLLIDING[0]), (&second, COLLIDING[1])] {
        assert_eq!(store.load_roots(0, vec![wanted.clone()]).await?, [root(id)]);
    }
    assert_eq!(
        store
            .load_roots(0, vec![first.clone(), second])
            .await?
            .len(),
        2
    );
    // Listed once, so that a page never ends between the two.
    assert_eq!(store.root_hashes(0, None, 1).await?, [first.hash64()]);
    assert!(
        store
            .root_hashes(0, Some(first.hash64()), 1)
            .await?
            .is_empty()
    );
    store.close().await
}

pub async fn roots_that_do_not_exist_are_left_out(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    store.flush(everything(&owned)).await?;
    let keys = vec![
        key("default", "nobody"),
        key("default", "order-8"),
        key("other", "order-8"),
    ];
    assert_eq!(store.load_roots(0, keys.clone()).await?, [root("order-8")]);
    assert_eq!(store.load_roots(1, keys).await?, [], "it is in partition 0");
    assert_eq!(store.load_roots(0, Vec::new()).await?, []);
    store.close().await
}

pub async fn many_roots_are_found_at_once(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    flush.roots = (0..1_000).map(|n| root(&format!("order-{n}"))).collect();
    store.flush(flush.clone()).await?;
    let keys: Vec<RootKey> = flush.roots.iter().map(|root| root.key.clone()).collect();
    let mut found = store.load_roots(0, keys).await?;
    found.sort_by(|a, b| a.key.cmp(&b.key));
    flush.roots.sort_by(|a, b| a.key.cmp(&b.key));
    assert_eq!(found, flush.roots);
    store.close().await
}

pub async fn hashes_of_roots_come_in_pages(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let other = Owned::take(&store, 1).await?;
    let mut flush = owned.flush();
    flush.roots = (0..25).map(|n| root(&format!("order-{n}"))).collect();
    let mut hashes: Vec<u64> = flush.roots.iter().map(|root| root.key.hash64()).collect();
    hashes.sort_unstable();
    store.flush(flush).await?;
    let mut elsewhere = other.flush();
    elsewhere.roots.push(root("elsewhere"));
    store.flush(elsewhere).await?;
    let mut read = Vec::new();
    loop {
        let page = store.root_hashes(0, read.last().copied(), 10).await?;
        let complete = page.len() < 10;
        read.extend(page);
        if complete {
            break;
        }
    }
    assert_eq!(read, hashes);
    assert!(store.root_hashes(0, Some(u64::MAX), 10).await?.is_empty());
    store.close().await
}

pub async fn due_roots_come_earliest_first_and_bounded(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    for (id, next_deadline) in [
        ("c", Some(300)),
        ("a", Some(100)),
        ("never", None),
        ("b", Some(200)),
        ("long-ago", Some(-5)),
    ] {
        flush.roots.push(RootRow {
            next_deadline,
            ..root(id)
        });
    }
    store.flush(flush).await?;
    let due = |ids: &[(&str, i64)]| -> Vec<(RootKey, i64)> {
        ids.iter()
            .map(|(id, at)| (key("default", id), *at))
            .collect()
    };
    let before_300 = due(&[("long-ago", -5), ("a", 100), ("b", 200)]);
    let (all, next) = store.due_roots(0, Due::Before(300), None, 10).await?;
    assert_eq!((all, next), (before_300.clone(), None));
    let (first, next) = store.due_roots(0, Due::Before(301), None, 2).await?;
    assert_eq!(first, before_300[..2]);
    let (rest, next) = store.due_roots(0, Due::Before(301), next, 2).await?;
    assert_eq!((rest, next), (due(&[("b", 200), ("c", 300)]), None));
    let (other, _) = store.due_roots(1, Due::Before(301), None, 10).await?;
    assert_eq!(other, []);
    store.close().await
}

pub async fn roots_with_work_come_in_pages_that_skip_none(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    // Many since the same time.
    for number in 0..25_i64 {
        flush.roots.push(RootRow {
            work_since: (number != 13).then_some(number / 10),
            next_deadline: Some(1),
            ..root(&format!("r{number:02}"))
        });
    }
    store.flush(flush).await?;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let (page, next) = store.due_roots(0, Due::Work, after, 4).await?;
        assert!(page.len() <= 4);
        found.extend(page);
        after = next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..25_i64)
        .filter(|number| *number != 13)
        .map(|number| (key("default", &format!("r{number:02}")), number / 10))
        .collect();
    assert_eq!(found, expected);
    store.close().await
}

fn value(version: u64, text: &str) -> StateValue {
    StateValue {
        version,
        payload: Bytes::from(text.to_owned()),
    }
}

pub async fn values_of_a_root_stay_until_nothing_refers_to_them(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let keys = ["a", "b"].map(|id| key("default", id)).to_vec();
    let write = async |id: &str, values: Vec<StateValue>, forgotten_values: Vec<u64>| {
        let mut flush = owned.flush();
        flush.roots.push(RootRow {
            values,
            forgotten_values,
            ..root(id)
        });
        // It may be repeated after a crash.
        store.flush(flush.clone()).await?;
        store.flush(flush).await
    };
    let read = async || {
        let mut rows = store.load_roots(0, keys.clone()).await?;
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        Ok::<_, crate::Error>(rows.into_iter().map(|row| row.values).collect::<Vec<_>>())
    };
    let long = "v".repeat(100_000);
    write("a", vec![value(7, "seven"), value(9, &long)], vec![]).await?;
    write("b", vec![value(7, "another seven")], vec![]).await?;
    let of_b = vec![value(7, "another seven")];
    let all = vec![value(7, "seven"), value(9, &long)];
    assert_eq!(read().await?, [all, of_b.clone()]);
    // Those that are stored already are not written again.
    write("a", vec![value(11, "eleven")], vec![7]).await?;
    let left = vec![value(9, &long), value(11, "eleven")];
    assert_eq!(read().await?, [left, of_b.clone()]);
    let mut flush = owned.flush();
    flush.erased.push(key("default", "a"));
    flush.roots.push(root("a"));
    store.flush(flush).await?;
    assert_eq!(read().await?, [vec![], of_b]);
    store.close().await
}

pub async fn ids_of_any_characters_come_back_and_are_found(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    // Keys of steps are what code says, and part of the ids of its children.
    for odd in [
        "a\0b",
        "\u{1a}0",
        "tab\tline\n",
        "quote'\"\\",
        "é😀\u{202e}",
    ] {
        let mut flush = owned.flush();
        let row = root(odd);
        let mut child = run(7, &format!("order-7/{odd}"));
        child.key = row.key.clone();
        child.parent_workflow_id = Some(odd.into());
        flush.messages.push(messages(&row.key, 1, 2, 10));
        flush.approvals.push(ApprovalRow {
            key: row.key.clone(),
            approval_id: odd.into(),
            status: 1,
            request_time: 5,
            detail: Bytes::from_static(b"approval"),
        });
        flush.roots.push(row.clone());
        flush.runs.push(child.clone());
        store.flush(flush.clone()).await?;
        let found = store.load_roots(0, vec![row.key.clone()]).await?;
        assert_eq!(found.first(), Some(&row), "{odd:?}");
        let found = store
            .find_run("default".into(), child.workflow_id.clone())
            .await?;
        assert_eq!(found, Some(child), "{odd:?}");
        let transcript = store.load_messages(row.key.clone(), 0, 1_000).await?;
        assert_eq!(transcript, flush.messages, "{odd:?}");
        let of_root = Some(Arc::clone(&row.key.root_id));
        let listed = store
            .list_approvals(of_root, Filter::of("default", 10))
            .await?;
        assert_eq!(listed.0, flush.approvals, "{odd:?}");
        // The run belongs to one root at a time here.
        let mut erased = owned.flush();
        erased.erased.push(row.key);
        store.flush(erased).await?;
    }
    store.close().await
}

pub async fn everything_survives_closing_and_reopening(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    owned.append(&store, "one").await?;
    let flush = everything(&owned);
    store.flush(flush.clone()).await?;
    owned.append(&store, "two").await?;
    store.close().await?;
    drop(store);
    let store = place.open().await?;
    let order = key("default", "order-7");
    assert_eq!(whole_log(&store, 0).await?, [(2, "two".to_owned())]);
    assert_eq!(
        store.load_roots(0, vec![order.clone()]).await?,
        flush.roots[..1]
    );
    assert_eq!(
        store.load_run(run_id(1)).await?.as_ref(),
        flush.runs.first()
    );
    assert_eq!(
        store.load_history(run_id(1), 0, 1_000).await?,
        flush.history
    );
    assert_eq!(
        store.load_messages(order.clone(), 0, 1_000).await?,
        flush.messages
    );
    let (due, _) = store.due_roots(0, Due::Before(9_001), None, 10).await?;
    assert_eq!(due, [(order, 9_000)]);
    store.close().await
}
