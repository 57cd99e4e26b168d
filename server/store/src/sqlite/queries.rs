//! How SQLite's queries and rows are built and read.

use std::borrow::Cow;
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Encode, QueryBuilder, Sqlite, Type};

crate::sql::rows::columns!(SqliteRow, Arc::from);
crate::sql::sql!(Sqlite, "x''", one_of, Cow::Borrowed);

fn one_of<T>(query: &mut QueryBuilder<Sqlite>, values: Vec<T>)
where
    T: for<'q> Encode<'q, Sqlite> + Type<Sqlite>,
{
    query.push(" IN (");
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(")");
}
