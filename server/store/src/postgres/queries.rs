//! How PostgreSQL's queries and rows are built and read.

use sqlx::postgres::{PgHasArrayType, PgRow};
use sqlx::{Encode, Postgres, QueryBuilder, Type};

use crate::postgres::text;

crate::sql::rows::columns!(PgRow, text::read);
crate::sql::sql!(Postgres, "''::bytea", one_of, text::write);

/// With an array, so that the statement is the same for any number of values.
fn one_of<T>(query: &mut QueryBuilder<Postgres>, values: Vec<T>)
where
    T: for<'q> Encode<'q, Postgres> + Type<Postgres> + PgHasArrayType + Send + 'static,
{
    query.push(" = ANY(").push_bind(values).push(")");
}
