//! `everturn bench`: a coordinator under load, closed or open loop, with real
//! workers over gRPC.

mod coordinator;
mod load;
mod long_runs;
mod pipeline;
mod report;
mod rust_worker;
mod scale;
mod sdk_workers;
mod stream;
mod turns;
mod types;
mod waiting;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use everturn_client::{Client, ConnectOptions};
use tokio_util::sync::CancellationToken;

use crate::config::ConfigError;
use coordinator::Coordinator;
use load::{Load, Recorder};
use report::{Cpu, Report};
use sdk_workers::SdkWorkers;

/// Load before the measurement begins.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long the built-in worker may take to leave.
const WORKER_END_TIMEOUT: Duration = Duration::from_secs(1);
/// Conversations per connection, so that streams share connections evenly and
/// stay below the usual bound of 100 streams each.
const SLOTS_PER_CONNECTION: usize = 64;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// A message arrives, two agents work in parallel, a third merges, the
    /// reply is seen by the submitter.
    Turns,
    /// A workflow of 10 activities, one after the other.
    Pipeline,
    /// An activity streams chunks; how long they take to the watchers.
    Stream,
    /// Conversations wait for their customers: what they cost in memory and on
    /// disk.
    Idle,
    /// A message wakes one of many that wait; how long the reply takes.
    Wake,
    /// The coordinator of many that wait is killed; when the first one is woken.
    Restart,
    /// Messages wait for a worker: what they cost, and how fast one drains them.
    Backlog,
    /// Runs with 1,000 activities at once.
    Fanout,
    /// Runs with 10 to 10,000 activities in a row: steps/s by length.
    History,
}

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WorkerKind {
    /// Built into this program.
    Rust,
    /// The TypeScript SDK; in `turns`, Support and Manager run in Python.
    Typescript,
    /// Workflows in TypeScript, activities in Python; in `turns`, Sales runs
    /// in TypeScript. In `stream` the code of the turn is built in.
    Python,
}

/// Flags of `everturn bench`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  everturn bench turns
  everturn bench turns --worker typescript --in-flight 1
  everturn bench turns --rate 50 --seconds 10 --json
  everturn bench pipeline --in-flight 256
  everturn bench pipeline --target 127.0.0.1:7400
  everturn bench stream --watchers 1000 --rate 20 --json
  everturn bench backlog --count 1000000 --in-flight 256 --json
  everturn bench wake --count 100000 --in-flight 1

Without --target a coordinator is started on an empty store; EVERTURN_*
variables reach it. Latency is measured from the intended start when --rate is
given. In stream it is the time from writing a chunk to each watcher, by the
system's clock. CPU is in seconds per second: coordinator, and workers (with the Rust
worker: this process, the load generator included).")]
pub(crate) struct BenchArgs {
    /// What to measure
    scenario: Scenario,
    /// Who does the work
    #[arg(long, default_value = "rust")]
    worker: WorkerKind,
    /// Turns or workflows at a time, 1 to 10,000 [default: 64]
    #[arg(long, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    in_flight: Option<u32>,
    /// Watchers in stream, 1 to 5,000 [default: 1]
    #[arg(long, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=5_000))]
    watchers: Option<u32>,
    /// Conversations in idle, wake, restart and backlog, 1 to 10,000,000
    /// [default: 10000]
    #[arg(long, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    count: Option<u32>,
    /// Bytes of the state of each conversation in turns, 1 to 250,000: its first
    /// turn writes them [default: none]
    #[arg(long, value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(1..=250_000))]
    state_bytes: Option<u32>,
    /// Begin this many per second, however long they take [default: begin the
    /// next when one ends]; in stream: chunks per second [default: 100]
    #[arg(long, value_name = "PER_SECOND", value_parser = positive)]
    rate: Option<f64>,
    /// Length of the measurement, after a warm-up of 3 s
    #[arg(long, value_name = "COUNT", default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Address of a running coordinator [default: start one]
    #[arg(long, value_name = "HOST:PORT")]
    target: Option<String>,
    /// URL of an empty database of PostgreSQL for a started coordinator; created
    /// if it is not there [default: an SQLite file]
    #[arg(long, value_name = "URL", conflicts_with_all = ["target", "data_dir"])]
    store: Option<String>,
    /// Where the file of a started coordinator lies [default: the system's
    /// directory for temporary files]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print one JSON object as the last line
    #[arg(long)]
    json: bool,
}

