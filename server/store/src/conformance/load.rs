//! Many writers at once, and large things.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::future::try_join_all;

use super::rows::{Owned, root, run_id, whole_log};
use super::{PARTITIONS, Place};
use crate::{Error, HistoryChunk, Result};

pub async fn concurrent_appends_of_many_partitions_all_become_durable(
    place: &dyn Place,
) -> Result<()> {
    const APPENDS: u64 = 50;
    let store = place.open().await?;
    let writers = (0..PARTITIONS).map(|partition| {
        let store = Arc::clone(&store);
        async move {
            let mut owned = Owned::take(&store, partition).await?;
            for number in 0..APPENDS {
                let append = owned.next(format!("{partition}.{number}"));
                store.append(vec![append]).await?;
            }
            // And several in one.
            let numbers = APPENDS..2 * APPENDS;
            let together = numbers.map(|number| owned.next(format!("{partition}.{number}")));
            store.append(together.collect()).await
        }
    });
    try_join_all(writers).await?;
    store.close().await?;
    drop(store);
    let store = place.open().await?;
    for partition in 0..PARTITIONS {
        let expected: Vec<_> = (0..2 * APPENDS)
            .map(|number| (number + 1, format!("{partition}.{number}")))
            .collect();
        assert_eq!(whole_log(&store, partition).await?, expected);
    }
    store.close().await
}

pub async fn a_refused_append_does_not_harm_those_beside_it(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut good = Owned::take(&store, 0).await?;
    let mut stale = Owned::take(&store, 1).await?;
    Owned::take(&store, 1).await?;
    for _ in 0..20 {
        let stays = store.append(vec![good.next("good")]);
        let goes = store.append(vec![stale.next("lost")]);
        let (stays, goes) = futures::join!(stays, goes);
        stays?;
        assert!(
            matches!(goes, Err(Error::OwnershipLost { partition: 1, .. })),
            "{goes:?}"
        );
    }
    assert_eq!(whole_log(&store, 0).await?.len(), 20);
    assert_eq!(whole_log(&store, 1).await?, []);
    store.close().await
}

pub async fn a_payload_of_several_mebibytes_comes_back_whole(place: &dyn Place) -> Result<()> {
    let payload: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let payload = Bytes::from(payload);
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    let append = owned.next(payload.clone());
    store.append(vec![append]).await?;
    let mut flush = owned.flush();
    flush.history.push(HistoryChunk {
        run_id: run_id(1),
        first_event_id: 1,
        last_event_id: 1,
        payload: payload.clone(),
    });
    store.flush(flush).await?;
    let rows = store.read_log(0, 0, 1).await?;
    assert!(rows[0].payload == payload, "the log");
    let chunks = store.load_history(run_id(1), 0, 1).await?;
    assert!(chunks[0].payload == payload, "the journal");
    store.close().await
}

pub async fn a_large_flush_does_not_starve_appends(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let flusher = Owned::take(&store, 0).await?;
    let mut owned = Owned::take(&store, 1).await?;
    let mut flush = flusher.flush();
    flush.roots = (0..6_000).map(|n| root(&format!("order-{n}"))).collect();
    let flushed = AtomicBool::new(false);
    let flushing = async {
        let written = store.flush(flush).await;
        flushed.store(true, Ordering::Relaxed);
        written
    };
    let appending = async {
        let mut appended = 0;
        while !flushed.load(Ordering::Relaxed) {
            owned.append(&store, "meanwhile").await?;
            appended += 1;
        }
        Ok::<_, Error>(appended)
    };
    let (written, appended) = futures::join!(flushing, appending);
    written?;
    let appended = appended?;
    assert!(appended > 10, "only {appended} appends during the flush");
    assert_eq!(store.root_hashes(0, None, 10_000).await?.len(), 6_000);
    store.close().await
}

pub async fn a_store_takes_space(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let mut owned = Owned::take(&store, 0).await?;
    let append = owned.next(vec![7; 1_000_000]);
    store.append(vec![append]).await?;
    assert!(store.size_bytes().await? > 1_000_000);
    assert!(!store.kind().is_empty());
    store.close().await
}
