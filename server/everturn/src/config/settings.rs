//! The settings in force, checked, each with where it comes from.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::layer::Layer;
use super::log_format::LogFormat;
use super::{ConfigError, Location, Size, Span};

/// One setting as `config show` prints it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Key in the file; the flag has dashes.
    pub name: &'static str,
    /// Value as TOML.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
}

/// The settings in force.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Address of the gRPC API.
    pub listen: SocketAddr,
    /// Address of health and metrics.
    pub http_listen: SocketAddr,
    /// Where the store is.
    pub store: Location,
    /// File with the password of a database.
    pub store_password_file: Option<PathBuf>,
    /// Number of partitions; 0: what the store has, or the default of a new one.
    pub partitions: u32,
    /// Id of this node among those that share a database.
    pub node_id: String,
    /// How long a node that is not heard of keeps its partitions.
    pub node_lease: Duration,
    /// How often a node says that it lives.
    pub node_heartbeat: Duration,
    /// How often the materialized view catches up.
    pub flush_interval: Duration,
    /// Filter of the log.
    pub log: String,
    /// Format of the log.
    pub log_format: LogFormat,
    /// Longest drain after a stop signal.
    pub shutdown_deadline: Duration,
    /// Most open watches.
    pub max_watchers: u32,
    /// Most open worker streams.
    pub max_workers: u32,
    /// Longest time without an acknowledgement.
    pub ack_timeout: Duration,
    /// Interval of pings on idle worker streams.
    pub ping_interval: Duration,
    /// Longest time for a workflow task.
    pub workflow_task_timeout: Duration,
    /// How long a vanished worker's activities are kept for it.
    pub orphan_grace: Duration,
    /// How long what only waits stays in memory.
    pub evict_after: Duration,
    /// Most memory, in bytes.
    pub memory_limit: u64,
    /// Most tasks that wait.
    pub max_backlog_tasks: u32,
    /// All of the above as text, in order.
    pub entries: Vec<Entry>,
}

/// Takes settings out of their layers and collects what is wrong with them.
struct Resolver {
    file: PathBuf,
    entries: Vec<Entry>,
    violations: Vec<String>,
}

impl Resolver {
    fn pick<T: Clone>(
        &mut self,
        name: &'static str,
        (flag, file, default): (Option<T>, Option<T>, T),
        to_toml: impl Fn(&T) -> String,
    ) -> T {
        let (value, origin) = match (flag, file) {
            (Some(value), _) => (value, "flag or environment".to_owned()),
            (None, Some(value)) => (value, self.file.display().to_string()),
            (None, None) => (default, "default".to_owned()),
        };
        self.entries.push(Entry {
            name,
            value: to_toml(&value),
            origin,
        });
        value
    }

    fn count(
        &mut self,
        name: &'static str,
        layers: (Option<u32>, Option<u32>, u32),
        bounds: RangeInclusive<u32>,
    ) -> u32 {
        let value = self.pick(name, layers, u32::to_string);
        if !bounds.contains(&value) {
            let (low, high) = bounds.into_inner();
            self.violations
                .push(format!("{name} = {value}: must be from {low} to {high}"));
        }
        value
    }

    fn span(
        &mut self,
        name: &'static str,
        (flag, file): (Option<Span>, Option<Span>),
        default: Duration,
        bounds: RangeInclusive<Duration>,
    ) -> Duration {
        let layers = (flag, file, Span(default));
        let Span(value) = self.pick(name, layers, |span| format!("\"{span}\""));
        if !bounds.contains(&value) {
            let (low, high) = bounds.into_inner();
            self.violations.push(format!(
                "{name} = {}: must be from {} to {}",
                Span(value),
                Span(low),
                Span(high)
            ));
        }
        value
    }

