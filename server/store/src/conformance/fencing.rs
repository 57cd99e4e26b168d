//! Ownership: the latest owner of a partition is the only one that writes.

use std::sync::Arc;

use super::rows::{Owned, history, key, messages, root, run, run_id, whole_log};
use super::{PARTITIONS, Place};
use crate::{Error, Result, Store};

pub async fn each_owner_gets_a_higher_epoch_and_the_end_of_the_log(
    place: &dyn Place,
) -> Result<()> {
    let store = place.open().await?;
    assert_eq!(store.partition_count(), PARTITIONS);
    let mut first = Owned::take(&store, 0).await?;
    assert!(first.epoch > 0);
    first.append(&store, "one").await?;
    let second = Owned::take(&store, 0).await?;
    assert!(second.epoch > first.epoch);
    assert_eq!(second.sequence, 1);
    store.close().await?;
    drop(store);
    let store = place.open().await?;
    let third = Owned::take(&store, 0).await?;
    assert!(third.epoch > second.epoch);
    assert_eq!(third.sequence, 1);
    store.close().await
}

pub async fn nobody_appends_before_taking_the_partition(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    owned.append(&store, "one").await?;
    let epoch = owned.epoch;
    store.close().await?;
    drop(store);
    let store = place.open().await?;
    for (partition, epoch) in [(0, 0), (1, 0), (1, 1), (PARTITIONS, 1), (u32::MAX, 1)] {
        let mut nobody = Owned {
            partition,
            epoch,
            sequence: 0,
        };
        assert_lost(nobody.append(&store, "refused").await);
        assert_lost(store.flush(nobody.flush()).await);
        assert_eq!(store.read_log(partition, 1, usize::MAX).await?, []);
    }
    // The epoch of an owner before the reopening counts no more.
    let mut successor = Owned::take(&store, 0).await?;
    assert!(successor.epoch > epoch);
    owned.sequence = successor.sequence;
    assert_lost(owned.append(&store, "refused").await);
    successor.append(&store, "two").await?;
    store.close().await
}

pub async fn a_partition_that_does_not_exist_cannot_be_taken(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    for partition in [PARTITIONS, u32::MAX] {
        let refused = store.acquire(partition).await;
        assert!(matches!(refused, Err(Error::Unusable(_))), "{refused:?}");
    }
    store.close().await
}

pub async fn an_append_with_an_old_epoch_is_refused_whole(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut old = Owned::take(&store, 0).await?;
    old.append(&store, "one").await?;
    let mut new = Owned::take(&store, 0).await?;
    let refused = store.append(vec![old.next("lost"), old.next("lost")]).await;
    match refused {
        Err(Error::OwnershipLost {
            partition: 0,
            ours,
            current,
        }) => assert_eq!((ours, current), (old.epoch, new.epoch)),
        other => panic!("{other:?}"),
    }
    assert_eq!(whole_log(&store, 0).await?, [(1, "one".to_owned())]);
    new.append(&store, "two").await?;
    assert_eq!(whole_log(&store, 0).await?.len(), 2);
    store.close().await
}

pub async fn a_flush_of_a_stale_owner_is_refused_whole(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut old = Owned::take(&store, 0).await?;
    old.append(&store, "one").await?;
    Owned::take(&store, 0).await?;
    let mut flush = old.flush();
    flush.roots.push(root("order-7"));
    flush.runs.push(run(1, "order-7"));
    flush.history.push(history(1, 1, 3, 10));
    flush
        .messages
        .push(messages(&key("default", "order-7"), 1, 3, 10));
    flush.trim_log_through = Some(1);
    assert_lost(store.flush(flush).await);
    assert_eq!(whole_log(&store, 0).await?.len(), 1);
    assert_nothing_of_order_7(&store).await?;
    store.close().await
}

async fn assert_nothing_of_order_7(store: &Arc<dyn Store>) -> Result<()> {
    let order = key("default", "order-7");
    assert_eq!(store.load_roots(0, vec![order.clone()]).await?, []);
    assert_eq!(store.load_run(run_id(1)).await?, None);
    assert_eq!(store.load_history(run_id(1), 0, 1_000).await?, []);
    assert_eq!(store.load_messages(order, 0, 1_000).await?, []);
    Ok(())
}

pub async fn taking_a_partition_leaves_the_others_alone(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut first = Owned::take(&store, 0).await?;
    let mut second = Owned::take(&store, 1).await?;
    Owned::take(&store, 1).await?;
    first.append(&store, "one").await?;
    assert_lost(second.append(&store, "lost").await);
    store.close().await
}

fn assert_lost(refused: Result<()>) {
    assert!(
        matches!(refused, Err(Error::OwnershipLost { .. })),
        "{refused:?}"
    );
}