impl BenchArgs {
    /// Turns or workflows at a time.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.unwrap_or(64)
    }

    /// Watchers of the stream.
    pub(crate) fn watchers(&self) -> u32 {
        self.watchers.unwrap_or(1)
    }

    /// Conversations that there are.
    pub(crate) fn count(&self) -> usize {
        self.count.unwrap_or(10_000) as usize
    }

    /// Refuses flags that mean nothing in the scenario.
    fn check(&self) -> Result<(), ConfigError> {
        use Scenario as S;
        let scenario = self.scenario;
        let is_long = matches!(scenario, S::Fanout | S::History);
        let has_count = matches!(scenario, S::Idle | S::Wake | S::Restart | S::Backlog);
        let no_target = has_count || is_long;
        let flags = [
            (
                "--in-flight",
                self.in_flight.is_some(),
                scenario == S::Stream,
            ),
            ("--watchers", self.watchers.is_some(), scenario != S::Stream),
            (
                "--state-bytes",
                self.state_bytes.is_some(),
                scenario != S::Turns,
            ),
            ("--count", self.count.is_some(), !has_count),
            ("--target", self.target.is_some(), no_target),
            ("--worker", self.worker != WorkerKind::Rust, is_long),
        ];
        let foreign = flags.iter().find(|(_, given, foreign)| *given && *foreign);
        match foreign.map(|(flag, ..)| flag) {
            Some(flag) => Err(ConfigError(format!(
                "{flag} means nothing in this scenario"
            ))),
            None => Ok(()),
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("must be a number above 0".to_owned()),
    }
}

/// Names that this run uses, so that it meets nothing that is there already.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Beginning of every id.
    pub prefix: String,
    /// Task queue of workflow tasks, and of activities with Rust workers.
    pub queue: String,
    /// Bytes of the state of each conversation in turns.
    pub state_bytes: u32,
}

impl Names {
    fn new(args: &BenchArgs) -> Self {
        let prefix = format!("bench-{:08x}", rand::random::<u32>());
        Self {
            queue: prefix.clone(),
            prefix,
            state_bytes: args.state_bytes.unwrap_or(0),
        }
    }
}

/// Runs a benchmark and prints what it gave.
pub(crate) async fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    args.check()?;
    let measured: Option<anyhow::Result<scale::Scene<'_>>> = match args.scenario {
        Scenario::Turns | Scenario::Pipeline | Scenario::Stream => None,
        Scenario::Idle => Some(Box::pin(waiting::idle(&args)).await),
        Scenario::Wake => Some(Box::pin(waiting::wake(&args)).await),
        Scenario::Restart => Some(Box::pin(waiting::restart(&args)).await),
        Scenario::Backlog => Some(Box::pin(waiting::backlog(&args)).await),
        Scenario::Fanout => Some(Box::pin(long_runs::fanout(&args)).await),
        Scenario::History => Some(Box::pin(long_runs::history(&args)).await),
    };
    if let Some(scene) = measured {
        let mut scene = scene?;
        scene.stop_workers().await;
        scene.report.print(&args)?;
        return Ok(ExitCode::SUCCESS);
    }
    run_load(args).await
}

