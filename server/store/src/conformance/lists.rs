//! Lists of roots: order, filters, pages, namespaces.

use std::sync::Arc;

use bytes::Bytes;

use super::Place;
use super::rows::{Owned, key, root};
use crate::{Filter, Result, RootKind, RootRow, Store, WaitColumns, WaitFilter};

async fn with_roots(place: &dyn Place, roots: Vec<RootRow>) -> Result<Arc<dyn Store>> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    flush.roots = roots;
    store.flush(flush).await?;
    Ok(store)
}

fn created(root_id: &str, create_time: i64) -> RootRow {
    RootRow {
        create_time,
        ..root(root_id)
    }
}

fn ids(rows: &[RootRow]) -> Vec<&str> {
    rows.iter().map(|row| &*row.key.root_id).collect()
}

pub async fn roots_are_listed_last_created_first_without_their_states(
    place: &dyn Place,
) -> Result<()> {
    let store = with_roots(place, vec![created("a", 100), created("b", 300)]).await?;
    // One of another partition is listed with them.
    let other = Owned::take(&store, 5).await?;
    let mut flush = other.flush();
    flush.roots.push(created("c", 200));
    store.flush(flush).await?;
    let listed = store.list_roots(RootKind::Conversation, Filter::of("default", 10));
    let (rows, next) = listed.await?;
    let stateless = |row: RootRow| RootRow {
        snapshot: Bytes::new(),
        ..row
    };
    let expected = [created("b", 300), created("c", 200), created("a", 100)];
    assert_eq!(rows, expected.map(stateless));
    assert_eq!(next, None);
    store.close().await
}

pub async fn roots_are_listed_by_kind_type_and_status(place: &dyn Place) -> Result<()> {
    let with = |id: &str, kind, type_name: &str, status| RootRow {
        kind,
        type_name: type_name.into(),
        status,
        ..root(id)
    };
    let (conversation, workflow) = (RootKind::Conversation, RootKind::Workflow);
    let roots = vec![
        with("a", conversation, "support", 1),
        with("b", conversation, "support", 2),
        with("c", conversation, "sales", 1),
        with("d", workflow, "support", 1),
    ];
    let store = with_roots(place, roots).await?;
    for (kind, type_name, status, expected) in [
        (conversation, None, None, vec!["c", "b", "a"]),
        (workflow, None, None, vec!["d"]),
        (conversation, Some("support"), None, vec!["b", "a"]),
        (conversation, None, Some(1), vec!["c", "a"]),
        (conversation, Some("support"), Some(2), vec!["b"]),
        (workflow, Some("sales"), None, vec![]),
    ] {
        let type_name = type_name.map(Into::into);
        let listed = store.list_roots(
            kind,
            Filter {
                type_name,
                status,
                ..Filter::of("default", 10)
            },
        );
        assert_eq!(ids(&listed.await?.0), expected);
    }
    store.close().await
}

pub async fn pages_of_roots_neither_skip_nor_repeat_rows_with_equal_times(
    place: &dyn Place,
) -> Result<()> {
    // Ids of several lengths and scripts: their order is that of their bytes.
    let names = [
        "order",
        "Order",
        "ордер",
        "注文",
        "o",
        "order-",
        "~",
        "é",
        "e\u{301}",
        "🛒",
    ];
    let roots = (0..30).map(|n| created(&format!("{}{n}", names[n % 10]), (n % 3) as i64));
    let store = with_roots(place, roots.collect()).await?;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let kind = RootKind::Conversation;
        let (rows, next) = store
            .list_roots(
                kind,
                Filter {
                    after,
                    ..Filter::of("default", 7)
                },
            )
            .await?;
        seen.extend(
            rows.into_iter()
                .map(|row| (row.create_time, row.key.root_id)),
        );
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 30);
    assert!(
        seen.is_sorted_by(|a, b| a > b),
        "descending, and none twice"
    );
    store.close().await
}

pub async fn lists_of_roots_never_cross_namespaces(place: &dyn Place) -> Result<()> {
    let mut roots: Vec<RootRow> = ["a", "b", "c"].map(|id| created(id, 100)).into();
    for id in ["a", "b", "d"] {
        roots.push(RootRow {
            key: key("default2", id),
            ..created(id, 100)
        });
    }
    let store = with_roots(place, roots).await?;
    let kind = RootKind::Conversation;
    let (first, next) = store.list_roots(kind, Filter::of("default", 2)).await?;
    let (second, end) = store
        .list_roots(
            kind,
            Filter {
                after: next,
                ..Filter::of("default", 2)
            },
        )
        .await?;
    assert_eq!((ids(&first), ids(&second)), (vec!["c", "b"], vec!["a"]));
    assert!(
        first
            .iter()
            .chain(&second)
            .all(|row| &*row.key.namespace == "default")
    );
    assert_eq!(end, None);
    store.close().await
}

