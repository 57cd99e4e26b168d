//! The log: dense, durable, bounded to read, and its end outlives its rows.

use std::sync::Arc;

use bytes::Bytes;

use super::Place;
use super::rows::{Owned, whole_log};
use crate::{Error, Result, Store};

pub async fn appends_are_dense_and_durable_after_reopening(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    assert_eq!(owned.sequence, 0);
    let two = vec![owned.next("one"), owned.next("two")];
    store.append(two).await?;
    owned.append(&store, "three").await?;
    store.close().await?;
    drop(store);
    let store = place.open().await?;
    let expected = [(1, "one"), (2, "two"), (3, "three")];
    assert_eq!(
        whole_log(&store, 0).await?,
        expected.map(|(n, text)| (n, text.to_owned()))
    );
    let mut owned = Owned::take(&store, 0).await?;
    assert_eq!(owned.sequence, 3);
    owned.append(&store, "four").await?;
    store.close().await
}

pub async fn an_append_out_of_sequence_is_refused_and_leaves_nothing(
    place: &dyn Place,
) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    owned.append(&store, "one").await?;
    for sequence in [0, 1, 3, u64::MAX] {
        let mut append = owned.next("wrong");
        owned.sequence -= 1;
        append.sequence = sequence;
        let refused = store.append(vec![append]).await;
        assert!(
            matches!(refused, Err(Error::OutOfSequence { last: 1, .. })),
            "{refused:?}"
        );
    }
    // The first one is right, but they go together.
    let mut torn = vec![owned.next("two"), owned.next("three")];
    torn[1].sequence = 7;
    let refused = store.append(torn).await;
    assert!(matches!(
        refused,
        Err(Error::OutOfSequence {
            sequence: 7,
            last: 2,
            ..
        })
    ));
    owned.sequence = 1;
    assert_eq!(whole_log(&store, 0).await?, [(1, "one".to_owned())]);
    owned.append(&store, "two").await?;
    store.close().await
}

pub async fn several_partitions_in_one_append_are_all_or_nothing(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut first = Owned::take(&store, 0).await?;
    let mut second = Owned::take(&store, 1).await?;
    let stale = second.epoch;
    let mut third = Owned::take(&store, 2).await?;
    store
        .append(vec![first.next("a"), second.next("b"), third.next("c")])
        .await?;
    second = Owned::take(&store, 1).await?;
    let mut appends = vec![first.next("lost"), second.next("lost"), third.next("lost")];
    appends[1].owner_epoch = stale;
    let refused = store.append(appends).await;
    assert!(
        matches!(refused, Err(Error::OwnershipLost { partition: 1, .. })),
        "{refused:?}"
    );
    for (partition, text) in [(0, "a"), (1, "b"), (2, "c")] {
        assert_eq!(whole_log(&store, partition).await?, [(1, text.to_owned())]);
    }
    for owned in [&mut first, &mut second, &mut third] {
        owned.sequence = 1;
    }
    store
        .append(vec![first.next("d"), second.next("e"), third.next("f")])
        .await?;
    assert_eq!(whole_log(&store, 2).await?.len(), 2);
    store.close().await
}

pub async fn rows_come_back_in_order_and_in_bounded_pages(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    for _ in 0..10 {
        let append = owned.next(vec![b'x'; 100]);
        store.append(vec![append]).await?;
    }
    let mut after = 0;
    let mut pages = Vec::new();
    loop {
        let rows = store.read_log(0, after, 250).await?;
        let Some(last) = rows.last() else {
            break;
        };
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(row.sequence, after + 1 + at as u64);
        }
        after = last.sequence;
        pages.push(rows.len());
    }
    assert_eq!(after, 10);
    // 250 bytes are reached by the third row.
    assert_eq!(pages, [3, 3, 3, 1]);
    assert_eq!(store.read_log(0, u64::MAX, 250).await?, []);
    store.close().await
}

pub async fn a_row_larger_than_the_bound_comes_back_alone(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    let two = vec![owned.next(vec![1; 5_000]), owned.next(vec![2; 5_000])];
    store.append(two).await?;
    for max_bytes in [0, 1, 4_999] {
        let rows = store.read_log(0, 0, max_bytes).await?;
        assert_eq!(rows.len(), 1, "{max_bytes}");
        assert_eq!(rows[0].payload, Bytes::from(vec![1; 5_000]));
    }
    store.close().await
}

pub async fn logs_of_partitions_are_apart(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    for partition in [2, 0, 1] {
        let mut owned = Owned::take(&store, partition).await?;
        for _ in 0..=partition {
            owned.append(&store, "row").await?;
        }
    }
    for partition in 0..3 {
        let rows = whole_log(&store, partition).await?;
        assert_eq!(rows.len(), partition as usize + 1);
    }
    assert_eq!(whole_log(&store, 3).await?, []);
    store.close().await
}

pub async fn the_sequence_survives_the_trimming_of_all_rows(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    // More than one transaction trims.
    for _ in 0..10 {
        let rows = (0..100).map(|_| owned.next("row")).collect();
        store.append(rows).await?;
    }
    trim(&store, &owned, 1_000).await?;
    assert_eq!(whole_log(&store, 0).await?, []);
    owned.append(&store, "next").await?;
    trim(&store, &owned, 1_001).await?;
    store.close().await?;
    drop(store);
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    assert_eq!(owned.sequence, 1_001);
    owned.append(&store, "later").await?;
    assert_eq!(whole_log(&store, 0).await?, [(1_002, "later".to_owned())]);
    store.close().await
}

pub async fn trimming_never_goes_beyond_the_log_or_into_another_one(
    place: &dyn Place,
) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 1).await?;
    let mut after = Owned::take(&store, 2).await?;
    owned.append(&store, "one").await?;
    after.append(&store, "other").await?;
    trim(&store, &owned, u64::MAX).await?;
    assert_eq!(whole_log(&store, 1).await?, []);
    assert_eq!(whole_log(&store, 2).await?, [(1, "other".to_owned())]);
    owned.append(&store, "two").await?;
    owned.append(&store, "three").await?;
    trim(&store, &owned, 2).await?;
    assert_eq!(whole_log(&store, 1).await?, [(3, "three".to_owned())]);
    store.close().await
}

async fn trim(store: &Arc<dyn Store>, owned: &Owned, through: u64) -> Result<()> {
    let mut flush = owned.flush();
    flush.trim_log_through = Some(through);
    store.flush(flush).await
}
