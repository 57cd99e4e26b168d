//! One case: a process of its language's harness. It writes lines of JSON to
//! standard output: `{"ask": …}` when its coordinator is to `restart` (killed
//! and started again), `stall` or `go on`, answered with a line on standard
//! input, and at last `{"ok": …, "ms": …, "error": …}`.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::FOLDER;
use super::catalogue::{Behaviour, Language};
use super::coordinator::Coordinator;
use crate::layout::Layout;

/// No case takes longer than this.
const TIMEOUT: Duration = Duration::from_secs(90);

/// A case that runs; killed when it is dropped.
pub struct Running {
    name: String,
    language: Language,
    own: Option<Coordinator>,
    child: Child,
    output: PathBuf,
    read_lines: usize,
    log: PathBuf,
    begin: Instant,
}

/// How a case ended.
pub struct Verdict {
    /// What went wrong; `None` if nothing did.
    pub problem: Option<String>,
    /// How long the scenario took, without the start of its process.
    pub took: Duration,
}

impl Running {
    /// Starts a case against a coordinator of its own or the shared one, in a
    /// namespace that nobody else uses.
    pub fn start(
        layout: &Layout,
        behaviour: &Behaviour,
        language: Language,
        shared: &Coordinator,
        own: Option<Coordinator>,
    ) -> Result<Self> {
        let name = behaviour.name.clone();
        let coordinator = own.as_ref().unwrap_or(shared);
        let namespace = format!("{name}-{}", language.name());
        let folder = layout.made("behaviours/cases");
        fs::create_dir_all(&folder).context("cannot create the folder of the cases' logs")?;
        let output = folder.join(format!("{namespace}.out"));
        let log = folder.join(format!("{namespace}.log"));
        let file = |path: &Path| {
            File::create(path).with_context(|| format!("cannot write {}", path.display()))
        };
        let mut command = match language {
            Language::Typescript => {
                let mut command = Command::new("node");
                command.args(["--enable-source-maps", "dist/harness/run.js"]);
                command
            }
            Language::Python => {
                let mut command = Command::new(layout.python());
                command.args(["-m", "harness.run"]);
                command
            }
        };
        let child = command
            .arg(&name)
            .current_dir(layout.path(FOLDER))
            .env("EVERTURN_ADDRESS", coordinator.address())
            .env("EVERTURN_NAMESPACE", &namespace)
            .env("EVERTURN_STORE_FOLDER", coordinator.folder())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(file(&output)?)
            .stderr(file(&log)?)
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
        Ok(Self {
            name,
            language,
            own,
            child,
            output,
            read_lines: 0,
            log,
            begin: Instant::now(),
        })
    }

    /// The behaviour.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Answers what it asks for; says how it ended once it has.
    pub fn poll(&mut self) -> Result<Option<Verdict>> {
        let ended = self.child.try_wait().context("cannot wait for a case")?;
        let text = fs::read_to_string(&self.output).unwrap_or_default();
        let is_whole = |line: &&str| line.ends_with('\n');
        let lines: Vec<Value> = text
            .split_inclusive('\n')
            .filter(is_whole)
            .skip(self.read_lines)
            .map(|line| serde_json::from_str(line).unwrap_or_default())
            .collect();
        self.read_lines += lines.len();
        for line in &lines {
            if let Some(wish) = line["ask"].as_str() {
                self.grant(wish)?;
            } else if line["ok"].is_boolean() {
                return Ok(Some(verdict(line)));
            }
        }
        let elapsed = self.begin.elapsed();
        let problem = match ended {
            Some(status) => format!("ended with {status} and no verdict\n{}", self.log_tail()),
            None if elapsed > TIMEOUT => format!("not over after {} s", TIMEOUT.as_secs()),
            None => return Ok(None),
        };
        Ok(Some(Verdict {
            problem: Some(problem),
            took: elapsed,
        }))
    }

    /// Does to its coordinator what it asks for, and says so.
    fn grant(&mut self, wish: &str) -> Result<()> {
        let answer = match (&mut self.own, wish) {
            (None, _) => "refused: only with a coordinator.toml of its own",
            (Some(coordinator), "restart") => coordinator.restart().map(|()| "done")?,
            (Some(coordinator), "stall") => coordinator.stall().map(|()| "done")?,
            (Some(coordinator), "go on") => coordinator.go_on().map(|()| "done")?,
            (Some(_), _) => "refused: nobody knows how",
        };
        let input = self.child.stdin.as_mut().context("its input is a pipe")?;
        // A case that is gone does not read; its end is found by the next poll.
        let _ = writeln!(input, "{answer}");
        Ok(())
    }

    fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that is gone already needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn verdict(line: &Value) -> Verdict {
    let problem = match line["ok"].as_bool() {
        Some(true) => None,
        _ => Some(line["error"].as_str().unwrap_or("no reason").to_owned()),
    };
    let took = Duration::from_millis(line["ms"].as_u64().unwrap_or_default());
    Verdict { problem, took }
}
