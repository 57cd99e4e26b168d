//! The PostgreSQL store: the suite of all stores, and what is its own.

mod faults;
mod growth;
mod owners;
mod place;
mod proxy;
mod transfer;
mod unusable;

use place::PostgresPlace;

everturn_store::conformance_suite!(PostgresPlace::new());
