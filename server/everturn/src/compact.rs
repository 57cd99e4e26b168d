//! Compaction of a store that no coordinator has open.

use std::path::Path;

use everturn_store::{Error, SqliteOptions, SqliteStore};

use crate::config::ConfigError;
use crate::exit::Refused;

/// Writes the file anew. Returns its size before and after, in bytes.
///
/// # Errors
/// `ConfigError` when there is no such file; `Refused` when a coordinator owns
/// it, or it is not a store.
pub(crate) async fn run(path: &Path) -> anyhow::Result<(u64, u64)> {
    if !path.exists() {
        let text = format!("store: there is no file {}", path.display());
        return Err(ConfigError(text).into());
    }
    match SqliteStore::compact(&SqliteOptions::new(path)).await {
        Ok(sizes) => Ok(sizes),
        Err(Error::Unusable(why)) => {
            Err(Refused(format!("{why}; stop the coordinator that owns it first")).into())
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_in_use_is_refused_and_a_missing_one_is_not_made() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a.db");
        let missing = run(&path).await.expect_err("nothing there");
        assert!(missing.is::<ConfigError>(), "{missing}");
        assert!(!path.exists());
        let store = SqliteStore::open(SqliteOptions::new(&path)).await;
        let store = store.expect("a new store");
        let refused = run(&path).await.expect_err("in use");
        assert!(refused.is::<Refused>(), "{refused}");
        assert!(refused.to_string().contains("another process has it open"));
        everturn_store::Store::close(&store).await.expect("closed");
        let (before, after) = run(&path).await.expect("compacted");
        assert!(before > 0 && after > 0);
    }
}
