//! The file of a store: its compaction, while no coordinator has it open, and
//! what it holds.

use std::path::Path;

use anyhow::Context as _;
pub(crate) use everturn_store::StoreStats;
use everturn_store::{Error, SqliteOptions, SqliteStore};

use crate::config::ConfigError;
use crate::exit::Refused;

/// Writes the file anew. Returns its size before and after, in bytes.
///
/// # Errors
/// `ConfigError` when there is no such file; `Refused` when a coordinator owns
/// it, or it is not a store.
pub(crate) async fn compact(path: &Path) -> anyhow::Result<(u64, u64)> {
    must_exist(path)?;
    match SqliteStore::compact(&SqliteOptions::new(path)).await {
        Ok(sizes) => Ok(sizes),
        Err(Error::Unusable(why)) => {
            Err(Refused(format!("{why}; stop the coordinator that owns it first")).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// What the file holds.
///
/// # Errors
/// `ConfigError` when there is no such file; the store's when it is not one.
pub(crate) async fn stats(path: &Path) -> anyhow::Result<StoreStats> {
    must_exist(path)?;
    let stats = SqliteStore::stats(&SqliteOptions::new(path)).await;
    stats.with_context(|| format!("cannot read {}", path.display()))
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
        let missing = compact(&path).await.expect_err("nothing there");
        assert!(missing.is::<ConfigError>(), "{missing}");
        assert!(!path.exists());
        let store = SqliteStore::open(SqliteOptions::new(&path)).await;
        let store = store.expect("a new store");
        let refused = compact(&path).await.expect_err("in use");
        assert!(refused.is::<Refused>(), "{refused}");
        assert!(refused.to_string().contains("another process has it open"));
        everturn_store::Store::close(&store).await.expect("closed");
        let (before, after) = compact(&path).await.expect("compacted");
        assert!(before > 0 && after > 0);
    }
}
