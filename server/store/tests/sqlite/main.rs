//! The SQLite store: the suite of all stores, and what is its own.

mod busy;
mod compact;
mod damage;
mod foreign;
mod full;
mod kill;
mod place;
mod single_owner;
mod stats;
mod wal;

use place::SqlitePlace;

everturn_store::conformance_suite!(SqlitePlace::new());
