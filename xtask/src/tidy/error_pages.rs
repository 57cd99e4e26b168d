//! Every error reason of the API has a page that says cause and remedy, and
//! every page has a reason.

use std::fs;

use anyhow::{Context as _, Result};

use super::Findings;
use crate::layout::Layout;

const PROTO: &str = "proto/everturn/v1/error_reason.proto";
const PAGES: &str = "docs/errors";
const INDEX: &str = "README.md";

/// Checks the pages against the enum.
pub fn check(layout: &Layout, findings: &mut Findings) -> Result<()> {
    let proto = fs::read_to_string(layout.path(PROTO)).context("cannot read the error reasons")?;
    let reasons = reasons(&proto);
    if reasons.is_empty() {
        findings.violation(PROTO, "no reasons found");
    }
    for (reason, code) in &reasons {
        let page = format!("{PAGES}/{reason}.md");
        let Ok(text) = fs::read_to_string(layout.path(&page)) else {
            findings.violation(&page, "is missing: every error reason has a page");
            continue;
        };
        for part in [code.as_str(), "## Cause", "## Remedy"] {
            if !text.contains(part) {
                findings.violation(&page, format!("does not say {part:?}"));
            }
        }
    }
    for entry in fs::read_dir(layout.path(PAGES)).context("cannot read docs/errors")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_known = reasons
            .iter()
            .any(|(reason, _)| name == format!("{reason}.md"));
        if name != INDEX && !is_known {
            findings.violation(&format!("{PAGES}/{name}"), "no such error reason");
        }
    }
    Ok(())
}

/// Reasons with the gRPC code that their comment begins with.
fn reasons(proto: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut comment = String::new();
    for line in proto.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            comment.push_str(text);
            continue;
        }
        let name = line
            .strip_prefix("ERROR_REASON_")
            .and_then(|rest| rest.split(' ').next());
        if let Some(name) = name.filter(|name| *name != "UNSPECIFIED") {
            let code = comment.split([':', ' ']).find(|word| !word.is_empty());
            found.push((name.to_owned(), code.unwrap_or_default().to_owned()));
        }
        comment.clear();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::reasons;

    #[test]
    fn reasons_are_read_with_their_codes() {
        let proto = "enum E {\n  // Not set.\n  ERROR_REASON_UNSPECIFIED = 0;\n  \
            // NOT_FOUND: no such\n  // run.\n  ERROR_REASON_RUN_NOT_FOUND = 4;\n}\n";
        assert_eq!(
            reasons(proto),
            [("RUN_NOT_FOUND".to_owned(), "NOT_FOUND".to_owned())]
        );
    }
}
