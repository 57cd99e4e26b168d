//! A server: its directory, its process, and what may happen to it.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::programs::{self, Programs};

/// How long a server may take to start.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Ports of servers, and how many there are.
const FIRST_PORT: u16 = 10_000;
const PORTS: u32 = 2_000;
const TICK: Duration = Duration::from_millis(10);
/// What every server is set to, before what a test wants: small, and as fast as
/// a server that is thrown away may be.
const SETTINGS: [Setting<'_>; 6] = [
    ("fsync", "off"),
    ("max_connections", "300"),
    ("shared_buffers", "64MB"),
    ("log_checkpoints", "off"),
    ("autovacuum_naptime", "5s"),
    ("unix_socket_permissions", "0777"),
];

/// Ends the server when the process at the other end of its input is gone, and
/// removes its directory.
const GUARD: &str =
    r#"read -r _; kill -9 $(head -1 "$1/data/postmaster.pid") 2>/dev/null; rm -rf "$1""#;

/// A setting of the server: name and value.
pub type Setting<'a> = (&'a str, &'a str);

/// A PostgreSQL server.
#[derive(Debug)]
pub struct Server {
    description: String,
    /// What stands before the name of a database in its URL, and after it.
    url: (String, String),
    own: Option<Own>,
}

/// One that was started here.
#[derive(Debug)]
struct Own {
    programs: Programs,
    folder: TempDir,
    port: u16,
    process: Mutex<Option<Child>>,
    /// Its input is kept open.
    _guard: Child,
}

impl Server {
    /// One that runs already.
    pub(crate) fn at(url: &str) -> Result<Self> {
        let (before, after) = url.split_once('?').unwrap_or((url, ""));
        let authority = before.find("://").map_or(0, |at| at + 3);
        let end = before[authority..]
            .find('/')
            .map_or(before.len(), |at| authority + at);
        let after = if after.is_empty() {
            String::new()
        } else {
            format!("?{after}")
        };
        Ok(Self {
            description: format!("the PostgreSQL of {}", crate::URL_VARIABLE),
            url: (format!("{}/", &before[..end]), after),
            own: None,
        })
    }

