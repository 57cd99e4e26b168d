//! What is in `tests/behaviours`: a folder is a behaviour when it has a README,
//! and has a case of each language whose file is there.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::FOLDER;
use crate::layout::Layout;

/// A language that cases are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// `case.ts`.
    Typescript,
    /// `case.py`.
    Python,
}

impl Language {
    /// Its name for people and in namespaces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Typescript => "typescript",
            Self::Python => "python",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Typescript => "case.ts",
            Self::Python => "case.py",
        }
    }
}

/// One folder.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// The folder's name.
    pub name: String,
    /// Languages that have a case.
    pub languages: Vec<Language>,
    /// Settings of a coordinator of its own, if it needs one.
    pub config: Option<PathBuf>,
}

/// The behaviours of these names, or all of them.
pub fn chosen(layout: &Layout, names: &[String]) -> Result<Vec<Behaviour>> {
    let all = all(layout)?;
    for name in names {
        if !all.iter().any(|behaviour| behaviour.name == *name) {
            let known: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
            bail!(
                "no behaviour is called {name:?}; there are:\n  {}",
                known.join("\n  ")
            );
        }
    }
    let is_chosen = |it: &Behaviour| names.is_empty() || names.contains(&it.name);
    Ok(all.into_iter().filter(is_chosen).collect())
}

fn all(layout: &Layout) -> Result<Vec<Behaviour>> {
    let root = layout.path(FOLDER);
    let mut found = Vec::new();
    let entries = fs::read_dir(&root).with_context(|| format!("cannot read {FOLDER}"))?;
    for entry in entries {
        let entry = entry?;
        let folder = entry.path();
        if !folder.join("README.md").is_file() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let languages: Vec<Language> = [Language::Typescript, Language::Python]
            .into_iter()
            .filter(|language| folder.join(language.file()).is_file())
            .collect();
        if languages.is_empty() {
            bail!("{FOLDER}/{name} has no case in any language");
        }
        let config = Some(folder.join("coordinator.toml")).filter(|file| file.is_file());
        found.push(Behaviour {
            name,
            languages,
            config,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
