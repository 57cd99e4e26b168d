//! The registry behind `/metrics` and the metrics of the process itself.
//! Parts of the coordinator register theirs in `serve.rs`.

use std::fmt;
use std::sync::{Arc, Mutex};

use everturn_runtime::Handle;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// Units of `/proc/<pid>/stat` times per second: USER_HZ, which is 100 on
/// every Linux that this program is built for.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;

/// The registry; parts of the coordinator register theirs while the endpoint
/// is being served already.
pub(crate) type SharedRegistry = Arc<Mutex<Registry>>;

/// A registry that holds the metrics of this process.
pub(crate) fn registry() -> SharedRegistry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(ProcessCollector));
    Arc::new(Mutex::new(registry))
}

/// Everything in the registry as OpenMetrics text.
pub(crate) fn encode(registry: &SharedRegistry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let registry = registry
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

/// What the operating system says about this process, read at each scrape.
#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        if let Some(seconds) = cpu_seconds("self") {
            let metric = ConstCounter::new(seconds);
            let help = "CPU time of the process, user and system, in seconds";
            metric.encode(encoder.encode_descriptor(
                "process_cpu_seconds",
                help,
                None,
                prometheus_client::metrics::MetricType::Counter,
            )?)?;
        }
        let gauges = [
            (
                "process_resident_memory_bytes",
                "Memory of the process that is in RAM, in bytes",
                resident_bytes(),
            ),
            (
                "process_open_fds",
                "Open file descriptors of the process",
                open_fds(),
            ),
            ("process_threads", "Threads of the process", threads()),
        ];
        for (name, help, value) in gauges {
            if let Some(value) = value {
                ConstGauge::new(value).encode(encoder.encode_descriptor(
                    name,
                    help,
                    None,
                    prometheus_client::metrics::MetricType::Gauge,
                )?)?;
            }
        }
        Ok(())
    }
}

/// What the runtime counts, read at each scrape.
pub(crate) struct RuntimeCollector(Handle);

impl RuntimeCollector {
    pub(crate) fn new(handle: Handle) -> Self {
        Self(handle)
    }
}

impl fmt::Debug for RuntimeCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RuntimeCollector")
    }
}

impl Collector for RuntimeCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for metric in self.0.metrics().describe() {
            let name = format!("everturn_{}", metric.name);
            if metric.is_gauge {
                let gauge = ConstGauge::new(i64::try_from(metric.value).unwrap_or(i64::MAX));
                let kind = prometheus_client::metrics::MetricType::Gauge;
                gauge.encode(encoder.encode_descriptor(&name, metric.help, None, kind)?)?;
            } else {
                let counter = ConstCounter::new(metric.value);
                let kind = prometheus_client::metrics::MetricType::Counter;
                counter.encode(encoder.encode_descriptor(&name, metric.help, None, kind)?)?;
            }
        }
        let unanswered = ConstGauge::new(self.0.unanswered());
        let help = "Open conversations whose customer has no answer";
        let kind = prometheus_client::metrics::MetricType::Gauge;
        let name = "everturn_unanswered_conversations";
        unanswered.encode(encoder.encode_descriptor(name, help, None, kind)?)?;
        self.encode_waits(&mut encoder)
    }
}

impl RuntimeCollector {
    /// How many conversations and workflows wait, by reason: every reason is
    /// there, so that a graph has no holes.
    fn encode_waits(&self, encoder: &mut DescriptorEncoder) -> fmt::Result {
        let help = "Conversations and workflows that wait, by the reason that has to end first";
        let kind = prometheus_client::metrics::MetricType::Gauge;
        let mut family = encoder.encode_descriptor("everturn_waiting", help, None, kind)?;
        for (what, reason, count) in self.0.waiting() {
            let labels = [("kind", what), ("reason", reason)];
            ConstGauge::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// CPU seconds that a process has used so far; `None` if it is gone.
pub(crate) fn cpu_seconds(process: &str) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold spaces; fields are counted behind it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let user: f64 = fields.get(11)?.parse().ok()?;
    let system: f64 = fields.get(12)?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn status_field(name: &str) -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn resident_bytes() -> Option<i64> {
    status_field("VmRSS:").map(|kib| kib * 1_024)
}

fn threads() -> Option<i64> {
    status_field("Threads:")
}

fn open_fds() -> Option<i64> {
    i64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_described_in_open_metrics() {
        let text = encode(&registry()).expect("encodes");
        for name in [
            "process_cpu_seconds_total ",
            "process_resident_memory_bytes ",
            "process_open_fds ",
        ] {
            assert!(text.contains(name), "{name} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
