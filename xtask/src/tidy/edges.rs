//! Which crate may depend on which: read from cargo's metadata, so that the
//! architecture is what it says it is.

use anyhow::Result;
use serde_json::Value;

use super::Findings;
use crate::layout::Layout;
use crate::workspace;

/// Crates of ours that each crate may use. Development dependencies of tests
/// are free. A crate that is not listed may use everything.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("everturn-engine", &[]),
    ("everturn-test-postgres", &[]),
    ("everturn-proto", &[]),
    ("everturn-dispatch", &["everturn-engine"]),
    ("everturn-store", &["everturn-engine"]),
    (
        "everturn-runtime",
        &["everturn-engine", "everturn-dispatch", "everturn-store"],
    ),
    (
        "everturn-api",
        &[
            "everturn-runtime",
            "everturn-proto",
            "everturn-engine",
            "everturn-dispatch",
        ],
    ),
    ("everturn-client", &["everturn-proto"]),
    (
        "support-desk-player",
        &["everturn-client", "everturn-proto"],
    ),
];

/// Crates from outside that must not appear: I/O in the engine, the protocol
/// below the api crate.
const BANNED: [(&str, &[&str]); 4] = [
    (
        "everturn-engine",
        &[
            "tokio",
            "sqlx",
            "prost",
            "prost-types",
            "tonic",
            "rand",
            "uuid",
        ],
    ),
    (
        "everturn-dispatch",
        &["tokio", "sqlx", "prost", "prost-types", "tonic"],
    ),
    ("everturn-store", &["prost", "prost-types", "tonic"]),
    (
        "everturn-runtime",
        &["sqlx", "prost", "prost-types", "tonic"],
    ),
];

/// Checks the edges of every crate of the workspace.
pub fn check(layout: &Layout, findings: &mut Findings) -> Result<()> {
    let packages = workspace::packages(layout)?;
    for (name, _) in ALLOWED {
        if !packages.iter().any(|package| package["name"] == name) {
            findings.violation(
                name,
                "is named in the rules but is no crate of the workspace",
            );
        }
    }
    for package in &packages {
        check_package(package, findings);
    }
    Ok(())
}

fn check_package(package: &Value, findings: &mut Findings) {
    let name = package["name"].as_str().unwrap_or_default();
    let allowed = ALLOWED.iter().find(|(listed, _)| *listed == name);
    let banned = BANNED.iter().find(|(listed, _)| *listed == name);
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        if dependency["kind"] == "dev" {
            continue;
        }
        let used = dependency["name"].as_str().unwrap_or_default();
        let is_ours = used.starts_with("everturn");
        if is_ours && allowed.is_some_and(|(_, names)| !names.contains(&used)) {
            findings.violation(name, format!("must not depend on {used}"));
        }
        if banned.is_some_and(|(_, names)| names.contains(&used)) {
            findings.violation(name, format!("must not depend on {used}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forbidden_edges_are_found_and_test_dependencies_are_free() {
        let mut findings = Findings::default();
        check_package(
            &json!({"name": "everturn-engine", "dependencies": [
                {"name": "tokio", "kind": null},
                {"name": "tokio", "kind": "dev"},
                {"name": "everturn-store", "kind": null},
                {"name": "serde", "kind": null},
            ]}),
            &mut findings,
        );
        assert_eq!(findings.violations.len(), 2, "{findings:?}");
    }
}
