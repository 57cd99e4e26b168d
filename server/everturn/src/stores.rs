//! Stores, by where they are: the only file that names those that there are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
pub(crate) use everturn_store::StoreStats;
use everturn_store::{
    Error, NodeIdentity, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, Store,
    Transfer,
};

use crate::config::{ConfigError, Location, Settings};
use crate::exit::Refused;

/// Opens the store of a coordinator; creates it if it is not there.
///
/// # Errors
/// When it cannot be used.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    let partitions = Some(settings.partitions).filter(|count| *count > 0);
    let opened = match &settings.store {
        Location::File(path) => {
            let options = SqliteOptions {
                partitions,
                ..SqliteOptions::new(path)
            };
            let store = SqliteStore::open(options).await;
            store.map(|it| Arc::new(it) as Arc<dyn Store>)
        }
        Location::Postgres(url) => {
            let options = PostgresOptions {
                partitions,
                password_file: settings.store_password_file.clone(),
                node: NodeIdentity {
                    id: settings.node_id.clone(),
                    incarnation: now_micros(),
                },
                lease: settings.node_lease,
                ..PostgresOptions::new(url)
            };
            let store = PostgresStore::open(options).await;
            store.map(|it| Arc::new(it) as Arc<dyn Store>)
        }
    };
    opened.with_context(|| format!("cannot open {}", settings.store))
}

/// Greater with every start, as long as the clock is not put back between two.
fn now_micros() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Opens a store for commands that read or fill it as a whole.
///
/// # Errors
/// `Refused` when it cannot be used, as when a coordinator has it.
pub(crate) async fn open_whole(
    location: &Location,
    password_file: Option<&Path>,
    partitions: Option<u32>,
) -> anyhow::Result<Arc<dyn Transfer>> {
    let opened = match location {
        Location::File(path) => {
            let options = SqliteOptions {
                partitions,
                ..SqliteOptions::new(path)
            };
            let store = SqliteStore::open(options).await;
            store.map(|it| Arc::new(it) as Arc<dyn Transfer>)
        }
        Location::Postgres(url) => {
            let options = PostgresOptions {
                partitions,
                password_file: password_file.map(Path::to_path_buf),
                ..PostgresOptions::new(url)
            };
            let store = PostgresStore::open(options).await;
            store.map(|it| Arc::new(it) as Arc<dyn Transfer>)
        }
    };
    match opened {
        Err(Error::Unusable(why)) => Err(Refused(format!("{location}: {why}")).into()),
        other => other.with_context(|| format!("cannot open {location}")),
    }
}

/// Copies a file that a coordinator may have open. Returns the size of the copy.
///
/// # Errors
/// `ConfigError` when there is no such file; `Refused` when the target is there.
pub(crate) async fn backup(location: &Location, to: &Path) -> anyhow::Result<u64> {
    let path = file(location, "use pg_dump or pg_basebackup for a database")?;
    match SqliteStore::backup(&SqliteOptions::new(path), to).await {
        Ok(bytes) => Ok(bytes),
        Err(Error::Unusable(why)) => Err(Refused(why).into()),
        Err(error) => Err(error.into()),
    }
}

/// Fails when there is no such file.
///
/// # Errors
/// `ConfigError`.
pub(crate) fn must_be_there(location: &Location) -> Result<(), ConfigError> {
    match location {
        Location::File(path) => must_exist(path),
        Location::Postgres(_) => Ok(()),
    }
}

/// Writes a file anew. Returns its size before and after, in bytes.
///
/// # Errors
/// `ConfigError` when there is no such file; `Refused` when a coordinator owns
/// it, or it is not a store.
pub(crate) async fn compact(location: &Location) -> anyhow::Result<(u64, u64)> {
    let path = file(
        location,
        "PostgreSQL's own VACUUM FULL does this for a database",
    )?;
    match SqliteStore::compact(&SqliteOptions::new(path)).await {
        Ok(sizes) => Ok(sizes),
        Err(Error::Unusable(why)) => {
            Err(Refused(format!("{why}; stop the coordinator that owns it first")).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// What a store holds.
///
/// # Errors
/// `ConfigError` when there is no such file; the store's when it is not one.
pub(crate) async fn stats(settings: &Settings) -> anyhow::Result<StoreStats> {
    let location = &settings.store;
    let stats = match location {
        Location::File(path) => {
            must_exist(path)?;
            SqliteStore::stats(&SqliteOptions::new(path)).await
        }
        Location::Postgres(url) => {
            let options = PostgresOptions {
                password_file: settings.store_password_file.clone(),
                ..PostgresOptions::new(url)
            };
            PostgresStore::stats(&options).await
        }
    };
    stats.with_context(|| format!("cannot read {location}"))
}

/// The file that a command needs.
fn file<'a>(location: &'a Location, otherwise: &str) -> anyhow::Result<&'a PathBuf> {
    match location {
        Location::File(path) => {
            must_exist(path)?;
            Ok(path)
        }
        Location::Postgres(_) => {
            let text = format!("store: this command is for SQLite files: {otherwise}");
            Err(ConfigError(text).into())
        }
    }
}

fn must_exist(path: &Path) -> Result<(), ConfigError> {
    if path.exists() {
        return Ok(());
    }
    let path = path.display();
    Err(ConfigError(format!("store: there is no file {path}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_in_use_is_refused_and_a_missing_one_is_not_made() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a.db");
        let location = Location::File(path.clone());
        let missing = compact(&location).await.expect_err("nothing there");
        assert!(missing.is::<ConfigError>(), "{missing}");
        assert!(!path.exists());
        let store = SqliteStore::open(SqliteOptions::new(&path)).await;
        let store = store.expect("a new store");
        let refused = compact(&location).await.expect_err("in use");
        assert!(refused.is::<Refused>(), "{refused}");
        assert!(refused.to_string().contains("another process has it open"));
        everturn_store::Store::close(&store).await.expect("closed");
        let (before, after) = compact(&location).await.expect("compacted");
        assert!(before > 0 && after > 0);
    }

    #[tokio::test]
    async fn a_command_for_files_says_what_to_do_with_a_database() {
        let location = Location::parse("postgres://db/everturn").expect("it is a URL");
        let refused = compact(&location).await.expect_err("it is no file");
        assert!(refused.is::<ConfigError>(), "{refused}");
        assert!(refused.to_string().contains("VACUUM FULL"), "{refused}");
    }
}
