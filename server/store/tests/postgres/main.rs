//! The PostgreSQL store: the suite of all stores, and what is its own.

mod place;

use place::PostgresPlace;

everturn_store::conformance_suite!(PostgresPlace::new());
