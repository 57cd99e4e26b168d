//! The scenarios about many that wait, and about long runs: `idle`, `wake`,
//! `restart`, `backlog`, `fanout` and `history`. What they share: filling a
//! coordinator, its memory and disk, and their report.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use everturn_client::{Client, ConnectOptions, v1};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::coordinator::Coordinator;
use super::sdk_workers::SdkWorkers;
use super::{
    BenchArgs, Names, SLOTS_PER_CONNECTION, WORKER_END_TIMEOUT, WorkerKind, load, rust_worker,
};
use crate::render::Output;

/// Length of a customer's message.
const TEXT_BYTES: usize = 200;
/// How long memory must not have changed to count as that of rest: longer than
/// what only waits is kept.
const REST: Duration = Duration::from_secs(15);
/// Longest wait for rest.
const REST_TIMEOUT: Duration = Duration::from_secs(120);
/// How much memory may change at rest.
const REST_BYTES: u64 = 2 << 20;

/// A coordinator under test, its workers, and what was measured so far.
pub(super) struct Scene<'a> {
    pub args: &'a BenchArgs,
    pub coordinator: Coordinator,
    pub clients: Vec<Client>,
    pub names: Names,
    pub options: ConnectOptions,
    pub report: ScaleReport,
    workers: Vec<RunningWorker>,
}

/// A worker that ends when it is told to, or dropped.
enum RunningWorker {
    Rust(CancellationToken, tokio::task::JoinHandle<()>),
    Sdk(#[expect(dead_code, reason = "its processes end with it")] SdkWorkers),
}

impl<'a> Scene<'a> {
    /// An empty coordinator without workers.
    pub async fn open(args: &'a BenchArgs) -> anyhow::Result<Self> {
        let coordinator = Coordinator::start(args).await?;
        let options = ConnectOptions {
            address: coordinator.address().to_owned(),
            ..ConnectOptions::from_env()
        };
        let connections = (args.in_flight() as usize).div_ceil(SLOTS_PER_CONNECTION);
        let clients = (0..connections).map(|_| Client::new(options.clone()));
        let mut scene = Self {
            args,
            clients: clients.collect::<Result<Vec<_>, _>>()?,
            coordinator,
            names: Names::new(args),
            options,
            report: ScaleReport::default(),
            workers: Vec::new(),
        };
        let empty = scene.memory()?;
        scene.report.bytes("memory", "empty", empty.now);
        Ok(scene)
    }

    /// Starts the chosen worker.
    pub fn start_worker(&mut self) -> anyhow::Result<()> {
        let worker = match self.args.worker {
            WorkerKind::Rust => {
                let client = Client::new(self.options.clone())?;
                let queue = self.names.queue.clone();
                let worker = rust_worker::build(client, queue, self.args.in_flight())?;
                let stop = CancellationToken::new();
                let stopped = stop.clone().cancelled_owned();
                let task = tokio::spawn(async move {
                    if let Err(error) = worker.run(stopped).await {
                        eprintln!("the worker ended: {error}");
                    }
                });
                RunningWorker::Rust(stop, task)
            }
            WorkerKind::Typescript | WorkerKind::Python => {
                RunningWorker::Sdk(SdkWorkers::start(self.args, &self.options, &self.names)?)
            }
        };
        self.workers.push(worker);
        Ok(())
    }

    /// Ends the workers.
    pub async fn stop_workers(&mut self) {
        for worker in self.workers.drain(..) {
            if let RunningWorker::Rust(stop, task) = worker {
                stop.cancel();
                let _ = tokio::time::timeout(WORKER_END_TIMEOUT, task).await;
            }
        }
    }

    /// Id of a conversation.
    pub fn id(&self, number: usize) -> String {
        format!("{}-{number}", self.names.prefix)
    }

