//! The shop's books: what its back office did for an order, as the agents'
//! own statement says it.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tokio::process::Command;

/// Where the books are, and who reads them.
pub struct Books {
    /// A Python interpreter that has `support_agents`.
    pub python: PathBuf,
    /// The back office's file.
    pub file: PathBuf,
}

/// How an order stands.
#[derive(Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its status, such as "packed".
    pub status: String,
    /// Kinds of what was done for it and not undone, in order.
    pub standing: Vec<String>,
    /// Kinds of what was done and undone, in order.
    pub undone: Vec<String>,
}

impl Books {
    /// The statement of an order.
    pub async fn statement(&self, number: &str) -> Result<Statement> {
        let output = Command::new(&self.python)
            .args(["-m", "support_agents.statement", number])
            .env("SUPPORT_BACK_OFFICE", &self.file)
            .output()
            .await
            .context("cannot ask for a statement")?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            bail!("no statement of {number}: {}", error.trim());
        }
        read(&output.stdout).with_context(|| format!("the statement of {number} makes no sense"))
    }
}

fn read(json: &[u8]) -> Result<Statement> {
    let statement: Value = serde_json::from_slice(json)?;
    let entries = statement["entries"].as_array().context("no entries")?;
    let kinds = |undone: bool| {
        entries
            .iter()
            .filter(|entry| entry["done"] == true && entry["undone"] == undone)
            .map(|entry| entry["kind"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    Ok(Statement {
        status: statement["status"].as_str().context("no status")?.into(),
        standing: kinds(false),
        undone: kinds(true),
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn what_stands_is_told_from_what_was_undone_and_from_what_never_was() {
        let entry = |kind: &str, done: bool, undone: bool| {
            format!(r#"{{"kind":"{kind}","done":{done},"undone":{undone}}}"#)
        };
        let entries = [
            entry("hold", true, true),
            entry("points", true, false),
            entry("payment", false, true),
        ];
        let json = format!(
            r#"{{"number":"NT-1","status":"packed","entries":[{}]}}"#,
            entries.join(",")
        );
        let statement = read(json.as_bytes()).unwrap();
        assert_eq!(statement.status, "packed");
        assert_eq!(
            (statement.standing, statement.undone),
            (vec!["points".into()], vec!["hold".into()])
        );
        assert!(read(b"{}").is_err());
    }
}
