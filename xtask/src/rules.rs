//! `cargo xtask rules`: the one table of rules (`proto/rules.json`) becomes
//! what the coordinator, the SDKs and the docs say. What it writes is
//! committed; `tidy` checks that it is what the table says.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::layout::Layout;

const TABLE: &str = "proto/rules.json";
const RUST: &str = "server/engine/src/limits.rs";
const TYPESCRIPT: &str = "sdk-clients/typescript/src/rules.ts";
const PYTHON: &str = "sdk-clients/python/src/everturn/values/_rules.py";
const DOCS: &str = "docs/limits.md";
const DOCS_BEGIN: &str = "<!-- from proto/rules.json: cargo xtask rules -->\n";
const DOCS_END: &str = "<!-- end -->\n";

#[derive(Deserialize)]
struct Rules {
    limits: Vec<Limit>,
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Limit {
    name: String,
    #[serde(rename = "type")]
    rust_type: String,
    value: u64,
    text: String,
    /// The SDKs check it too.
    sdk: bool,
    unit: String,
}

#[derive(Deserialize)]
struct Field {
    command: String,
    field: String,
    rule: String,
}

/// Writes everything that comes from the table.
pub fn run(layout: &Layout) -> Result<bool> {
    for (path, text) in files(layout)? {
        fs::write(layout.path(path), text).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(true)
}

/// What is not as the table says.
pub fn problems(layout: &Layout) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (path, text) in files(layout)? {
        if fs::read_to_string(layout.path(path)).unwrap_or_default() != text {
            problems.push(format!(
                "{path} is not what {TABLE} says: cargo xtask rules"
            ));
        }
    }
    Ok(problems)
}

fn files(layout: &Layout) -> Result<Vec<(&'static str, String)>> {
    let table = fs::read_to_string(layout.path(TABLE)).context("no table of rules")?;
    let rules: Rules = serde_json::from_str(&table).context(TABLE)?;
    let docs = fs::read_to_string(layout.path(DOCS)).context(DOCS)?;
    Ok(vec![
        (RUST, rust(&rules)),
        (TYPESCRIPT, typescript(&rules)),
        (PYTHON, python(&rules)),
        (DOCS, in_docs(&docs, &rules)?),
    ])
}

fn rust(rules: &Rules) -> String {
    let mut text = "//! Every limit of the engine, in one place. Each is enforced with a typed\n\
         //! rejection and documented in `docs/limits.md`. Made from\n\
         //! `proto/rules.json` by `cargo xtask rules`.\n\n"
        .to_owned();
    for limit in &rules.limits {
        for line in wrapped(&limit.text, 75) {
            text.push_str(&format!("/// {line}\n"));
        }
        let Limit {
            name, rust_type, ..
        } = limit;
        let _ = writeln!(
            text,
            "pub const {name}: {rust_type} = {};",
            grouped(limit.value)
        );
    }
    text
}

fn typescript(rules: &Rules) -> String {
    let mut text =
        "/** Limits that the coordinator enforces and that are checked at the call. Made from \
         `proto/rules.json` by `cargo xtask rules`. */\n\n"
            .to_owned();
    for limit in rules.limits.iter().filter(|limit| limit.sdk) {
        let _ = writeln!(text, "/** {} */", limit.text);
        let _ = writeln!(
            text,
            "export const {} = {};",
            limit.name,
            grouped(limit.value)
        );
    }
    text
}

fn python(rules: &Rules) -> String {
    let mut text =
        "\"\"\"Limits that the coordinator enforces and that are checked at the call.\n\n\
         Made from ``proto/rules.json`` by ``cargo xtask rules``.\n\"\"\"\n\n\
         from __future__ import annotations\n"
            .to_owned();
    for limit in rules.limits.iter().filter(|limit| limit.sdk) {
        let _ = write!(text, "\n{} = {}\n", limit.name, grouped(limit.value));
        let _ = writeln!(text, "\"\"\"{}\"\"\"", limit.text);
    }
    text
}

/// The docs with their tables replaced.
fn in_docs(docs: &str, rules: &Rules) -> Result<String> {
    let (before, rest) = docs
        .split_once(DOCS_BEGIN)
        .with_context(|| format!("{DOCS} has no {}", DOCS_BEGIN.trim()))?;
    let (_, after) = rest
        .split_once(DOCS_END)
        .with_context(|| format!("{DOCS} has no {}", DOCS_END.trim()))?;
    let mut tables = "| what | limit |\n|---|---|\n".to_owned();
    for limit in &rules.limits {
        let _ = writeln!(tables, "| {} | {} |", limit.text, shown(limit));
    }
    tables.push_str("\n| command | field | rule |\n|---|---|---|\n");
    for field in &rules.fields {
        let rule = rules.limits.iter().fold(field.rule.clone(), |rule, limit| {
            rule.replace(&format!("{} bytes", limit.name), &shown(limit))
                .replace(&limit.name, &shown(limit))
        });
        let _ = writeln!(tables, "| {} | `{}` | {rule} |", field.command, field.field);
    }
    Ok(format!("{before}{DOCS_BEGIN}{tables}{DOCS_END}{after}"))
}

/// A limit with its unit, for people.
fn shown(limit: &Limit) -> String {
    const KIB: u64 = 1024;
    match (limit.unit.as_str(), limit.value) {
        ("bytes", value) if value % (KIB * KIB) == 0 => format!("{} MiB", value / (KIB * KIB)),
        ("bytes", value) if value % KIB == 0 => format!("{} KiB", value / KIB),
        ("bytes", value) => format!("{value} bytes"),
        (_, value) => grouped(value).replace('_', ","),
    }
}

/// Digits in groups of three: `20_000`.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

/// A text in lines of at most so many bytes.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_units_are_written_for_people() {
        assert_eq!(grouped(250_000), "250_000");
        let limit = |unit: &str, value| Limit {
            name: String::new(),
            rust_type: String::new(),
            value,
            text: String::new(),
            sdk: false,
            unit: unit.to_owned(),
        };
        assert_eq!(shown(&limit("bytes", 2 * 1024 * 1024)), "2 MiB");
        assert_eq!(shown(&limit("bytes", 256)), "256 bytes");
        assert_eq!(shown(&limit("count", 60_000)), "60,000");
    }
}
