//! Where the stores of these tests live.

use std::sync::Arc;

use everturn_store::conformance::{PARTITIONS, Place};
use everturn_store::{PostgresOptions, PostgresStore, Result, Store};
use futures::FutureExt as _;
use futures::future::BoxFuture;

/// A database of its own.
pub struct PostgresPlace {
    url: String,
}

impl PostgresPlace {
    pub fn new() -> Self {
        let url = everturn_test_postgres::new_database().expect("there is a PostgreSQL");
        Self { url }
    }

    pub fn options(&self) -> PostgresOptions {
        PostgresOptions {
            partitions: Some(PARTITIONS),
            ..PostgresOptions::new(&self.url)
        }
    }

    pub async fn store(&self) -> Result<Arc<PostgresStore>> {
        PostgresStore::open(self.options()).await.map(Arc::new)
    }
}

impl Place for PostgresPlace {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>> {
        async { Ok(self.store().await? as Arc<dyn Store>) }.boxed()
    }
}
