//! What cargo says about the packages of the workspace.

use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::job::cargo;
use crate::layout::Layout;

/// The packages, as `cargo metadata` describes them.
pub fn packages(layout: &Layout) -> Result<Vec<Value>> {
    let output = Command::new(cargo())
        .args(["metadata", "--no-deps", "--offline"])
        .args(["--format-version", "1"])
        .current_dir(layout.root())
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let mut metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    match metadata["packages"].take() {
        Value::Array(packages) => Ok(packages),
        _ => bail!("cargo metadata names no packages"),
    }
}
