//! What a benchmark gave: rates, latencies, CPU; as text or one JSON object.

use std::time::Instant;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::load::Recorder;
use super::pipeline::STEPS_PER_WORKFLOW;
use super::turns::STEPS_PER_TURN;
use super::{BenchArgs, Scenario, WorkerKind};
use crate::metrics::cpu_seconds;
use crate::render::Output;

/// CPU seconds per second of the processes that are measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuUsed {
    /// The coordinator; unknown when it was not started here.
    pub coordinator: Option<f64>,
    /// The workers; with Rust workers the load generator is among them.
    pub workers: Option<f64>,
}

/// Measures CPU time between `begin` and `end`.
pub(crate) struct Cpu {
    coordinator: Option<String>,
    workers: Vec<String>,
    began: Instant,
    before: CpuUsed,
}

impl Cpu {
    pub(crate) fn of(coordinator: Option<u32>, workers: Vec<String>) -> Self {
        Self {
            coordinator: coordinator.map(|pid| pid.to_string()),
            workers,
            began: Instant::now(),
            before: CpuUsed {
                coordinator: None,
                workers: None,
            },
        }
    }

    fn read(&self) -> CpuUsed {
        let workers = self.workers.iter().map(|pid| cpu_seconds(pid));
        CpuUsed {
            coordinator: self.coordinator.as_deref().and_then(cpu_seconds),
            workers: workers.sum(),
        }
    }

    pub(crate) fn begin(&mut self) {
        self.before = self.read();
        self.began = Instant::now();
    }

    pub(crate) fn end(&self) -> CpuUsed {
        let now = self.read();
        let seconds = self.began.elapsed().as_secs_f64();
        let used = |now: Option<f64>, before: Option<f64>| Some((now? - before?) / seconds);
        CpuUsed {
            coordinator: used(now.coordinator, self.before.coordinator),
            workers: used(now.workers, self.before.workers),
        }
    }
}

/// The result of a benchmark.
pub(crate) struct Report {
    scenario: Scenario,
    worker: WorkerKind,
    store: &'static str,
    in_flight: u32,
    watchers: u32,
    rate: Option<f64>,
    seconds: u32,
    per_second: f64,
    latencies: Histogram<u64>,
    cpu: CpuUsed,
}

impl Report {
    /// # Errors
    /// When nothing was done, or a part of it failed.
    pub(crate) fn new(args: &BenchArgs, recorder: &Recorder, cpu: CpuUsed) -> anyhow::Result<Self> {
        let latencies = recorder.latencies();
        if let (count, Some(first)) = recorder.errors() {
            anyhow::bail!("{count} pieces of work failed, the first with: {first}");
        }
        anyhow::ensure!(!latencies.is_empty(), "nothing was done in time");
        Ok(Self::of(args, latencies, cpu))
    }

    /// The result of a stream: every watcher counts every chunk.
    ///
    /// # Errors
    /// When nothing arrived.
    pub(crate) fn stream(
        args: &BenchArgs,
        rate: f64,
        latencies: Histogram<u64>,
        cpu: CpuUsed,
    ) -> anyhow::Result<Self> {
        anyhow::ensure!(!latencies.is_empty(), "nothing arrived in time");
        let mut report = Self::of(args, latencies, cpu);
        report.rate = Some(rate);
        report.per_second /= f64::from(args.watchers());
        Ok(report)
    }

