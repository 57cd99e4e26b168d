//! Running a program: its output goes to a log file, a progress line shows
//! that it is alive, and a deadline ends it when it hangs.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::console::Progress;
use crate::layout::Layout;

/// No single program takes longer than this.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);
const TICK: Duration = Duration::from_millis(200);
/// Lines of a log that are shown when its job failed.
const TAIL_LINES: usize = 60;

/// A program to run, with a log file named after it.
pub struct Job {
    name: String,
    command: Command,
    log: PathBuf,
    mark: Option<(PathBuf, String)>,
}

/// How a job ended.
pub struct Outcome {
    /// Whether its exit code was 0.
    pub is_ok: bool,
    /// Everything that it wrote.
    pub output: String,
    /// Where that is kept.
    pub log: PathBuf,
}

impl Job {
    /// A job called `name` that runs `program` in the root of the repository.
    pub fn new(layout: &Layout, name: &str, program: impl AsRef<OsStr>) -> Self {
        let file: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let mut command = Command::new(program);
        command
            .current_dir(layout.root())
            .stdin(Stdio::null())
            // Logs are read by people in files and by the counting of tests.
            .env("NO_COLOR", "1")
            .env("CARGO_TERM_COLOR", "never")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("npm_config_update_notifier", "false");
        Self {
            name: name.to_owned(),
            command,
            log: layout.logs().join(format!("{file}.log")),
            mark: None,
        }
    }

    /// The name that people see.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes `text` to `file` after a success.
    pub fn mark(mut self, file: PathBuf, text: String) -> Self {
        self.mark = Some((file, text));
        self
    }

    /// Adds arguments.
    pub fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.command.args(args);
        self
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Runs it in another folder.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable out of its environment.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it to its end; a failing exit code is an error that ends with the
    /// tail of the log.
    pub fn run(self) -> Result<()> {
        let progress = Progress::start(&self.name);
        let name = self.name.clone();
        match self.run_under(progress) {
            (progress, Ok(outcome)) if outcome.is_ok => {
                progress.finish(true, "");
                Ok(())
            }
            (progress, Ok(outcome)) => {
                progress.finish(false, "");
                eprintln!("{}", tail(&outcome.output));
                bail!(
                    "{name} failed; the whole output is in {}",
                    outcome.log.display()
                )
            }
            (progress, Err(error)) => {
                progress.finish(false, "");
                Err(error)
            }
        }
    }

    /// Runs it to its end under a progress line that the caller finishes.
    pub fn run_under(mut self, mut progress: Progress) -> (Progress, Result<Outcome>) {
        let outcome = self.watch(&mut progress);
        (progress, outcome)
    }

    fn watch(&mut self, progress: &mut Progress) -> Result<Outcome> {
        let file = File::create(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut child = self
            .command
            .stdout(file.try_clone().context("cannot share the log file")?)
            .stderr(file)
            .spawn()
            .with_context(|| {
                format!(
                    "cannot run {}",
                    self.command.get_program().to_string_lossy()
                )
            })?;
        let status = wait(&mut child, &self.log, progress)?;
        let mut output = String::from_utf8_lossy(&fs::read(&self.log)?).into_owned();
        if status.is_none() {
            output.push_str("\nstopped: it took longer than 30 minutes\n");
        }
        let is_ok = status.is_some_and(|status| status.success());
        if let Some((file, text)) = self.mark.take_if(|_| is_ok) {
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(Outcome {
            is_ok,
            output,
            log: self.log.clone(),
        })
    }
}

/// Waits for the end; `None` if it had to be stopped.
fn wait(child: &mut Child, log: &Path, progress: &mut Progress) -> Result<Option<ExitStatus>> {
    let begin = Instant::now();
    // Nothing is ever sent: the channel is a clock that needs no sleep.
    let (_keep, clock) = mpsc::sync_channel::<()>(1);
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for the program")? {
            return Ok(Some(status));
        }
        if begin.elapsed() > TIMEOUT {
            child.kill().context("cannot stop the program")?;
            child.wait().context("cannot wait for the program")?;
            return Ok(None);
        }
        progress.tick(&last_line(log));
        let _ = clock.recv_timeout(TICK);
    }
}

/// The last line of a log that is being written; empty when there is none.
fn last_line(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(512)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or_default()
            .to_owned())
    };
    read().unwrap_or_default()
}

/// The end of an output, indented.
pub fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines[from..]
        .iter()
        .map(|line| format!("        {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The cargo that runs this program.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