/// Runs one of the benchmarks that are a load over a time.
async fn run_load(args: BenchArgs) -> anyhow::Result<ExitCode> {
    let coordinator = match &args.target {
        Some(_) => None,
        None => Some(Coordinator::start(&args).await?),
    };
    let address = match (&args.target, &coordinator) {
        (Some(target), _) => target.clone(),
        (None, Some(coordinator)) => coordinator.address().to_owned(),
        (None, None) => anyhow::bail!("no coordinator"),
    };
    let options = ConnectOptions {
        address,
        ..ConnectOptions::from_env()
    };
    let names = Names::new(&args);
    let stop_worker = CancellationToken::new();
    let is_rust = args.worker == WorkerKind::Rust;
    let mut rust_worker = None;
    // The code of the stream's turn is always the built-in one.
    if is_rust || args.scenario == Scenario::Stream {
        let client = Client::new(options.clone())?;
        let queue = match args.scenario {
            Scenario::Stream => stream::code_queue(args.worker, &names),
            _ => names.queue.clone(),
        };
        let worker = rust_worker::build(client, queue, args.in_flight())?;
        rust_worker = Some(tokio::spawn(
            worker.run(stop_worker.clone().cancelled_owned()),
        ));
    }
    let mut sdk_workers = match is_rust {
        true => None,
        false => Some(SdkWorkers::start(&args, &options, &names)?),
    };
    let pids = sdk_workers.as_ref().map_or_else(
        || vec![std::process::id().to_string()],
        |workers| workers.pids(),
    );
    let coordinator_pid = coordinator.as_ref().and_then(Coordinator::pid);
    let cpu = Cpu::of(coordinator_pid, pids);
    let outcome = tokio::select! {
        measured = measure(&args, &options, &names, cpu) => measured,
        ended = worker_ended(rust_worker.as_mut(), sdk_workers.as_mut()) => Err(ended),
        signal = tokio::signal::ctrl_c() => {
            signal?;
            Err(anyhow::anyhow!("interrupted"))
        }
    };
    // The worker leaves before its coordinator does.
    stop_worker.cancel();
    if let Some(worker) = rust_worker.filter(|it| !it.is_finished()) {
        let _ = tokio::time::timeout(WORKER_END_TIMEOUT, worker).await;
    }
    let report = match (outcome, coordinator) {
        (Ok(report), _) => report,
        (Err(error), Some(coordinator)) => return Err(coordinator.explain(error)),
        (Err(error), None) => return Err(error),
    };
    report.print(args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Resolves with the reason when a worker ends before the measurement.
async fn worker_ended(
    rust: Option<&mut tokio::task::JoinHandle<Result<(), everturn_client::Error>>>,
    sdk: Option<&mut SdkWorkers>,
) -> anyhow::Error {
    let rust = async {
        match rust {
            Some(task) => match task.await {
                Ok(Ok(())) => anyhow::anyhow!("the worker stopped"),
                Ok(Err(error)) => error.into(),
                Err(error) => error.into(),
            },
            None => std::future::pending().await,
        }
    };
    let sdk = async {
        match sdk {
            Some(workers) => workers.ended().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        error = rust => error,
        error = sdk => error,
    }
}

async fn measure(
    args: &BenchArgs,
    options: &ConnectOptions,
    names: &Names,
    mut cpu: Cpu,
) -> anyhow::Result<Report> {
    let seconds = Duration::from_secs(u64::from(args.seconds));
    if args.scenario == Scenario::Stream {
        return Box::pin(stream::measure(args, options, names, cpu)).await;
    }
    let count = args.in_flight() as usize;
    let clients = (0..count.div_ceil(SLOTS_PER_CONNECTION))
        .map(|_| Client::new(options.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    let client_of = |slot: usize| clients[slot / SLOTS_PER_CONNECTION].clone();
    let slots = match args.scenario {
        Scenario::Turns => turns::open(count, client_of, names).await?,
        _ => pipeline::open(count, client_of, names).await?,
    };
    let begin = Instant::now() + WARM_UP;
    let recorder = Recorder::new(begin, begin + seconds);
    let load = Load::start(slots, args.rate, recorder.clone());
    tokio::time::sleep_until(begin.into()).await;
    cpu.begin();
    load.follow_until(begin + seconds).await;
    let used = cpu.end();
    load.finish().await;
    Report::new(args, &recorder, used)
}