    /// Starts one with settings of its own.
    ///
    /// # Errors
    /// When no PostgreSQL is found, or it does not start.
    pub fn start(settings: &[Setting<'_>]) -> Result<Self> {
        Self::start_from(Programs::find(&[])?, settings)
    }

    /// Starts one whose programs for backups are there too, which are not in
    /// every package; `None` if there are none.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_with(tools: &[&str]) -> Result<Option<Self>> {
        match Programs::find(tools) {
            Ok(programs) => Self::start_from(programs, &[]).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn start_from(programs: Programs, settings: &[Setting<'_>]) -> Result<Self> {
        let folder = new_folder()?;
        let data = folder.path().join("data");
        let made = programs
            .command("initdb")
            .args([
                "--auth=trust",
                "--username=everturn",
                "--encoding=UTF8",
                "--locale=C",
            ])
            .args(["--no-sync", "--no-instructions", "--pgdata"])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .context("cannot run initdb")?;
        ensure!(
            made.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let port = free_port()?;
        configure(&data, folder.path(), port, settings)?;
        Self::run(programs, folder, port)
    }

    /// Starts a standby of this one, which follows it. This one is stopped and
    /// started again meanwhile.
    ///
    /// # Errors
    /// When this one was not started here, or one of them does not start.
    pub fn standby(&self) -> Result<Self> {
        let own = self.own.as_ref().context("it was not started here")?;
        let folder = new_folder()?;
        let port = free_port()?;
        self.end(Signal::INT)?;
        let data = folder.path().join("data");
        // As the user that it belongs to.
        let copied = programs::as_user(Path::new("cp"))
            .arg("-a")
            .arg(own.folder.path().join("data"))
            .arg(&data)
            .status()
            .context("cannot run cp")?;
        ensure!(copied.success(), "the data could not be copied");
        let primary = format!("host=127.0.0.1 port={} user=everturn", own.port);
        configure(
            &data,
            folder.path(),
            port,
            &[("primary_conninfo", &primary)],
        )?;
        let signal = programs::as_user(Path::new("touch"))
            .arg(data.join("standby.signal"))
            .status()
            .context("cannot run touch")?;
        ensure!(signal.success(), "it could not be made a standby");
        let standby = Self::run(own.programs.clone(), folder, port)?;
        self.restart()?;
        Ok(standby)
    }

    fn run(programs: Programs, folder: TempDir, port: u16) -> Result<Self> {
        let own = Own {
            process: Mutex::new(None),
            _guard: guard(folder.path())?,
            programs,
            folder,
            port,
        };
        let server = Self {
            description: format!(
                "{} of {}",
                own.programs.version,
                own.programs.folder().display()
            ),
            url: (
                format!("postgres://everturn@127.0.0.1:{port}/"),
                String::new(),
            ),
            own: Some(own),
        };
        server.restart()?;
        Ok(server)
    }

    /// Which PostgreSQL it is.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn database(&self, name: &str) -> String {
        format!("{}{name}{}", self.url.0, self.url.1)
    }

    /// The path of one of its programs, if it was started here.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.own.as_ref().map(|own| own.programs.path(name))
    }

    /// Its port on this machine, if it was started here.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.own.as_ref().map(|own| own.port)
    }

    /// Whether it was started here, so that it may be killed.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The directory of its data, if it was started here.
    #[must_use]
    pub fn data(&self) -> Option<PathBuf> {
        self.own.as_ref().map(|own| own.folder.path().join("data"))
    }

    /// Kills it as a crash would: all its processes, at once.
    ///
    /// # Errors
    /// When it was not started here.
    pub fn kill(&self) -> Result<()> {
        self.end(Signal::QUIT)
    }

    /// Starts it again, or for the first time.
    ///
    /// # Errors
    /// When it was not started here, or does not start.
    pub fn restart(&self) -> Result<()> {
        let own = self.own.as_ref().context("it was not started here")?;
        self.end(Signal::INT)?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(own.folder.path().join("server.log"))
            .context("cannot write the server's log")?;
        let child = own
            .programs
            .command("postgres")
            .arg("-D")
            .arg(own.folder.path().join("data"))
            .current_dir(own.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot run postgres")?;
        *lock(&own.process) = Some(child);
        self.wait_until_ready(own)
    }

    fn wait_until_ready(&self, own: &Own) -> Result<()> {
        let begin = Instant::now();
        let status = own.folder.path().join("data/postmaster.pid");
        // Nothing is ever sent: the channel is a clock that needs no sleep.
        let (_keep, clock) = mpsc::sync_channel::<()>(1);
        loop {
            // Its last line says so.
            let text = fs::read_to_string(&status).unwrap_or_default();
            if text
                .lines()
                .nth(7)
                .is_some_and(|line| line.trim() == "ready")
            {
                return Ok(());
            }
            let ended = lock(&own.process).as_mut().map(Child::try_wait);
            if let Some(Ok(Some(status))) = ended {
                bail!("postgres ended with {status}: {}", self.log());
            }
            ensure!(
                begin.elapsed() < START_DEADLINE,
                "postgres did not start: {}",
                self.log()
            );
            let _ = clock.recv_timeout(TICK);
        }
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        let file = self
            .own
            .as_ref()
            .map(|own| own.folder.path().join("server.log"));
        file.and_then(|file| fs::read_to_string(file).ok())
            .unwrap_or_default()
    }

    fn end(&self, signal: Signal) -> Result<()> {
        let own = self.own.as_ref().context("it was not started here")?;
        let mut process = lock(&own.process);
        let Some(child) = process.as_mut() else {
            return Ok(());
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        // One that is gone already needs no end.
        let _ = kill_process(pid.context("it has a process id")?, signal);
        child.wait().context("cannot wait for it")?;
        *process = None;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_own() {
            // The guard does what this could not.
            let _ = self.end(Signal::QUIT);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn new_folder() -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("everturn-postgres-")
        .tempdir()
        .context("cannot create a directory")?;
    if let Some(user) = programs::other_user() {
        std::os::unix::fs::chown(folder.path(), Some(user), Some(user))
            .context("cannot give the directory away")?;
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

fn configure(data: &Path, sockets: &Path, port: u16, settings: &[Setting<'_>]) -> Result<()> {
    let mut file = File::options()
        .append(true)
        .open(data.join("postgresql.conf"))
        .context("initdb made no settings")?;
    writeln!(file, "listen_addresses = '127.0.0.1'\nport = {port}")?;
    writeln!(file, "unix_socket_directories = '{}'", sockets.display())?;
    for (name, value) in SETTINGS.iter().chain(settings) {
        writeln!(file, "{name} = '{value}'")?;
    }
    Ok(())
}

fn guard(folder: &Path) -> Result<Child> {
    let mut command = Command::new("sh");
    command
        .args(["-c", GUARD, "guard"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().context("cannot run sh")
}

/// A port that nobody listens on and no other server of this process has, below
/// the range that the kernel takes ports of outgoing connections from.
fn free_port() -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..PORTS {
        let offset = std::process::id() + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST_PORT + u16::try_from(offset % PORTS).unwrap_or(0);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST_PORT} on is free")
}
