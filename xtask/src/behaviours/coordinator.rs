//! Real coordinators for cases: processes on ports and stores of their own.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::Store;
use crate::layout::Layout;

const START_DEADLINE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(10);

/// What is the same for all coordinators.
pub struct Starter<'a> {
    /// The repository.
    pub layout: &'a Layout,
    /// The coordinator's program.
    pub program: &'a Path,
    /// Where they keep everything.
    pub store: Store,
}

/// A coordinator; killed when it is dropped.
pub struct Coordinator {
    program: PathBuf,
    config: PathBuf,
    folder: PathBuf,
    store: OsString,
    ports: [u16; 2],
    child: Child,
}

impl Starter<'_> {
    /// Starts one on a fresh store and waits until it is ready.
    pub fn start(&self, name: &str, config: &Path) -> Result<Coordinator> {
        let place = format!("behaviours/{}", self.store.name());
        let folder = self.layout.made(&place).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot clear {}", folder.display()))?;
        }
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let store = match self.store {
            Store::Sqlite => folder.join("everturn.db").into_os_string(),
            Store::Postgres => everturn_test_postgres::new_database()?.into(),
        };
        let ports = [free_port(), free_port()];
        let child = spawn(self.program, config, &folder, &store, ports)?;
        let mut coordinator = Coordinator {
            program: self.program.to_owned(),
            config: config.to_owned(),
            folder,
            store,
            ports,
            child,
        };
        coordinator.wait_until_ready()?;
        Ok(coordinator)
    }
}

impl Coordinator {
    /// Kills it with SIGKILL and starts it again on its store.
    pub fn restart(&mut self) -> Result<()> {
        self.child.kill().context("cannot kill the coordinator")?;
        self.child.wait().context("cannot wait for it")?;
        self.child = spawn(
            &self.program,
            &self.config,
            &self.folder,
            &self.store,
            self.ports,
        )?;
        self.wait_until_ready()
    }

    /// Stops it with SIGSTOP: nobody is answered until it goes on.
    pub fn stall(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Self::stall`].
    pub fn go_on(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("it has a process id")?, signal).context("cannot signal it")
    }

    /// Address of its API.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    /// The folder of its store.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it logs.
    pub fn log(&self) -> PathBuf {
        self.folder.join("coordinator.log")
    }

    /// What is wrong with it: it ended, or a partition had a fault.
    pub fn problem(&mut self) -> Option<String> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Some(format!("it ended with {status}"));
        }
        let metrics = self.fetch("/metrics").unwrap_or_default();
        let reloads = metrics
            .lines()
            .find_map(|line| line.strip_prefix("everturn_partition_reloads_total "))
            .and_then(|value| value.trim().parse::<f64>().ok());
        match reloads {
            Some(count) if count > 0.0 => Some(format!("{count} partitions had a fault")),
            _ => None,
        }
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let begin = Instant::now();
        // Nothing is ever sent: the channel is a clock that needs no sleep.
        let (_keep, clock) = mpsc::sync_channel::<()>(1);
        loop {
            let answer = self.fetch("/readyz").unwrap_or_default();
            if answer.split_whitespace().nth(1) == Some("200") {
                return Ok(());
            }
            let ended = self.child.try_wait().context("cannot ask for its state")?;
            if let Some(status) = ended {
                bail!(
                    "the coordinator ended with {status}; its log is {}",
                    self.log().display()
                );
            }
            if begin.elapsed() > START_DEADLINE {
                bail!(
                    "the coordinator is not ready; its log is {}",
                    self.log().display()
                );
            }
            let _ = clock.recv_timeout(TICK);
        }
    }

    /// Fetches a path over HTTP; `None` while nobody answers.
    fn fetch(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[1])).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        // One that is gone already needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(
    program: &Path,
    config: &Path,
    folder: &Path,
    store: &OsStr,
    ports: [u16; 2],
) -> Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("coordinator.log"))
        .context("cannot write the coordinator's log")?;
    Command::new(program)
        .arg("serve")
        .arg("--config")
        .arg(config)
        .args(["--listen", &format!("127.0.0.1:{}", ports[0])])
        .args(["--http-listen", &format!("127.0.0.1:{}", ports[1])])
        .arg("--store")
        .arg(store)
        .args(["--log-format", "text"])
        .env("RUST_BACKTRACE", "1")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot share the log file")?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))
}

/// A port that nobody listens on, below the range that the kernel takes ports
/// of outgoing connections from: nobody gets it while a coordinator is down.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 18_000).unwrap_or(0);
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + (first.wrapping_add(offset) % 18_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
