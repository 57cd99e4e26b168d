//! What reads and rows of all SQL databases have in common.

pub(crate) mod read;
pub(crate) mod rows;
mod statement;
pub(crate) mod transfer;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use sqlx::{Database, Pool, QueryBuilder};

use crate::Result;
use rows::Columns;

/// A database that holds the view in the common tables.
pub(crate) trait Sql: Database<Row: Columns> {
    /// Bytes without content, in the dialect.
    const NO_BYTES: &'static str;

    /// Adds a number.
    fn int(query: &mut QueryBuilder<Self>, value: i64);
    /// Adds a text.
    fn text(query: &mut QueryBuilder<Self>, value: &str);
    /// Adds bytes.
    fn bytes(query: &mut QueryBuilder<Self>, value: &[u8]);
    /// Adds that what stands before it is one of these numbers.
    fn one_of_ints(query: &mut QueryBuilder<Self>, values: Vec<i64>);
    /// Adds that what stands before it is one of these texts.
    fn one_of_texts(query: &mut QueryBuilder<Self>, values: Vec<String>);
    /// Adds that what stands before it is one of these bytes.
    fn one_of_bytes(query: &mut QueryBuilder<Self>, values: Vec<Vec<u8>>);

    /// All rows that a query finds.
    fn rows(pool: &Pool<Self>, query: QueryBuilder<Self>) -> BoxFuture<'_, Result<Vec<Self::Row>>>;

    /// Rows as they come: as many as the reader wants.
    fn stream<'a>(
        pool: &'a Pool<Self>,
        query: &'a mut QueryBuilder<Self>,
    ) -> BoxStream<'a, Result<Self::Row>>;
}

/// Implements [`Sql`]: the drivers work alike, but for how one of several values
/// is asked for, and how texts are stored.
macro_rules! sql {
    ($database:ty, $no_bytes:literal, $one_of:path, $write_text:path) => {
        impl $crate::sql::Sql for $database {
            const NO_BYTES: &'static str = $no_bytes;

            fn int(query: &mut sqlx::QueryBuilder<Self>, value: i64) {
                query.push_bind(value);
            }
            fn text(query: &mut sqlx::QueryBuilder<Self>, value: &str) {
                query.push_bind($write_text(value).into_owned());
            }
            fn bytes(query: &mut sqlx::QueryBuilder<Self>, value: &[u8]) {
                query.push_bind(value.to_vec());
            }
            fn one_of_ints(query: &mut sqlx::QueryBuilder<Self>, values: Vec<i64>) {
                $one_of(query, values);
            }
            fn one_of_texts(query: &mut sqlx::QueryBuilder<Self>, values: Vec<String>) {
                let values = values.iter().map(|text| $write_text(text).into_owned());
                $one_of(query, values.collect::<Vec<String>>());
            }
            fn one_of_bytes(query: &mut sqlx::QueryBuilder<Self>, values: Vec<Vec<u8>>) {
                $one_of(query, values);
            }
            fn rows(
                pool: &sqlx::Pool<Self>,
                mut query: sqlx::QueryBuilder<Self>,
            ) -> futures::future::BoxFuture<'_, $crate::Result<Vec<Self::Row>>> {
                Box::pin(async move { Ok(query.build().fetch_all(pool).await?) })
            }
            fn stream<'a>(
                pool: &'a sqlx::Pool<Self>,
                query: &'a mut sqlx::QueryBuilder<Self>,
            ) -> futures::stream::BoxStream<'a, $crate::Result<Self::Row>> {
                use futures::StreamExt as _;
                let rows = query.build().fetch(pool);
                rows.map(|row| row.map_err(Into::into)).boxed()
            }
        }
    };
}
pub(crate) use sql;

/// Numbers beyond SQL's integers count as the largest one.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Hashes use all 64 bits: the same bits as a signed number, shifted so that
/// the order is kept.
pub(crate) fn signed(hash: u64) -> i64 {
    (hash ^ (1 << 63)).cast_signed()
}

/// The reverse of `signed`.
pub(crate) fn unsigned(stored: i64) -> u64 {
    stored.cast_unsigned() ^ (1 << 63)
}
