//! A coordinator process on ports and a store of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use everturn_client::{Client, ConnectOptions, RetryOptions, v1};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};

use crate::ports::free_port;

/// How long a start may take.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Lines of the log that a failed test shows.
const SHOWN_LINES: usize = 60;
/// Largest answer that a test reads.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Stubs of the three services.
pub type Conversations = v1::conversation_service_client::ConversationServiceClient<Channel>;
/// See [`Conversations`].
pub type Workflows = v1::workflow_service_client::WorkflowServiceClient<Channel>;
/// See [`Conversations`].
pub type Workers = v1::worker_service_client::WorkerServiceClient<Channel>;

/// A coordinator. It is killed and its files are removed when it is dropped.
#[derive(Debug)]
pub struct Coordinator {
    folder: TempDir,
    store: PathBuf,
    options: Vec<String>,
    grpc_port: u16,
    http_port: u16,
    child: Option<Child>,
}

impl Coordinator {
    /// Starts one on a fresh store with these flags of `everturn serve`, and
    /// waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = folder.path().join("everturn.db");
        Self::start_in(folder, store, options).await
    }

    /// Starts one whose database is this file, as on another disk.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start_on(store: PathBuf, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(folder, store, options).await
    }

    async fn start_in(folder: TempDir, store: PathBuf, options: &[&str]) -> Self {
        let mut coordinator = Self {
            folder,
            store,
            options: options.iter().map(|it| (*it).to_owned()).collect(),
            grpc_port: free_port(),
            http_port: free_port(),
            child: None,
        };
        coordinator.restart().await;
        coordinator
    }

    /// Starts one on the database of another, without waiting until it serves.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn beside(&self) -> Self {
        let mut coordinator = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            store: self.store.clone(),
            options: self.options.clone(),
            grpc_port: free_port(),
            http_port: free_port(),
            child: None,
        };
        coordinator.child = Some(coordinator.spawn());
        coordinator
    }

    /// Starts it again after [`Self::kill`] or [`Self::terminate`].
    ///
    /// # Panics
    /// When it runs already or does not become ready.
    pub async fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        self.child = Some(self.spawn());
        let begin = Instant::now();
        while self.ready_code().await != Some(200) {
            let child = self.child.as_mut().expect("just spawned");
            if let Some(status) = child.try_wait().expect("it can be asked") {
                panic!("the coordinator ended with {status} before it was ready");
            }
            assert!(begin.elapsed() < START_DEADLINE, "not ready in time");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Spawns the process without waiting for it.
    fn spawn(&self) -> Child {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("the log can be written");
        let log_too = log.try_clone().expect("a second handle");
        Command::new(binary())
            .arg("serve")
            .args(["--listen", &self.address()])
            .args(["--http-listen", &self.http_address()])
            .arg("--store")
            .arg(self.store_path())
            .args(["--log-format", "text"])
            .args(&self.options)
            .env("RUST_BACKTRACE", "1")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            .kill_on_drop(true)
            .spawn()
            .expect("the coordinator can be started: `cargo build -p everturn` makes it")
    }

    /// Runs another coordinator on the same store, on ports of its own, until
    /// it ends; what it said and how it ended.
    ///
    /// # Panics
    /// When it goes on running.
    pub async fn run_second(&self) -> std::process::Output {
        let address = |port| format!("127.0.0.1:{port}");
        let second = Command::new(binary())
            .arg("serve")
            .args(["--listen", &address(free_port())])
            .args(["--http-listen", &address(free_port())])
            .arg("--store")
            .arg(self.store_path())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(START_DEADLINE, second).await;
        output
            .expect("a second coordinator must not go on running")
            .expect("it can be started")
    }

    /// Kills it with SIGKILL.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().await.expect("it can be killed");
    }

    /// Sends a signal ("TERM") to it.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn signal(&self, name: &str) {
        send_signal(self.child.as_ref().expect("it runs"), name).await;
    }

    /// Waits for its end; its exit code.
    ///
    /// # Panics
    /// When it goes on for longer than `deadline`.
    pub async fn wait_for_exit(&mut self, deadline: Duration) -> Option<i32> {
        let mut child = self.child.take().expect("it runs");
        let status = tokio::time::timeout(deadline, child.wait()).await;
        let status = status.expect("it ends by its deadline");
        status.expect("it can be waited for").code()
    }

    /// Drains it with SIGTERM and checks that it ended well.
    ///
    /// # Panics
    /// When it did not.
    pub async fn terminate(&mut self) {
        self.signal("TERM").await;
        let code = self.wait_for_exit(Duration::from_secs(60)).await;
        assert_eq!(code, Some(0), "exit code after SIGTERM");
    }

    /// Compacts its store while it is down.
    ///
    /// # Panics
    /// When that does not succeed.
    pub async fn compact(&self) {
        let mut command = Command::new(binary());
        command.args(["store", "compact", "--store"]);
        let output = command.arg(self.store_path()).output().await;
        let output = output.expect("it can be started");
        assert!(output.status.success(), "{output:?}");
    }

    /// Address of the API.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.grpc_port)
    }

    fn http_address(&self) -> String {
        format!("127.0.0.1:{}", self.http_port)
    }

    /// A connection to its HTTP side with a request that never ends.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn half_a_web_request(&self) -> TcpStream {
        let stream = TcpStream::connect(self.http_address()).await;
        let mut stream = stream.expect("it listens");
        let begun = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: ").await;
        begun.expect("it reads");
        stream
    }

    /// Its database file.
    #[must_use]
    pub fn store_path(&self) -> PathBuf {
        self.store.clone()
    }

    /// The folder of its files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("coordinator.log")
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Resident memory in bytes.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        let id = self.child.as_ref().and_then(Child::id).expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.expect("the kernel knows") * 1_024
    }

    /// A client that outlasts restarts: it repeats what a lost connection
    /// interrupted for about a minute.
    ///
    /// # Panics
    /// Never: the address is a valid one.
    #[must_use]
    pub fn client(&self) -> Client {
        let options = ConnectOptions {
            address: self.address(),
            connect_timeout: Duration::from_secs(2),
            retry: RetryOptions {
                maximum_attempts: 300,
                initial_delay: Duration::from_millis(20),
                maximum_delay: Duration::from_millis(200),
            },
            ..ConnectOptions::default()
        };
        Client::new(options).expect("the address is valid")
    }

    /// A connection of its own, without retries; opened by the first call.
    ///
    /// # Panics
    /// Never: the address is a valid one.
    #[must_use]
    pub fn channel(&self) -> Channel {
        let uri = format!("http://{}", self.address());
        Endpoint::from_shared(uri)
            .expect("the address is valid")
            .tcp_nodelay(true)
            .connect_lazy()
    }

    /// Conversations over a connection of its own.
    #[must_use]
    pub fn conversations(&self) -> Conversations {
        Conversations::new(self.channel()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Workflows over a connection of its own.
    #[must_use]
    pub fn workflows(&self) -> Workflows {
        Workflows::new(self.channel()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Workers over a connection of its own.
    #[must_use]
    pub fn workers(&self) -> Workers {
        Workers::new(self.channel()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Status code of `/readyz`; `None` while nobody answers.
    pub async fn ready_code(&self) -> Option<u16> {
        self.fetch("/readyz").await.map(|(code, _)| code)
    }

    /// Fetches a path over HTTP; `None` while nobody answers.
    pub async fn fetch(&self, path: &str) -> Option<(u16, String)> {
        let exchange = async {
            let mut stream = TcpStream::connect(self.http_address()).await?;
            let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            std::io::Result::Ok(answer)
        };
        let answer = tokio::time::timeout(Duration::from_secs(5), exchange).await;
        let answer = answer.ok()?.ok()?;
        let code = answer.split_whitespace().nth(1)?.parse().ok()?;
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body);
        Some((code, body.unwrap_or_default().to_owned()))
    }

    /// The value of one of its metrics.
    ///
    /// # Panics
    /// When there is none of this name.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.fetch("/metrics").await.expect("metrics answer");
        let line = text
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name))
            .unwrap_or_else(|| panic!("no metric {name} in {text}"));
        let value = line
            .split_whitespace()
            .nth(1)
            .and_then(|it| it.parse().ok());
        value.expect("a number")
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let first = lines.len().saturating_sub(SHOWN_LINES);
            eprintln!("--- end of the coordinator's log");
            for line in &lines[first..] {
                eprintln!("{line}");
            }
            eprintln!("---");
        }
    }
}

/// Sends a signal to a child.
pub(crate) async fn send_signal(child: &Child, name: &str) {
    let id = child.id().expect("it runs");
    let status = Command::new("kill")
        .args([&format!("-{name}"), &id.to_string()])
        .status();
    assert!(status.await.expect("kill can be run").success());
}

/// The program under test.
#[must_use]
pub fn binary() -> PathBuf {
    match std::env::var_os("EVERTURN_TEST_BIN") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/everturn"),
    }
}