    /// A customer's message to a conversation of a type.
    pub fn message(&self, number: usize, type_name: &str, id: &str) -> v1::SubmitMessageRequest {
        v1::SubmitMessageRequest {
            conversation_id: self.id(number),
            conversation_type: type_name.to_owned(),
            channel: "chat".to_owned(),
            content: Some(everturn_client::text("x".repeat(TEXT_BYTES))),
            task_queue: self.names.queue.clone(),
            provider_message_id: id.to_owned(),
            ..Default::default()
        }
    }

    /// Sends the first message of every conversation, and notes how long that
    /// took.
    pub async fn fill(&mut self, type_name: &str) -> anyhow::Result<()> {
        let count = self.args.count();
        let scene = &*self;
        let requests = |number: usize| scene.message(number, type_name, "first");
        let (took, latencies) = submit_all(
            &self.clients,
            (self.args.in_flight() as usize, self.args.rate),
            count,
            requests,
        )
        .await?;
        #[expect(clippy::cast_precision_loss, reason = "a count well below 2^52")]
        let per_second = count as f64 / took.as_secs_f64();
        self.report.rate("submitted_per_s", per_second);
        self.report.latency("submit_ms", &latencies);
        Ok(())
    }

    /// Memory of the coordinator.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        let pid = self.coordinator.pid().context("the coordinator ended")?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
            kib.map(|kib| kib * 1_024).context("no figure of memory")
        };
        Ok(Memory {
            now: field("VmRSS:")?,
            peak: field("VmHWM:")?,
        })
    }

    /// Waits until memory does not change any more; what it is then.
    pub async fn rest(&self) -> anyhow::Result<Memory> {
        let begin = Instant::now();
        let mut since = Instant::now();
        let mut noted = self.memory()?;
        while since.elapsed() < REST && begin.elapsed() < REST_TIMEOUT {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let memory = self.memory()?;
            if memory.now.abs_diff(noted.now) > REST_BYTES {
                since = Instant::now();
                noted = memory;
            }
        }
        self.memory()
    }

    /// Notes memory at its peak and at rest, and the disk, each also by
    /// conversation.
    pub async fn note_rest(&mut self) -> anyhow::Result<()> {
        eprintln!("waiting until memory is at rest");
        let rest = self.rest().await?;
        self.report.bytes("memory", "peak", rest.peak);
        self.report.bytes("memory", "rest", rest.now);
        self.per_conversation("memory_rest", rest.now);
        let disk = self.coordinator.store_bytes();
        self.report.bytes("disk", "store", disk);
        self.per_conversation("disk", disk);
        Ok(())
    }

    /// Kills the coordinator, starts it again and notes its memory at rest.
    pub async fn note_after_restart(&mut self) -> anyhow::Result<()> {
        self.coordinator.restart().await?;
        self.coordinator.wait_until_ready().await?;
        let rest = self.rest().await?;
        self.report.bytes("memory", "after_restart_peak", rest.peak);
        self.report.bytes("memory", "after_restart", rest.now);
        self.per_conversation("memory_after_restart", rest.now);
        Ok(())
    }

    fn per_conversation(&mut self, name: &str, bytes: u64) {
        #[expect(clippy::cast_precision_loss, reason = "well below 2^52")]
        let each = bytes as f64 / self.args.count() as f64;
        self.report.figure("bytes_per_conversation", name, each);
    }
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub now: u64,
    pub peak: u64,
}

