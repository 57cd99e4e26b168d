//! The processes of the demo: the coordinator and three workers, each with a
//! log file and a process group of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use everturn_client::{Client, ConnectOptions, v1};
use tokio::process::{Child, Command};

use crate::books::Books;
use crate::environment::{self, Pace};
use crate::ports::{free_addresses, free_ports};

const READY_TIMEOUT: Duration = Duration::from_secs(30);
const READY_EVERY: Duration = Duration::from_millis(25);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// The process that plays mail server and SMS gateway.
const PROVIDERS: &str = "providers";
/// Names of the processes that a kept demo left running.
const KEPT: &str = "kept";

/// Where programs and files are.
pub struct Locations {
    /// The `everturn` binary.
    pub coordinator: PathBuf,
    /// A Python interpreter that has `support_agents`.
    pub python: PathBuf,
    /// Folder of the built TypeScript conversation.
    pub conversation: PathBuf,
    /// Folder of the store.
    pub store_dir: PathBuf,
    /// Folder of the logs.
    pub logs_dir: PathBuf,
}

/// A running process.
struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

/// All processes.
pub struct Fleet {
    locations: Locations,
    pace: Pace,
    keep: bool,
    address: SocketAddr,
    http_address: SocketAddr,
    /// Mail server, SMS gateway, receipts.
    ports: [u16; 3],
    coordinator: Option<Process>,
    workers: Vec<Process>,
}

