//! Journals and transcripts: chunks in order, from the middle, within bounds.

use super::Place;
use super::rows::{Owned, history, key, messages, run_id};
use crate::{HistoryChunk, MessageChunk, Result};

fn events(chunks: &[HistoryChunk]) -> Vec<(u64, u64)> {
    let ranges = chunks.iter().map(|c| (c.first_event_id, c.last_event_id));
    ranges.collect()
}

fn sequences(chunks: &[MessageChunk]) -> Vec<(u64, u64)> {
    let ranges = chunks.iter().map(|c| (c.first_sequence, c.last_sequence));
    ranges.collect()
}

pub async fn a_journal_is_read_from_the_middle_of_a_chunk(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    flush.history = vec![
        history(1, 6, 10, 100),
        history(1, 1, 5, 100),
        history(1, 11, 11, 100),
        history(2, 1, 3, 100),
    ];
    store.flush(flush).await?;
    for (after, expected) in [
        (0, vec![(1, 5), (6, 10), (11, 11)]),
        (3, vec![(1, 5), (6, 10), (11, 11)]),
        (4, vec![(1, 5), (6, 10), (11, 11)]),
        (5, vec![(6, 10), (11, 11)]),
        (9, vec![(6, 10), (11, 11)]),
        (10, vec![(11, 11)]),
        (11, vec![]),
        (u64::MAX, vec![]),
    ] {
        let read = store.load_history(run_id(1), after, 10_000).await?;
        assert_eq!(events(&read), expected, "after {after}");
    }
    assert_eq!(store.load_history(run_id(3), 0, 10_000).await?, []);
    store.close().await
}

pub async fn a_journal_comes_in_pages_bounded_by_bytes(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    flush.history = (0..6)
        .map(|n| history(1, n * 10 + 1, n * 10 + 10, 100))
        .collect();
    store.flush(flush).await?;
    let mut after = 0;
    let mut pages = Vec::new();
    while let read = store.load_history(run_id(1), after, 250).await?
        && let Some(last) = read.last()
    {
        after = last.last_event_id;
        pages.push(read.len());
    }
    assert_eq!((after, pages), (60, vec![2, 2, 2]));
    // The chunk that holds the next event comes however large it is.
    let read = store.load_history(run_id(1), 15, 0).await?;
    assert_eq!(events(&read), [(11, 20)]);
    store.close().await
}

pub async fn the_beginnings_of_journals_are_read_together(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let mut flush = owned.flush();
    for run in 1..=300 {
        flush.history.push(history(run, 1, 4, 10));
        flush.history.push(history(run, 5, 6, 10));
    }
    let sizes = flush.history.iter().map(|chunk| chunk.payload.len());
    let largest = sizes.max().unwrap_or(0);
    let mut firsts: Vec<_> = flush.history.iter().step_by(2).cloned().collect();
    store.flush(flush).await?;
    let unknown = run_id(999);
    let wanted = (1..=300).map(run_id).chain([unknown]).collect();
    let mut read = store.load_beginnings(wanted, usize::MAX).await?;
    read.sort_by_key(|chunk| chunk.run_id);
    firsts.sort_by_key(|chunk| chunk.run_id);
    assert_eq!(read, firsts);
    let some = (1..=300).map(run_id).collect();
    let bounded = store.load_beginnings(some, 10 * largest).await?;
    assert!((10..300).contains(&bounded.len()), "{}", bounded.len());
    let one = store.load_beginnings(vec![run_id(7)], 0).await?;
    assert_eq!(one.len(), 1);
    store.close().await
}

pub async fn a_chunk_replaces_the_one_that_began_where_it_begins(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let order = key("default", "order-7");
    for (last, size) in [(5, 50), (9, 90)] {
        let mut flush = owned.flush();
        flush.history.push(history(1, 1, last, size));
        flush.messages.push(messages(&order, 1, last, size));
        store.flush(flush).await?;
    }
    let read = store.load_history(run_id(1), 0, 10_000).await?;
    assert_eq!(read, [history(1, 1, 9, 90)]);
    let read = store.load_messages(order.clone(), 0, 10_000).await?;
    assert_eq!(read, [messages(&order, 1, 9, 90)]);
    store.close().await
}

pub async fn a_transcript_is_read_from_the_middle_of_a_chunk(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let order = key("default", "order-7");
    let mut flush = owned.flush();
    flush.messages = vec![messages(&order, 4, 8, 100), messages(&order, 1, 3, 100)];
    store.flush(flush).await?;
    for (after, expected) in [
        (0, vec![(1, 3), (4, 8)]),
        (2, vec![(1, 3), (4, 8)]),
        (3, vec![(4, 8)]),
        (7, vec![(4, 8)]),
        (8, vec![]),
    ] {
        let read = store.load_messages(order.clone(), after, 10_000).await?;
        assert_eq!(sequences(&read), expected, "after {after}");
    }
    store.close().await
}

pub async fn a_transcript_comes_in_pages_bounded_by_bytes(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let order = key("default", "order-7");
    let mut flush = owned.flush();
    flush.messages = (1..=5).map(|n| messages(&order, n, n, 100)).collect();
    store.flush(flush).await?;
    let read = store.load_messages(order.clone(), 1, 300).await?;
    assert_eq!(sequences(&read), [(2, 2), (3, 3), (4, 4)]);
    let read = store.load_messages(order, 4, 0).await?;
    assert_eq!(sequences(&read), [(5, 5)]);
    store.close().await
}

pub async fn transcripts_of_other_roots_stay_out(place: &dyn Place) -> Result<()> {
    let store = place.open().await?;
    let owned = Owned::take(&store, 0).await?;
    let keys = [
        key("default", "order-7"),
        key("default", "order-70"),
        key("other", "order-7"),
    ];
    let mut flush = owned.flush();
    for (at, key) in keys.iter().enumerate() {
        flush.messages.push(messages(key, 1, 1, at + 1));
    }
    store.flush(flush).await?;
    for (at, key) in keys.iter().enumerate() {
        let read = store.load_messages(key.clone(), 0, 1_000).await?;
        assert_eq!(read, [messages(key, 1, 1, at + 1)]);
    }
    store.close().await
}