    fn of(args: &BenchArgs, latencies: Histogram<u64>, cpu: CpuUsed) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a count well below 2^52")]
        let done = latencies.len() as f64;
        Self {
            scenario: args.scenario,
            worker: args.worker,
            store: match (&args.target, &args.store) {
                (Some(_), _) => "target",
                (None, Some(_)) => "postgres",
                (None, None) => "sqlite",
            },
            in_flight: args.in_flight(),
            watchers: args.watchers(),
            rate: args.rate,
            seconds: args.seconds,
            per_second: done / f64::from(args.seconds),
            latencies,
            cpu,
        }
    }

    fn steps_per_second(&self) -> f64 {
        let steps = match self.scenario {
            Scenario::Turns => STEPS_PER_TURN,
            Scenario::Pipeline => STEPS_PER_WORKFLOW,
            _ => 0,
        };
        self.per_second * f64::from(steps)
    }

    fn latency_ms(&self, quantile: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "microseconds below 2^52")]
        let us = self.latencies.value_at_quantile(quantile) as f64;
        us / 1_000.0
    }

    /// The object that `--json` prints. A turn is one run of a workflow.
    fn to_json(&self) -> Value {
        let mut object = json!({
            "scenario": name(self.scenario),
            "worker": name(self.worker),
            "store": self.store,
            "rate": self.rate,
            "seconds": self.seconds,
            "latency_ms": {
                "p50": self.latency_ms(0.5),
                "p90": self.latency_ms(0.9),
                "p99": self.latency_ms(0.99),
                "max": self.latency_ms(1.0),
            },
            "cpu": {
                "coordinator": self.cpu.coordinator.map(rounded),
                "workers": self.cpu.workers.map(rounded),
            },
        });
        if self.scenario == Scenario::Stream {
            object["watchers"] = json!(self.watchers);
            object["chunks_per_s"] = json!(rounded(self.per_second));
            return object;
        }
        let turns = match self.scenario {
            Scenario::Turns => self.per_second,
            _ => 0.0,
        };
        object["in_flight"] = json!(self.in_flight);
        object["workflows_per_s"] = json!(rounded(self.per_second));
        object["steps_per_s"] = json!(rounded(self.steps_per_second()));
        object["turns_per_s"] = json!(rounded(turns));
        object
    }

    /// What was done, for people.
    fn rate_text(&self) -> String {
        let (per_second, steps) = (self.per_second, self.steps_per_second());
        match self.scenario {
            Scenario::Turns => {
                format!("turns        {per_second:.0}/s  ({steps:.0} activity steps/s)")
            }
            Scenario::Pipeline => {
                format!("workflows    {per_second:.0}/s  ({steps:.0} activity steps/s)")
            }
            _ => {
                format!(
                    "chunks       {per_second:.0}/s to each of {} watchers",
                    self.watchers
                )
            }
        }
    }

    /// Prints the result.
    pub(crate) fn print(&self, json: bool) -> std::io::Result<()> {
        let output = Output::new(json);
        output.record(
            || self.to_json(),
            || {
                let cpu = |used: Option<f64>| {
                    used.map_or_else(|| "unknown".to_owned(), |it| format!("{it:.2} cores"))
                };
                [
                    self.rate_text(),
                    format!(
                        "latency      p50 {:.2} ms  p90 {:.2} ms  p99 {:.2} ms  max {:.2} ms",
                        self.latency_ms(0.5),
                        self.latency_ms(0.9),
                        self.latency_ms(0.99),
                        self.latency_ms(1.0),
                    ),
                    format!(
                        "cpu          coordinator {}  workers {}",
                        cpu(self.cpu.coordinator),
                        cpu(self.cpu.workers)
                    ),
                ]
                .join("\n")
            },
        )
    }
}

pub(super) fn name<T: clap::ValueEnum>(value: T) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(scenario: Scenario) -> Report {
        let mut latencies = Histogram::new(3).expect("valid");
        latencies.record(1_500).expect("in range");
        Report {
            scenario,
            worker: WorkerKind::Rust,
            store: "sqlite",
            in_flight: 64,
            watchers: 2,
            rate: None,
            seconds: 20,
            per_second: 100.0,
            latencies,
            cpu: CpuUsed {
                coordinator: Some(0.5),
                workers: None,
            },
        }
    }

    fn keys(value: &Value) -> String {
        let object = value.as_object().expect("an object");
        let mut keys: Vec<String> = object.keys().cloned().collect();
        keys.sort_unstable();
        keys.join(" ")
    }

    #[test]
    fn the_json_object_has_exactly_the_documented_keys() {
        let json = report(Scenario::Turns).to_json();
        assert_eq!(
            keys(&json),
            "cpu in_flight latency_ms rate scenario seconds steps_per_s store turns_per_s \
             worker workflows_per_s"
        );
        assert_eq!(keys(&json["latency_ms"]), "max p50 p90 p99");
        assert_eq!(keys(&json["cpu"]), "coordinator workers");
        assert_eq!(json["steps_per_s"], 300.0);
        assert_eq!(json["latency_ms"]["p50"], 1.5);
    }

    #[test]
    fn a_stream_counts_chunks_and_watchers() {
        let json = report(Scenario::Stream).to_json();
        assert_eq!(
            keys(&json),
            "chunks_per_s cpu latency_ms rate scenario seconds store watchers worker"
        );
        assert_eq!(json["watchers"], 2);
        assert_eq!(json["chunks_per_s"], 100.0);
    }

    #[test]
    fn the_cpu_time_of_this_process_can_be_read() {
        let mut cpu = Cpu::of(None, vec![std::process::id().to_string()]);
        cpu.begin();
        let used = cpu.end();
        assert!(used.coordinator.is_none());
        assert!(used.workers.expect("a figure") >= 0.0);
    }
}
