//! A coordinator of the benchmark's own: this program again, on an empty
//! store and free ports.

use std::ffi::{OsStr, OsString};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::bench::BenchArgs;
use crate::healthcheck;

/// How long a coordinator may take to be ready.
const START_TIMEOUT: Duration = Duration::from_secs(15);
/// Lines of its log that are shown when something went wrong.
const LOG_LINES_SHOWN: usize = 20;

/// A running coordinator; ends when dropped, and its store with it.
pub(crate) struct Coordinator {
    child: Child,
    address: String,
    http: String,
    store: OsString,
    dir: TempDir,
}

impl Coordinator {
    /// Starts one and waits until it is ready.
    pub(crate) async fn start(args: &BenchArgs) -> anyhow::Result<Self> {
        let mut place = tempfile::Builder::new();
        place.prefix("everturn-bench-");
        let dir = match &args.data_dir {
            Some(parent) => place.tempdir_in(parent),
            None => place.tempdir(),
        }
        .context("cannot make a directory for the store")?;
        let [grpc, http] = free_addresses()?;
        let store = match &args.store {
            Some(url) => url.into(),
            None => dir.path().join("bench.db").into_os_string(),
        };
        let mut coordinator = Self {
            child: spawn(dir.path(), &store, &grpc, &http)?,
            address: grpc,
            http,
            store,
            dir,
        };
        match coordinator.wait_until_ready().await {
            Ok(()) => Ok(coordinator),
            Err(error) => Err(coordinator.explain(error)),
        }
    }

    /// Kills it and starts another one on the same store and addresses, which
    /// need not be ready yet.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        self.child.kill().await?;
        self.child = spawn(self.dir.path(), &self.store, &self.address, &self.http)?;
        Ok(())
    }

    /// Bytes of its store on the disk.
    pub(crate) fn store_bytes(&self) -> u64 {
        let files = ["bench.db", "bench.db-wal"];
        let sizes = files.map(|name| std::fs::metadata(self.dir.path().join(name)));
        sizes.iter().flatten().map(std::fs::Metadata::len).sum()
    }

    /// Waits until it serves.
    pub(crate) async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("the coordinator ended at once ({status})");
            }
            let ready = healthcheck::check(&self.http, Duration::from_secs(1)).await;
            match ready {
                Ok(()) => return Ok(()),
                Err(error) if begin.elapsed() > START_TIMEOUT => {
                    return Err(error.context("the coordinator did not become ready"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Address of its gRPC API.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A figure that it shows, by its name with labels.
    pub(crate) async fn metric(&self, name: &str) -> anyhow::Result<Option<u64>> {
        let (_, text) = healthcheck::fetch(&self.http, "/metrics").await?;
        let values = text.lines().filter_map(|line| line.strip_prefix(name));
        let value = values.filter_map(|rest| rest.trim().parse().ok()).next();
        Ok(value)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Adds the end of its log to an error.
    pub(crate) fn explain(self, error: anyhow::Error) -> anyhow::Error {
        let log = std::fs::read_to_string(self.dir.path().join("coordinator.log"));
        let log = log.unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let shown = lines.len().saturating_sub(LOG_LINES_SHOWN);
        if lines.is_empty() {
            return error;
        }
        error.context(format!(
            "the coordinator's log ends with:\n{}\nerror",
            lines[shown..].join("\n")
        ))
    }
}

fn spawn(dir: &Path, store: &OsStr, grpc: &str, http: &str) -> anyhow::Result<Child> {
    let log = std::fs::File::create(dir.join("coordinator.log"))?;
    Command::new(std::env::current_exe()?)
        .args(["serve", "--listen", grpc, "--http-listen", http])
        .arg("--store")
        .arg(store)
        .args(["--log", "warn", "--log-format", "text"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .context("cannot start a coordinator")
}

/// Two addresses that nothing listens on at this moment.
fn free_addresses() -> anyhow::Result<[String; 2]> {
    let first = TcpListener::bind("127.0.0.1:0")?;
    let second = TcpListener::bind("127.0.0.1:0")?;
    Ok([
        first.local_addr()?.to_string(),
        second.local_addr()?.to_string(),
    ])
}
