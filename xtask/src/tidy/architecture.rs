//! Names in ARCHITECTURE.md must exist: paths of the repository and paths of
//! Rust items (`engine::decide`), written in backticks.

use std::fs;

use anyhow::Result;

use super::Findings;
use crate::layout::Layout;

const DOCUMENT: &str = "ARCHITECTURE.md";
/// Short names that the document may use for our crates.
const CRATES: [(&str, &str); 9] = [
    ("engine", "server/engine"),
    ("dispatch", "server/dispatch"),
    ("store", "server/store"),
    ("runtime", "server/runtime"),
    ("api", "server/api"),
    ("proto", "proto/rust"),
    ("client", "sdk-clients/rust"),
    ("xtask", "xtask"),
    ("everturn", "server/everturn"),
];

/// Checks every name.
pub fn check(layout: &Layout, files: &[String], findings: &mut Findings) -> Result<()> {
    let Ok(text) = fs::read_to_string(layout.path(DOCUMENT)) else {
        findings.violation(DOCUMENT, "is missing");
        return Ok(());
    };
    for (line, name) in names(&text) {
        let place = format!("{DOCUMENT}:{line}");
        if let Some((folder, item)) = rust_item(&name) {
            if !item_exists(layout, files, folder, item) {
                findings.violation(&place, format!("{name} is not in {folder}"));
            }
        } else if is_path(files, &name) && !path_exists(files, &name) {
            findings.violation(&place, format!("{name} does not exist"));
        }
    }
    Ok(())
}

/// Texts in backticks outside of fenced blocks, with their lines.
fn names(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        } else if !is_fenced {
            let quoted = line.split('`').skip(1).step_by(2);
            found.extend(quoted.map(|name| (index + 1, name.to_owned())));
        }
    }
    found
}

/// The folder and the last segment of a path such as `engine::decide::Root`.
fn rust_item(name: &str) -> Option<(&'static str, &str)> {
    let is_plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || "_:".contains(c));
    let (first, _) = name.split_once("::").filter(|_| is_plain)?;
    let short = first.strip_prefix("everturn_").unwrap_or(first);
    let (_, folder) = CRATES.iter().find(|(listed, _)| *listed == short)?;
    Some((folder, name.rsplit("::").next()?))
}

fn item_exists(layout: &Layout, files: &[String], folder: &str, item: &str) -> bool {
    files
        .iter()
        .filter(|file| file.starts_with(&format!("{folder}/src/")))
        .any(|file| {
            let is_module = file.ends_with(&format!("/{item}.rs"))
                || file.ends_with(&format!("/{item}/mod.rs"));
            is_module
                || fs::read_to_string(layout.path(file)).is_ok_and(|text| {
                    text.split(|c: char| !c.is_alphanumeric() && c != '_')
                        .any(|word| word == item)
                })
        })
}

/// Whether a name looks like a path: it begins with a folder of the root.
fn is_path(files: &[String], name: &str) -> bool {
    let is_plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || "_-./".contains(c));
    let Some((first, _)) = name.split_once('/').filter(|_| is_plain) else {
        return false;
    };
    files
        .iter()
        .any(|file| file.starts_with(&format!("{first}/")))
}

fn path_exists(files: &[String], name: &str) -> bool {
    let name = name.trim_end_matches('/');
    files
        .iter()
        .any(|file| file == name || file.starts_with(&format!("{name}/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_from_backticks_outside_of_fences() {
        let text = "see `server/engine` and `engine::decide`\n```\n`x`\n```\n`y`\n";
        let found: Vec<String> = names(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(found, ["server/engine", "engine::decide", "y"]);
    }

    #[test]
    fn rust_items_and_paths_are_told_apart() {
        assert_eq!(
            rust_item("engine::decide::Root"),
            Some(("server/engine", "Root"))
        );
        assert_eq!(
            rust_item("everturn_store::Log"),
            Some(("server/store", "Log"))
        );
        assert_eq!(rust_item("std::fs"), None);
        let files = ["server/engine/src/lib.rs".to_owned()];
        assert!(is_path(&files, "server/nothing"));
        assert!(!path_exists(&files, "server/nothing"));
        assert!(path_exists(&files, "server/engine/"));
        assert!(!is_path(&files, "application/json"));
    }
}
