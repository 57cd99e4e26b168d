//! Where the stores of these tests live.

use std::sync::Arc;
use std::time::Duration;

use everturn_store::conformance::{PARTITIONS, Place};
use everturn_store::{NodeIdentity, PostgresOptions, PostgresStore, Result, Store};
use everturn_test_postgres::Server;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

/// A database of its own.
pub struct PostgresPlace {
    pub url: String,
}

impl PostgresPlace {
    pub fn new() -> Self {
        let url = everturn_test_postgres::new_database().expect("there is a PostgreSQL");
        Self { url }
    }

    /// On a server of its own.
    pub fn on(server: &Server) -> Self {
        let url = server.database(&everturn_test_postgres::unused_name());
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

    /// As one of several nodes, whose lease is this long.
    pub async fn node(&self, id: &str, lease: Duration) -> Arc<PostgresStore> {
        let options = PostgresOptions {
            node: NodeIdentity {
                id: id.into(),
                incarnation: 1,
            },
            lease,
            ..self.options()
        };
        let store = PostgresStore::open(options).await;
        Arc::new(store.expect("the server runs"))
    }

    /// A session with the server, whether the database is there or not.
    pub async fn maintenance(&self) -> PgConnection {
        let (server, _) = self.url.rsplit_once('/').expect("it has a database");
        let session = PgConnection::connect(&format!("{server}/postgres")).await;
        session.expect("the server runs")
    }

    /// A session beside the store.
    pub async fn session(&self) -> PgConnection {
        let session = PgConnection::connect(&self.url).await;
        session.expect("the server runs")
    }
}

impl Place for PostgresPlace {
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>> {
        async { Ok(self.store().await? as Arc<dyn Store>) }.boxed()
    }
}