impl Fleet {
    /// Empties the store and finds ports; starts nothing.
    pub fn prepare(locations: Locations, pace: Pace, keep: bool) -> Result<Self> {
        refuse_if_kept(&locations.store_dir)?;
        if locations.store_dir.exists() {
            fs::remove_dir_all(&locations.store_dir).context("cannot empty the store's folder")?;
        }
        fs::create_dir_all(&locations.store_dir).context("cannot create the store's folder")?;
        fs::create_dir_all(&locations.logs_dir).context("cannot create the folder of logs")?;
        for entry in fs::read_dir(&locations.logs_dir).context("cannot read the folder of logs")? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("demo-") {
                fs::remove_file(entry.path()).context("cannot remove an old log")?;
            }
        }
        let [address, http_address] = free_addresses()?;
        let ports = free_ports()?;
        Ok(Self {
            locations,
            pace,
            keep,
            address,
            http_address,
            ports,
            coordinator: None,
            workers: Vec::new(),
        })
    }

    /// Address of the coordinator's API.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Folder of the logs.
    pub fn logs_dir(&self) -> &Path {
        &self.locations.logs_dir
    }

    /// What the mail server and the SMS gateway took.
    pub fn providers_log(&self) -> PathBuf {
        self.locations
            .logs_dir
            .join(format!("demo-{PROVIDERS}.log"))
    }

    /// What the shop's back office has done.
    pub fn books(&self) -> Books {
        Books {
            python: self.locations.python.clone(),
            file: environment::back_office(&self.locations.store_dir),
        }
    }

    /// A client of the coordinator.
    pub fn client(&self) -> Result<Client> {
        let options = ConnectOptions {
            address: self.address.to_string(),
            ..ConnectOptions::default()
        };
        Client::new(options).context("cannot make a client")
    }

    /// Starts everything and waits until the coordinator answers.
    pub async fn start(&mut self) -> Result<()> {
        self.start_coordinator().await?;
        let [smtp, sms, _] = self.ports.map(|port| port.to_string());
        let mut command = Command::new(&self.locations.python);
        command.args([
            "-m",
            "support_agents.stand_ins",
            "--secret",
            environment::SECRET,
        ]);
        command.args(["--smtp-port", &smtp, "--sms-port", &sms]);
        let providers = self.spawn(PROVIDERS, command)?;
        self.workers.push(providers);
        let mut command = Command::new(&self.locations.python);
        command.args(["-m", "support_agents.worker", "--role", "channels"]);
        let worker = self.spawn("channels", command)?;
        self.workers.push(worker);
        for name in ["agents-1", "agents-2"] {
            let mut command = Command::new(&self.locations.python);
            command.args(["-m", "support_agents.worker", "--role", "agents"]);
            let worker = self.spawn(name, command)?;
            self.workers.push(worker);
        }
        let mut command = Command::new("node");
        command
            .arg("dist/worker.js")
            .current_dir(&self.locations.conversation);
        let worker = self.spawn("conversation", command)?;
        self.workers.push(worker);
        self.await_policy().await
    }

    /// Waits for the turn policy that the TypeScript worker sets when it
    /// starts: conversations that open before have another one.
    async fn await_policy(&mut self) -> Result<()> {
        let client = self.client()?;
        let request = v1::GetConversationTypeRequest {
            conversation_type: "support".into(),
            ..Default::default()
        };
        let begin = Instant::now();
        loop {
            let answer = client.conversation_type(request.clone()).await?;
            let policy = answer.settings.and_then(|settings| settings.turn_policy);
            if policy.is_some_and(|policy| policy.on_busy() == v1::OnBusy::Interrupt) {
                return Ok(());
            }
            self.check_alive()?;
            if begin.elapsed() > READY_TIMEOUT {
                bail!("the TypeScript worker does not say what its conversations begin with");
            }
            tokio::time::sleep(READY_EVERY).await;
        }
    }

    /// Starts the coordinator on the store as it is and waits for it.
    pub async fn start_coordinator(&mut self) -> Result<()> {
        let mut command = Command::new(&self.locations.coordinator);
        command
            .current_dir(&self.locations.store_dir)
            .arg("serve")
            .args(["--listen", &self.address.to_string()])
            .args(["--http-listen", &self.http_address.to_string()])
            .args(["--store", "everturn.db", "--log-format", "text"]);
        let mut process = self.spawn("coordinator", command)?;
        let client = self.client()?;
        let begin = Instant::now();
        while let Err(error) = client
            .list_conversations(v1::ListConversationsRequest::default())
            .await
        {
            process.check_alive()?;
            if begin.elapsed() > READY_TIMEOUT {
                bail!("the coordinator does not answer: {error}{}", process.tail());
            }
            tokio::time::sleep(READY_EVERY).await;
        }
        self.coordinator = Some(process);
        Ok(())
    }

    /// SIGKILL: no goodbye, no flush.
    pub async fn kill_coordinator(&mut self) -> Result<()> {
        let mut process = self
            .coordinator
            .take()
            .context("the coordinator is not running")?;
        process
            .child
            .kill()
            .await
            .context("cannot kill the coordinator")
    }

    /// An error with the end of its log for a process that ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        let mut processes = self.coordinator.iter_mut().chain(&mut self.workers);
        processes.try_for_each(Process::check_alive)
    }

    /// Stops everything in order: workers first, so that they can drain.
    pub async fn stop(&mut self) {
        for process in self.workers.iter().chain(&self.coordinator) {
            process.terminate();
            if process.name == "coordinator" {
                break;
            }
        }
        let processes = self.workers.drain(..).chain(self.coordinator.take());
        for mut process in processes {
            let ended = tokio::time::timeout(STOP_TIMEOUT, process.child.wait()).await;
            if ended.is_err() {
                eprintln!("{} does not stop: killed", process.name);
                // It is gone already or it dies now.
                let _ = process.child.kill().await;
            }
        }
    }

    /// Leaves everything running and says how to talk to it.
    pub fn leave(&mut self) -> Result<()> {
        let ids: Vec<String> = self
            .coordinator
            .iter()
            .chain(&self.workers)
            .filter_map(|process| process.child.id())
            .map(|id| id.to_string())
            .collect();
        let ids = ids.join(" ");
        fs::write(self.locations.store_dir.join(KEPT), &ids).context("cannot remember the demo")?;
        let everturn = self.locations.coordinator.display();
        let address = self.address;
        println!("\nEverything is still running. Talk to it:");
        println!("  export EVERTURN_ADDRESS={address}");
        println!(
            "  {everturn} conversation submit my-first --type support --channel chat \
             'Where is my order NT-20481?'"
        );
        println!("  {everturn} conversation watch my-first");
        println!("  {everturn} conversation list");
        println!("  metrics: http://{}/metrics", self.http_address);
        println!("Stop it:  kill {ids}");
        Ok(())
    }

    fn spawn(&self, name: &'static str, mut command: Command) -> Result<Process> {
        let log = self.locations.logs_dir.join(format!("demo-{name}.log"));
        // A restarted coordinator goes on in the same log.
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().context("cannot share the log")?)
            .stderr(file)
            .envs(environment::of_processes(
                self.address,
                self.ports,
                self.pace,
                &self.locations.store_dir,
            ))
            // Ctrl-C is for this program, which stops the others in order.
            .process_group(0)
            .kill_on_drop(!self.keep)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Process { name, child, log })
    }
}

impl Process {
    fn check_alive(&mut self) -> Result<()> {
        if let Some(status) = self
            .child
            .try_wait()
            .context("cannot look after a process")?
        {
            bail!("{} ended by itself ({status}){}", self.name, self.tail());
        }
        Ok(())
    }

    /// The end of its log, for an error.
    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(15);
        format!(
            "; the end of {}:\n{}",
            self.log.display(),
            lines[from..].join("\n")
        )
    }

    fn terminate(&self) {
        if let Some(id) = self.child.id() {
            // A process that is gone already needs no signal.
            let _ = signal("TERM", &id.to_string());
        }
    }
}

/// Sends a signal; true if there was such a process.
fn signal(name: &str, id: &str) -> bool {
    Blocking::new("sh")
        .args(["-c", "kill -\"$1\" \"$2\" 2>/dev/null", "sh", name, id])
        .status()
        .is_ok_and(|status| status.success())
}

/// A kept demo that is still running must not lose its store.
fn refuse_if_kept(store_dir: &Path) -> Result<()> {
    let Ok(ids) = fs::read_to_string(store_dir.join(KEPT)) else {
        return Ok(());
    };
    if ids.split_whitespace().any(|id| signal("0", id)) {
        bail!("a demo that was kept is still running; stop it first: kill {ids}");
    }
    Ok(())
}
