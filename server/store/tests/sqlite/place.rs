//! Where the stores of these tests live.

use std::path::PathBuf;
use std::sync::Arc;

use everturn_store::conformance::{PARTITIONS, Place};
use everturn_store::{Append, Result, SqliteOptions, SqliteStore, Store};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// A file in a directory that goes away with it.
pub struct SqlitePlace {
    directory: tempfile::TempDir,
}

impl SqlitePlace {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        Self { directory }
    }

    pub fn file(&self, suffix: &str) -> PathBuf {
        self.directory.path().join(format!("everturn.db{suffix}"))
    }

    pub fn options(&self) -> SqliteOptions {
        SqliteOptions {
            partitions: Some(PARTITIONS),
            ..SqliteOptions::new(self.file(""))
        }
    }

    pub async fn store(&self) -> Result<Arc<SqliteStore>> {
        SqliteStore::open(self.options()).await.map(Arc::new)
    }
}

impl Place for SqlitePlace {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>> {
        async { Ok(self.store().await? as Arc<dyn Store>) }.boxed()
    }
}

/// Appends rows to a partition that was taken just now; the last sequence.
pub async fn append(store: &SqliteStore, partition: u32, rows: u64, bytes: usize) -> Result<u64> {
    let (owner_epoch, mut sequence) = store.acquire(partition).await?;
    for _ in 0..rows {
        sequence += 1;
        let append = Append {
            partition,
            owner_epoch,
            sequence,
            payload: vec![b'x'; bytes].into(),
        };
        store.append(vec![append]).await?;
    }
    Ok(sequence)
}