    fn size(
        &mut self,
        name: &'static str,
        (flag, file): (Option<Size>, Option<Size>),
        default: u64,
        bounds: RangeInclusive<u64>,
    ) -> u64 {
        let Size(value) = self.pick(name, (flag, file, Size(default)), |it| format!("\"{it}\""));
        if !bounds.contains(&value) {
            let (low, high) = bounds.into_inner();
            let (value, low, high) = (Size(value), Size(low), Size(high));
            self.violations
                .push(format!("{name} = {value}: must be from {low} to {high}"));
        }
        value
    }

    fn text(
        &mut self,
        name: &'static str,
        (flag, file): (Option<String>, Option<String>),
        default: &str,
    ) -> String {
        self.pick(name, (flag, file, default.to_owned()), |it| quote(it))
    }

    fn address(
        &mut self,
        name: &'static str,
        layers: (Option<String>, Option<String>),
        default: SocketAddr,
    ) -> SocketAddr {
        let text = self.text(name, layers, &default.to_string());
        text.parse().unwrap_or_else(|_| {
            self.violations
                .push(format!("{name} = {text:?}: must be an IP address and port"));
            default
        })
    }

    fn store(&mut self, (flag, file): (Option<String>, Option<String>)) -> Location {
        let layers = (flag, file, "./everturn.db".to_owned());
        // Shown without its password.
        let shown = |it: &String| {
            quote(&Location::parse(it).map_or_else(|_| String::new(), |it| it.to_string()))
        };
        let text = self.pick("store", layers, shown);
        Location::parse(&text).unwrap_or_else(|problem| {
            self.violations.push(format!("store: {problem}"));
            Location::File(PathBuf::new())
        })
    }

    fn file(
        &mut self,
        name: &'static str,
        layers: (Option<String>, Option<String>),
    ) -> Option<PathBuf> {
        let text = self.text(name, layers, "");
        (!text.is_empty()).then(|| text.into())
    }
}

/// Least memory that the coordinator can do with.
const MEMORY_LIMIT_MIN: u64 = 64 << 20;

/// Half of what there is, in whole mebibytes.
fn memory_limit_default() -> u64 {
    let half = (crate::memory::available() / 2) >> 20 << 20;
    half.max(MEMORY_LIMIT_MIN)
}

/// Heartbeats that a lease has room for at least: one may be late.
const HEARTBEATS_PER_LEASE: u32 = 3;

/// The same for every start of a coordinator, and for no other one.
fn default_node_id(port: u16) -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy().into_owned();
    match port {
        // Another one each time.
        0 => format!("{host}:{}", std::process::id()),
        port => format!("{host}:{port}"),
    }
}

fn quote(text: &str) -> String {
    // JSON strings are TOML basic strings.
    serde_json::Value::from(text).to_string()
}

