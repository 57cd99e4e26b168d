//! A copy of a file that a coordinator may have open, as it is at one moment.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::Result;
use crate::error::Error;
use crate::sqlite::{SqliteOptions, identity, open};

/// Writes the copy beside its name first, so that a file of that name is whole.
/// Returns its size in bytes.
pub(super) async fn backup(options: &SqliteOptions, to: &Path) -> Result<u64> {
    if to.exists() {
        let to = to.display();
        return Err(Error::Unusable(format!(
            "{to} is there already: name another file"
        )));
    }
    let path = open::resolve(&options.path);
    identity::check(&path).await?;
    let connect = SqliteConnectOptions::new()
        .filename(&path)
        .busy_timeout(options.busy_timeout)
        .read_only(true);
    let mut connection = connect.connect().await?;
    let partial = partial(to);
    let unusable = |error: std::io::Error| {
        Error::Unusable(format!("{} cannot be written: {error}", to.display()))
    };
    if partial.exists() {
        // Of an earlier one that was cut off.
        std::fs::remove_file(&partial).map_err(unusable)?;
    }
    sqlx::query("VACUUM INTO ?")
        .bind(partial.display().to_string())
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    let file = std::fs::File::open(&partial).map_err(unusable)?;
    file.sync_all().map_err(unusable)?;
    std::fs::rename(&partial, to).map_err(unusable)?;
    // So that the name survives a crash too.
    let folder = to
        .parent()
        .filter(|folder| *folder != "")
        .unwrap_or(Path::new("."));
    std::fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(unusable)?;
    Ok(file.metadata().map_err(unusable)?.len())
}

fn partial(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
