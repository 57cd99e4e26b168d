//! Lists of roots: order, filters, pages, namespaces.

use std::sync::Arc;

use bytes::Bytes;

use super::Place;
use super::rows::{Owned, key, root};
use crate::{Result, RootKind, RootRow, Store};

async fn with_roots(place: &dyn Place, roots: Vec<RootRow>) -> Result<Arc<dyn Store>> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    flush.roots = roots;
    store.flush(flush).await?;
    Ok(store)
}

fn updated(root_id: &str, update_time: i64) -> RootRow {
    RootRow {
        update_time,
        ..root(root_id)
    }
}

fn ids(rows: &[RootRow]) -> Vec<&str> {
    rows.iter().map(|row| &*row.key.root_id).collect()
}

pub async fn roots_are_listed_last_updated_first_without_their_states(
    place: &dyn Place,
) -> Result<()> {
    let store = with_roots(place, vec![updated("a", 100), updated("b", 300)]).await?;
    // One of another partition is listed with them.
    let other = Owned::take(&store, 5).await?;
    let mut flush = other.flush();
    flush.roots.push(updated("c", 200));
    store.flush(flush).await?;
    let listed = store.list_roots(
        "default".into(),
        RootKind::Conversation,
        None,
        None,
        None,
        10,
    );
    let (rows, next) = listed.await?;
    let stateless = |row: RootRow| RootRow {
        snapshot: Bytes::new(),
        ..row
    };
    let expected = [updated("b", 300), updated("c", 200), updated("a", 100)];
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
        let listed = store.list_roots("default".into(), kind, type_name, status, None, 10);
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
    let roots = (0..30).map(|n| updated(&format!("{}{n}", names[n % 10]), (n % 3) as i64));
    let store = with_roots(place, roots.collect()).await?;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let kind = RootKind::Conversation;
        let (rows, next) = store
            .list_roots("default".into(), kind, None, None, after, 7)
            .await?;
        seen.extend(
            rows.into_iter()
                .map(|row| (row.update_time, row.key.root_id)),
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
    let mut roots: Vec<RootRow> = ["a", "b", "c"].map(|id| updated(id, 100)).into();
    for id in ["a", "b", "d"] {
        roots.push(RootRow {
            key: key("default2", id),
            ..updated(id, 100)
        });
    }
    let store = with_roots(place, roots).await?;
    let kind = RootKind::Conversation;
    let (first, next) = store
        .list_roots("default".into(), kind, None, None, None, 2)
        .await?;
    let (second, end) = store
        .list_roots("default".into(), kind, None, None, next, 2)
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
    let store = with_roots(place, vec![updated("a", 100), updated("b", 100)]).await?;
    for (limit, more) in [(1, true), (2, false), (3, false), (usize::MAX, false)] {
        let kind = RootKind::Conversation;
        let listed = store.list_roots("default".into(), kind, None, None, None, limit);
        let (rows, next) = listed.await?;
        assert_eq!(rows.len(), limit.min(2));
        assert_eq!(next.is_some(), more, "limit {limit}");
    }
    store.close().await
}
