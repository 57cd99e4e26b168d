//! Rules about single files: size, opening, name, and no paths of the machine
//! they were written on.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Findings;
use crate::layout::Layout;

const LINES_WARN: usize = 350;
const LINES_MAX: usize = 600;

/// Files that may be longer than `LINES_MAX`, and why.
const LONG_FILES: [(&str, &str); 0] = [];

/// Folders of generated code: neither size nor opening is ours.
const GENERATED: [&str; 2] = [
    "sdk-clients/python/src/everturn/v1/",
    "sdk-clients/typescript/src/gen/",
];

/// Words that say nothing about what a file is for.
const EMPTY_WORDS: [&str; 8] = [
    "util", "utils", "common", "commons", "helper", "helpers", "manager", "managers",
];

/// Beginnings of paths that exist on one machine only. Split, so that this
/// file does not hold them itself.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/wo", "rk/"),
    concat!("/tmp/", "brief"),
];

/// Paths of all files that are tracked or would be, from the root.
pub fn tracked(layout: &Layout) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(layout.root())
        .output()
        .context("cannot run git")?;
    if !output.status.success() {
        bail!(
            "git ls-files failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut files: Vec<String> = text
        .split('\0')
        .filter(|file| !file.is_empty() && layout.path(file).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// Checks every file.
pub fn check(layout: &Layout, files: &[String], findings: &mut Findings) {
    for file in files {
        name(file, findings);
        // What is not text (there is little) has no lines.
        let Ok(text) = fs::read_to_string(layout.path(file)) else {
            continue;
        };
        machine_path(file, &text, findings);
        if GENERATED.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        size(file, &text, findings);
        if !opening_is_there(file, &text) {
            findings.violation(file, "the file must open by saying what it is");
        }
    }
    for (file, reason) in LONG_FILES {
        if !files.iter().any(|found| found == file) {
            findings.violation(
                file,
                format!("is listed as long ({reason}) but does not exist"),
            );
        }
    }
}

fn extension(file: &str) -> &str {
    Path::new(file)
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
}

fn size(file: &str, text: &str, findings: &mut Findings) {
    if !matches!(
        extension(file),
        "rs" | "py" | "pyi" | "ts" | "mts" | "js" | "mjs" | "sh"
    ) {
        return;
    }
    let lines = text.lines().count();
    let is_listed = LONG_FILES.iter().any(|(listed, _)| *listed == file);
    if lines > LINES_MAX && !is_listed {
        findings.violation(file, format!("{lines} lines; at most {LINES_MAX}"));
    } else if lines > LINES_WARN {
        findings.warning(file, format!("{lines} lines; better under {LINES_WARN}"));
    }
}

fn opening_is_there(file: &str, text: &str) -> bool {
    match extension(file) {
        "rs" => text.starts_with("//!"),
        "py" => {
            let code = text
                .lines()
                .find(|line| !line.starts_with('#') && !line.trim().is_empty());
            code.is_none_or(|line| line.starts_with("\"\"\"") || line.starts_with("r\"\"\""))
        }
        "ts" | "mts" | "js" | "mjs" => {
            let first = text.lines().find(|line| !line.starts_with("#!"));
            first.is_some_and(|line| line.starts_with("//") || line.starts_with("/*"))
        }
        _ => true,
    }
}

fn name(file: &str, findings: &mut Findings) {
    let words = file
        .split(['/', '.', '_', '-'])
        .map(str::to_ascii_lowercase);
    for word in words {
        if EMPTY_WORDS.contains(&word.as_str()) {
            findings.violation(
                file,
                format!("the name says {word:?}: name it after what it does"),
            );
        }
    }
}

fn machine_path(file: &str, text: &str, findings: &mut Findings) {
    for (index, line) in text.lines().enumerate() {
        for path in MACHINE_PATHS {
            let is_start = |at: usize| {
                line[..at]
                    .chars()
                    .next_back()
                    .is_none_or(|before| !before.is_alphanumeric() && !"._-/~".contains(before))
            };
            if line.match_indices(path).any(|(at, _)| is_start(at)) {
                findings.violation(
                    &format!("{file}:{}", index + 1),
                    format!("holds the path of a machine ({path})"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_told_by_language() {
        assert!(opening_is_there("a/b.rs", "//! What it is.\n"));
        assert!(!opening_is_there("a/b.rs", "use std::fs;\n"));
        assert!(opening_is_there(
            "b.py",
            "#!/usr/bin/env python3\n\"\"\"What it is.\"\"\"\n"
        ));
        assert!(opening_is_there("__init__.py", ""));
        assert!(!opening_is_there("b.py", "import os\n"));
        assert!(!opening_is_there("b.ts", "import x from \"x\";\n"));
    }

    #[test]
    fn empty_words_and_machine_paths_are_found() {
        let mut findings = Findings::default();
        name("server/api/src/string_utils.rs", &mut findings);
        name("server/api/src/utility_bill.rs", &mut findings);
        assert_eq!(findings.violations.len(), 1);
        let text = concat!("see /ro", "ot/x\n", "a/ro", "ot/x\n");
        machine_path("a.md", text, &mut findings);
        assert_eq!(findings.violations.len(), 2);
    }

    #[test]
    fn long_files_are_violations_and_longish_ones_warnings() {
        let mut findings = Findings::default();
        size("a.rs", &"x\n".repeat(601), &mut findings);
        size("b.rs", &"x\n".repeat(351), &mut findings);
        size("c.rs", &"x\n".repeat(350), &mut findings);
        assert_eq!((findings.violations.len(), findings.warnings.len()), (1, 1));
    }
}
