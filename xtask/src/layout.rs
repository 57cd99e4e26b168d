//! Where things are: the repository's folders and the `.everturn` folder that
//! holds everything the tasks make (git-ignored, safe to delete).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Paths of the repository.
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The repository that this program was built from.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask is a folder of the repository")?
            .to_owned();
        let layout = Self { root };
        fs::create_dir_all(layout.logs()).context("cannot create .everturn/logs")?;
        Ok(layout)
    }

    /// The root of the repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path given from the root.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Everything that tasks make.
    pub fn made(&self, relative: &str) -> PathBuf {
        self.root.join(".everturn").join(relative)
    }

    /// Output of builds and tests.
    pub fn logs(&self) -> PathBuf {
        self.made("logs")
    }

    /// The virtual environment's interpreter.
    pub fn python(&self) -> PathBuf {
        self.made("venv/bin/python")
    }

    /// A program of the virtual environment.
    pub fn venv_bin(&self, name: &str) -> PathBuf {
        self.made("venv/bin").join(name)
    }

    /// A program of `xtask/tools`.
    pub fn npm_tool(&self, name: &str) -> PathBuf {
        self.path("xtask/tools/node_modules/.bin").join(name)
    }

    /// Folder that cargo builds a profile into.
    pub fn target(&self, profile: Profile) -> PathBuf {
        let base = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| self.path("target"), |dir| self.root.join(dir));
        base.join(profile.folder())
    }
}

/// A cargo profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// Optimised, as it is shipped.
    Release,
    /// Quick to build, with checks.
    Dev,
}

impl Profile {
    fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }
}
