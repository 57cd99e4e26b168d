//! Circles of modules within a crate: `cargo-modules` says which module uses
//! which, and here the circles among them are looked for. It could refuse them
//! itself (`--acyclic`), but counts as one that a module names its children
//! and they what it defines, which is what a folder's `mod.rs` is for.

use std::process::Command;

use anyhow::{Context as _, Result, bail};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use crate::layout::Layout;
use crate::{setup, workspace};

/// Looks at every library and program of the workspace; true if no module
/// uses itself by way of others.
pub fn check(layout: &Layout) -> Result<bool> {
    let mut found = Vec::new();
    for package in workspace::packages(layout)? {
        let name = package["name"].as_str().context("packages have names")?;
        for target in package["targets"].as_array().into_iter().flatten() {
            let target_name = target["name"].as_str().unwrap_or_default();
            let which = match target["kind"][0].as_str() {
                Some("lib") => vec!["--lib"],
                Some("bin") => vec!["--bin", target_name],
                _ => continue,
            };
            let graph = graph_of(layout, name, &which)?;
            found.extend(circles(&graph).iter().map(|circle| circle.join(", ")));
        }
    }
    for circle in &found {
        eprintln!("        error: modules use each other: {circle}");
    }
    Ok(found.is_empty())
}

/// The modules of a target and what they use, in the language of Graphviz.
fn graph_of(layout: &Layout, package: &str, target: &[&str]) -> Result<String> {
    let output = Command::new(setup::cargo_modules(layout))
        .args(["dependencies", "--package", package])
        .args(target)
        .args(["--no-externs", "--no-sysroot", "--no-owns"])
        .args(["--no-fns", "--no-traits", "--no-types"])
        .env("NO_COLOR", "1")
        .current_dir(layout.root())
        .output()
        .context("cannot run cargo-modules")?;
    if !output.status.success() {
        bail!(
            "cargo-modules failed for {package}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("cargo-modules writes text")
}

/// The circles of a graph, each in order of names.
fn circles(graph: &str) -> Vec<Vec<&str>> {
    let mut uses = DiGraphMap::<&str, ()>::new();
    for (module, used) in graph.lines().filter_map(edge) {
        if !is_within(module, used) && !is_within(used, module) {
            uses.add_edge(module, used, ());
        }
    }
    let mut circles = tarjan_scc(&uses);
    circles.retain(|modules| modules.len() > 1);
    for circle in &mut circles {
        circle.sort_unstable();
    }
    circles
}

/// Reads `"a" -> "b" [...]`.
fn edge(line: &str) -> Option<(&str, &str)> {
    let (from, rest) = line.trim().split_once(" -> ")?;
    let to = rest.split(' ').next()?;
    Some((from.trim_matches('"'), to.trim_matches('"')))
}

fn is_within(module: &str, other: &str) -> bool {
    module
        .strip_prefix(other)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_that_use_each_other_by_way_of_others_are_found() {
        let graph = r#"
digraph {
    "shop" [label="crate|shop"]; // "crate" node
    "shop::cart" -> "shop::price" [label="uses"]; // "uses" edge
    "shop::price" -> "shop::tax" [label="uses"];
    "shop::tax" -> "shop::cart" [label="uses"];
    "shop::tax" -> "shop::land" [label="uses"];
}"#;
        assert_eq!(circles(graph), [["shop::cart", "shop::price", "shop::tax"]]);
    }

    #[test]
    fn a_module_and_what_is_inside_of_it_may_name_each_other() {
        let graph = r#"
    "shop::cart" -> "shop::cart::line" [label="uses"];
    "shop::cart::line" -> "shop::cart" [label="uses"];
    "shop::cart::line" -> "shop" [label="uses"];
    "shop" -> "shop::cart::line" [label="uses"];
    "shop::carton" -> "shop::cart" [label="uses"];"#;
        assert!(circles(graph).is_empty());
    }
}
