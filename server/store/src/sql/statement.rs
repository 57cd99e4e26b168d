//! A statement in the making: text and values in the order in which they stand.

use futures::stream::BoxStream;
use sqlx::{Pool, QueryBuilder};

use crate::Result;
use crate::sql::Sql;

/// A statement that reads.
pub(crate) struct Statement<DB: Sql>(QueryBuilder<DB>);

impl<DB: Sql> Statement<DB> {
    /// Begins with text.
    pub fn new(text: &'static str) -> Self {
        Self(QueryBuilder::new(text))
    }

    /// Adds text.
    pub fn sql(mut self, text: &'static str) -> Self {
        self.0.push(text);
        self
    }

    /// Adds a number.
    pub fn int(mut self, value: impl Into<i64>) -> Self {
        DB::int(&mut self.0, value.into());
        self
    }

    /// Adds a text.
    pub fn text(mut self, value: &str) -> Self {
        DB::text(&mut self.0, value);
        self
    }

    /// Adds bytes.
    pub fn bytes(mut self, value: &[u8]) -> Self {
        DB::bytes(&mut self.0, value);
        self
    }

    /// Adds that what stands before it is one of these numbers.
    pub fn one_of_ints(mut self, values: impl Iterator<Item = i64>) -> Self {
        DB::one_of_ints(&mut self.0, values.collect());
        self
    }

    /// Adds that what stands before it is one of these texts.
    pub fn one_of_texts(mut self, values: impl Iterator<Item = String>) -> Self {
        DB::one_of_texts(&mut self.0, values.collect());
        self
    }

    /// Adds that what stands before it is one of these bytes.
    pub fn one_of_bytes(mut self, values: impl Iterator<Item = Vec<u8>>) -> Self {
        DB::one_of_bytes(&mut self.0, values.collect());
        self
    }

    /// All rows.
    pub async fn rows(self, pool: &Pool<DB>) -> Result<Vec<DB::Row>> {
        DB::rows(pool, self.0).await
    }

    /// The first row, if there is one.
    pub async fn row(self, pool: &Pool<DB>) -> Result<Option<DB::Row>> {
        Ok(self.rows(pool).await?.pop())
    }

    /// Rows as they come.
    pub fn stream<'a>(&'a mut self, pool: &'a Pool<DB>) -> BoxStream<'a, Result<DB::Row>> {
        DB::stream(pool, &mut self.0)
    }
}