/// Submits a message for each number, some at a time, at a rate if one is
/// given; how long it took in all and for each.
async fn submit_all(
    clients: &[Client],
    (in_flight, rate): (usize, Option<f64>),
    count: usize,
    request: impl Fn(usize) -> v1::SubmitMessageRequest,
) -> anyhow::Result<(Duration, Histogram<u64>)> {
    let begin = Instant::now();
    let far = begin + Duration::from_secs(86_400);
    let pace = rate.map(|rate| Arc::new(tokio::sync::Mutex::new(load::starts(rate, far))));
    let done = Arc::new(AtomicUsize::new(0));
    let mut requests = (0..count).map(request);
    let mut under_way: JoinSet<anyhow::Result<Duration>> = JoinSet::new();
    let mut latencies = load::histogram();
    let mut told = Instant::now();
    loop {
        while under_way.len() < in_flight
            && let Some(request) = requests.next()
        {
            let start = match &pace {
                Some(pace) => pace.lock().await.recv().await.context("no more starts")?,
                None => Instant::now(),
            };
            let number = done.fetch_add(1, Ordering::Relaxed);
            let client = clients[number % clients.len()].clone();
            under_way.spawn(async move {
                // A coordinator whose memory is short says so, for longer than
                // a client tries again.
                while let Err(error) = client.submit_message(request.clone()).await {
                    match error.retry_delay() {
                        Some(delay) => tokio::time::sleep(delay).await,
                        None => return Err(error.into()),
                    }
                }
                Ok(start.elapsed())
            });
        }
        let Some(ended) = under_way.join_next().await else {
            break;
        };
        let us = u64::try_from(ended??.as_micros()).unwrap_or(u64::MAX);
        latencies.saturating_record(us.max(1));
        if told.elapsed() > Duration::from_secs(5) {
            eprintln!("{} of {count}", latencies.len());
            told = Instant::now();
        }
    }
    Ok((begin.elapsed(), latencies))
}

/// Figures by group and name, in the order in which they were noted.
#[derive(Debug, Default)]
pub(super) struct ScaleReport {
    figures: serde_json::Map<String, Value>,
    lines: Vec<String>,
}

impl ScaleReport {
    /// Bytes, shown as mebibytes.
    pub fn bytes(&mut self, group: &str, name: &str, bytes: u64) {
        self.figures_of(&format!("{group}_bytes"))
            .insert(name.to_owned(), json!(bytes));
        let mib = bytes / (1 << 20);
        self.lines.push(format!("{group:<24} {name:<20} {mib} MiB"));
    }

    /// A number of a group.
    pub fn figure(&mut self, group: &str, name: &str, value: f64) {
        let value = (value * 1_000.0).round() / 1_000.0;
        self.figures_of(group).insert(name.to_owned(), json!(value));
        self.lines.push(format!("{group:<24} {name:<20} {value}"));
    }

    /// A number of its own.
    pub fn rate(&mut self, name: &str, value: f64) {
        let value = (value * 10.0).round() / 10.0;
        self.figures.insert(name.to_owned(), json!(value));
        self.lines.push(format!("{name:<45} {value}"));
    }

    /// Latencies, from microseconds.
    pub fn latency(&mut self, name: &str, latencies: &Histogram<u64>) {
        #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^52")]
        let ms = |quantile: f64| latencies.value_at_quantile(quantile) as f64 / 1_000.0;
        let (p50, p90, p99, max) = (ms(0.5), ms(0.9), ms(0.99), ms(1.0));
        let value = json!({"p50": p50, "p90": p90, "p99": p99, "max": max});
        self.figures.insert(name.to_owned(), value);
        self.lines.push(format!(
            "{name:<24} p50 {p50:.2} ms  p90 {p90:.2} ms  p99 {p99:.2} ms  max {max:.2} ms"
        ));
    }

    fn figures_of(&mut self, group: &str) -> &mut serde_json::Map<String, Value> {
        let group = self.figures.entry(group.to_owned());
        let group = group.or_insert_with(|| json!({}));
        group.as_object_mut().expect("groups are objects")
    }

    /// Prints everything.
    pub fn print(mut self, args: &BenchArgs) -> std::io::Result<()> {
        let mut object = serde_json::Map::new();
        object.insert(
            "scenario".to_owned(),
            json!(super::report::name(args.scenario)),
        );
        object.insert("worker".to_owned(), json!(super::report::name(args.worker)));
        object.insert("count".to_owned(), json!(args.count()));
        object.insert("in_flight".to_owned(), json!(args.in_flight()));
        object.insert("rate".to_owned(), json!(args.rate));
        object.append(&mut self.figures);
        Output::new(args.json).record(|| Value::Object(object), || self.lines.join("\n"))
    }
}
