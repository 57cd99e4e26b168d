//! A file that is not what it was: an error, never a panic.

use everturn_store::conformance::rows::root;
use everturn_store::{Error, Filter, Flush, Result, RootKind, Store};

use crate::place::{SqlitePlace, append};

/// A closed store with rows in its log and in its view.
async fn filled() -> SqlitePlace {
    let place = SqlitePlace::new();
    let store = place.store().await.expect("it is free");
    append(&store, 0, 200, 500).await.expect("it is open");
    let (owner_epoch, _) = store.acquire(1).await.expect("it is open");
    let flush = Flush {
        partition: 1,
        owner_epoch,
        roots: (0..300).map(|n| root(&format!("order-{n}"))).collect(),
        runs: Vec::new(),
        history: Vec::new(),
        messages: Vec::new(),
        trim_log_through: None,
        ..Flush::default()
    };
    store.flush(flush).await.expect("it is open");
    store.close().await.expect("nothing is in the way");
    place
}

/// Opens, reads everything and writes a little.
async fn use_all(place: &SqlitePlace) -> Result<()> {
    let store = place.store().await?;
    store.read_log(0, 0, usize::MAX).await?;
    store.root_hashes(1, None, 1_000).await?;
    let kind = RootKind::Conversation;
    store.list_roots(kind, Filter::of("default", 1_000)).await?;
    let keys = (0..300).map(|n| root(&format!("order-{n}")).key).collect();
    store.load_roots(1, keys).await?;
    append(&store, 0, 3, 100).await?;
    store.close().await
}

#[tokio::test]
async fn a_file_that_is_no_database_is_called_corrupt() {
    let place = SqlitePlace::new();
    let text = "this is a letter to my aunt, not a database\n".repeat(500);
    std::fs::write(place.file(""), text).expect("the directory is there");
    let opened = place.store().await.map(drop);
    assert!(matches!(opened, Err(Error::Corrupt(_))), "{opened:?}");
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_noticed() {
    let place = filled().await;
    use_all(&place).await.expect("it is whole");
    let bytes = std::fs::read(place.file("")).expect("it was written");
    std::fs::write(place.file(""), &bytes[..bytes.len() / 2]).expect("it can be replaced");
    let used = use_all(&place).await;
    assert!(
        matches!(used, Err(Error::Corrupt(_) | Error::Unusable(_))),
        "{used:?}"
    );
}

#[tokio::test]
async fn a_page_of_garbage_is_an_error_or_goes_unnoticed_but_is_no_panic() {
    let place = filled().await;
    let whole = std::fs::read(place.file("")).expect("it was written");
    let mut noticed = 0;
    for page in 0..whole.len() / 4_096 {
        let mut bytes = whole.clone();
        let garbage = bytes[page * 4_096..].iter_mut().take(4_096).enumerate();
        garbage.for_each(|(at, byte)| *byte = (at * 131 % 256) as u8);
        for suffix in ["-wal", "-shm"] {
            // They may not be there.
            let _ = std::fs::remove_file(place.file(suffix));
        }
        std::fs::write(place.file(""), bytes).expect("it can be replaced");
        match use_all(&place).await {
            Ok(()) => {}
            Err(Error::Corrupt(_) | Error::Unusable(_)) => noticed += 1,
            Err(error) => panic!("page {page}: {error:?}"),
        }
        // Its writer lets go a moment later.
        while matches!(place.store().await.map(drop), Err(Error::Unusable(text)) if text.contains("another process"))
        {
            tokio::task::yield_now().await;
        }
    }
    assert!(noticed > 10, "{noticed}");
}
