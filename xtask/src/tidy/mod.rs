//! `cargo xtask tidy`: the house rules that no compiler knows.

mod architecture;
mod edges;
mod error_pages;
mod files;

use anyhow::Result;

use crate::layout::Layout;

/// What the checks found.
#[derive(Debug, Default)]
pub struct Findings {
    violations: Vec<String>,
    warnings: Vec<String>,
}

impl Findings {
    fn violation(&mut self, place: &str, rule: impl AsRef<str>) {
        self.violations.push(format!("{place}: {}", rule.as_ref()));
    }

    fn warning(&mut self, place: &str, rule: impl AsRef<str>) {
        self.warnings.push(format!("{place}: {}", rule.as_ref()));
    }
}

/// Checks everything; true if no rule is broken.
pub fn run(layout: &Layout) -> Result<bool> {
    let mut findings = Findings::default();
    let files = files::tracked(layout)?;
    files::check(layout, &files, &mut findings);
    edges::check(layout, &mut findings)?;
    error_pages::check(layout, &mut findings)?;
    architecture::check(layout, &files, &mut findings)?;
    for problem in crate::rules::problems(layout)? {
        findings.violation("rules", problem);
    }
    if !findings.warnings.is_empty() {
        eprintln!("\n        {} warnings:", findings.warnings.len());
    }
    for warning in &findings.warnings {
        eprintln!("        warning: {warning}");
    }
    for violation in &findings.violations {
        eprintln!("        error: {violation}");
    }
    eprintln!(
        "        tidy: {} files, {} violations, {} warnings",
        files.len(),
        findings.violations.len(),
        findings.warnings.len()
    );
    Ok(findings.violations.is_empty())
}