impl Settings {
    /// Puts `flags` over `file` over the defaults and checks everything.
    #[expect(clippy::too_many_lines, reason = "a table of all settings and bounds")]
    pub(super) fn resolve(
        flags: Layer,
        file: Option<(Layer, PathBuf)>,
    ) -> Result<Self, ConfigError> {
        let (file, path) = file.unwrap_or_default();
        let mut resolver = Resolver {
            file: path,
            entries: Vec::new(),
            violations: Vec::new(),
        };
        let it = &mut resolver;
        let ms = Duration::from_millis;
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let minutes_10 = ms(600_000);
        let settings = Self {
            listen: it.address("listen", (flags.listen, file.listen), local(7400)),
            http_listen: it.address(
                "http_listen",
                (flags.http_listen, file.http_listen),
                local(7401),
            ),
            store: it.store((flags.store, file.store)),
            store_password_file: it.file(
                "store_password_file",
                (flags.store_password_file, file.store_password_file),
            ),
            partitions: it.count(
                "partitions",
                (flags.partitions, file.partitions, 0),
                0..=256,
            ),
            node_id: it.text("node_id", (flags.node_id, file.node_id), ""),
            node_lease: it.span(
                "node_lease",
                (flags.node_lease, file.node_lease),
                ms(5_000),
                ms(1_000)..=ms(300_000),
            ),
            node_heartbeat: it.span(
                "node_heartbeat",
                (flags.node_heartbeat, file.node_heartbeat),
                ms(1_000),
                ms(100)..=ms(60_000),
            ),
            flush_interval: it.span(
                "flush_interval",
                (flags.flush_interval, file.flush_interval),
                ms(1_000),
                ms(10)..=ms(60_000),
            ),
            log: it.text("log", (flags.log, file.log), "info"),
            log_format: it.pick(
                "log_format",
                (flags.log_format, file.log_format, LogFormat::Auto),
                |it| quote(&it.to_string()),
            ),
            shutdown_deadline: it.span(
                "shutdown_deadline",
                (flags.shutdown_deadline, file.shutdown_deadline),
                ms(15_000),
                ms(0)..=minutes_10,
            ),
            max_watchers: it.count(
                "max_watchers",
                (flags.max_watchers, file.max_watchers, 5_000),
                1..=1_000_000,
            ),
            max_workers: it.count(
                "max_workers",
                (flags.max_workers, file.max_workers, 10_000),
                1..=100_000,
            ),
            ack_timeout: it.span(
                "ack_timeout",
                (flags.ack_timeout, file.ack_timeout),
                ms(5_000),
                ms(100)..=minutes_10,
            ),
            ping_interval: it.span(
                "ping_interval",
                (flags.ping_interval, file.ping_interval),
                ms(10_000),
                ms(100)..=minutes_10,
            ),
            workflow_task_timeout: it.span(
                "workflow_task_timeout",
                (flags.workflow_task_timeout, file.workflow_task_timeout),
                ms(10_000),
                ms(100)..=minutes_10,
            ),
            orphan_grace: it.span(
                "orphan_grace",
                (flags.orphan_grace, file.orphan_grace),
                ms(10_000),
                ms(0)..=minutes_10,
            ),
            evict_after: it.span(
                "evict_after",
                (flags.evict_after, file.evict_after),
                ms(10_000),
                ms(100)..=ms(86_400_000),
            ),
            memory_limit: it.size(
                "memory_limit",
                (flags.memory_limit, file.memory_limit),
                memory_limit_default(),
                MEMORY_LIMIT_MIN..=1 << 50,
            ),
            max_backlog_tasks: it.count(
                "max_backlog_tasks",
                (flags.max_backlog_tasks, file.max_backlog_tasks, 10_000_000),
                1_000..=100_000_000,
            ),
            entries: Vec::new(),
        };
        resolver.finish(settings)
    }

    /// The settings as a TOML file, with the origin of each as a comment.
    pub(crate) fn to_toml(&self) -> String {
        self.entries
            .iter()
            .map(|entry| format!("{} = {}  # {}\n", entry.name, entry.value, entry.origin))
            .collect()
    }

    /// The settings on one line, for the log.
    pub(crate) fn summary(&self) -> String {
        let pairs: Vec<String> = self
            .entries
            .iter()
            .map(|entry| format!("{}={}", entry.name, entry.value.trim_matches('"')))
            .collect();
        pairs.join(" ")
    }
}

impl Resolver {
    fn finish(mut self, mut settings: Settings) -> Result<Settings, ConfigError> {
        let filter = tracing_subscriber::EnvFilter::try_new(&settings.log);
        if let Err(error) = filter {
            self.violations
                .push(format!("log = {:?}: {error}", settings.log));
        }
        let fixed_port = settings.listen.port() != 0;
        if fixed_port && settings.listen == settings.http_listen {
            self.violations
                .push("listen and http_listen must differ".to_owned());
        }
        if settings.node_heartbeat * HEARTBEATS_PER_LEASE > settings.node_lease {
            self.violations.push(format!(
                "node_heartbeat = {}: at most a third of node_lease",
                Span(settings.node_heartbeat)
            ));
        }
        if settings.node_id.is_empty() {
            settings.node_id = default_node_id(settings.listen.port());
        }
        if !self.violations.is_empty() {
            return Err(ConfigError(self.violations.join("; ")));
        }
        settings.entries = self.entries;
        Ok(settings)
    }
}
