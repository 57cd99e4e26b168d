//! How much of a database the store takes.

use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

use crate::Result;
use crate::postgres::{PostgresOptions, open};
use crate::stats::{KINDS, KindStats, StoreStats};

/// Bytes of all tables, indexes included.
pub(super) async fn total(pool: &PgPool) -> Result<u64> {
    let bytes: Option<i64> = sqlx::query_scalar(
        "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
         WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace",
    )
    .fetch_one(pool)
    .await?;
    Ok(bytes.unwrap_or(0).unsigned_abs())
}

/// Reads the figures of a database that coordinators may use.
pub(super) async fn stats(options: &PostgresOptions) -> Result<StoreStats> {
    let mut connection = open::connect_options(options)?.connect().await?;
    let mut kinds = Vec::with_capacity(KINDS.len());
    for (kind, table) in KINDS {
        let bytes = sqlx::query_scalar("SELECT pg_total_relation_size($1::regclass)");
        let bytes: i64 = bytes.bind(table).fetch_one(&mut connection).await?;
        kinds.push(KindStats {
            kind,
            rows: count(&mut connection, table).await?,
            bytes: bytes.unsigned_abs(),
        });
    }
    connection.close().await?;
    Ok(StoreStats {
        file_bytes: kinds.iter().map(|kind| kind.bytes).sum(),
        kinds,
        free_bytes: 0,
        write_ahead_bytes: 0,
    })
}

async fn count(connection: &mut PgConnection, table: &'static str) -> Result<u64> {
    let mut query = sqlx::QueryBuilder::<sqlx::Postgres>::new("SELECT count(*) FROM ");
    query.push(table);
    let rows: i64 = query.build_query_scalar().fetch_one(connection).await?;
    Ok(rows.unsigned_abs())
}