pub async fn the_last_page_has_no_cursor(place: &dyn Place) -> Result<()> {
    let store = with_roots(place, vec![created("a", 100), created("b", 100)]).await?;
    for (limit, more) in [(1, true), (2, false), (3, false), (usize::MAX, false)] {
        let kind = RootKind::Conversation;
        let listed = store.list_roots(kind, Filter::of("default", limit));
        let (rows, next) = listed.await?;
        assert_eq!(rows.len(), limit.min(2));
        assert_eq!(next.is_some(), more, "limit {limit}");
    }
    store.close().await
}

pub async fn roots_are_listed_and_counted_by_how_they_wait(place: &dyn Place) -> Result<()> {
    let with = |id: &str, reason, queue: &str| RootRow {
        wait: WaitColumns {
            reason,
            queue: queue.into(),
            unanswered_since: None,
        },
        ..root(id)
    };
    let roots = vec![
        with("a", 3, "a:agents"),
        with("b", 3, "w:default"),
        with("c", 7, ""),
        with("d", 0, ""),
    ];
    let store = with_roots(place, roots).await?;
    for (reasons, queued, expected) in [
        (vec![7], None, vec!["c"]),
        (vec![3, 7], None, vec!["c", "b", "a"]),
        (vec![], Some((3, vec!["a:agents".into()])), vec!["a"]),
        (vec![7], Some((3, vec!["w:default".into()])), vec!["c", "b"]),
        (vec![], None, vec![]),
    ] {
        let filter = Filter {
            waits: Some(WaitFilter { reasons, queued }),
            ..Filter::of("default", 10)
        };
        let listed = store.list_roots(RootKind::Conversation, filter);
        assert_eq!(ids(&listed.await?.0), expected);
    }
    let mut counts = store.count_waits(0).await?;
    counts.sort_by(|one, other| one.1.queue.cmp(&other.1.queue));
    let counts: Vec<_> = counts.iter().map(|(_, it, n)| (it.reason, *n)).collect();
    assert_eq!(counts, [(7, 1), (3, 1), (3, 1)]);
    store.close().await
}

pub async fn conversations_without_an_answer_are_listed_and_counted(
    place: &dyn Place,
) -> Result<()> {
    let with = |id: &str, unanswered_since| RootRow {
        wait: WaitColumns {
            unanswered_since,
            ..WaitColumns::default()
        },
        ..root(id)
    };
    let roots = vec![with("a", Some(5)), with("b", None), with("c", Some(9))];
    let store = with_roots(place, roots).await?;
    for (before, expected) in [(4, vec![]), (6, vec!["a"]), (i64::MAX, vec!["c", "a"])] {
        let filter = Filter {
            unanswered_before: Some(before),
            ..Filter::of("default", 10)
        };
        let listed = store.list_roots(RootKind::Conversation, filter);
        assert_eq!(ids(&listed.await?.0), expected);
    }
    let counts = store.count_waits(0).await?;
    let counts: Vec<_> = counts
        .iter()
        .map(|(_, it, n)| (it.unanswered_since, *n))
        .collect();
    assert_eq!(counts, [(Some(5), 2)]);
    store.close().await
}

pub async fn what_changes_while_it_is_listed_is_listed_once(place: &dyn Place) -> Result<()> {
    let id = |n: i64| format!("r{n:03}");
    let roots = (0..60).map(|n| created(&id(n), n));
    let store = with_roots(place, roots.collect()).await?;
    let owned = Owned::take(&store, 0).await?;
    let mut seen = Vec::new();
    let mut after = None;
    for update in 1.. {
        let filter = Filter {
            after,
            ..Filter::of("default", 7)
        };
        let (rows, next) = store.list_roots(RootKind::Conversation, filter).await?;
        seen.extend(rows.into_iter().map(|row| row.key.root_id));
        let mut flush = owned.flush();
        flush.roots.extend((0..60).step_by(3).map(|n| RootRow {
            update_time: 10_000 + update,
            applied_sequence: 1,
            ..created(&id(n), n)
        }));
        store.flush(flush).await?;
        after = next;
        if after.is_none() {
            break;
        }
    }
    let all: Vec<_> = (0..60).rev().map(id).collect();
    assert!(seen.iter().map(|id| &**id).eq(all.iter().map(|id| &**id)));
    store.close().await
}
