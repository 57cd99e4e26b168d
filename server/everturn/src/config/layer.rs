//! One layer of settings, read from flags and environment or from a file,
//! and how layers are put on top of each other.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::settings::{LogFormat, Settings};
use super::{ConfigError, Span};

/// File that is read when it exists and no other is named.
const DEFAULT_FILE: &str = "everturn.toml";

/// Settings as one source gives them; what it does not give is `None`. The
/// flags, the environment variables and the file's keys have the same names.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layer {
    /// Address of the gRPC API [default: 127.0.0.1:7400]
    #[arg(long, env = "EVERTURN_LISTEN", value_name = "IP:PORT")]
    pub listen: Option<String>,
    /// Address of health checks and metrics over HTTP [default: 127.0.0.1:7401]
    #[arg(long, env = "EVERTURN_HTTP_LISTEN", value_name = "IP:PORT")]
    pub http_listen: Option<String>,
    /// Where everything is kept: the path of an SQLite file, with or without
    /// the prefix `sqlite:` [default: ./everturn.db]
    #[arg(
        long,
        env = "EVERTURN_STORE",
        value_name = "PATH",
        hide_env_values = true
    )]
    pub store: Option<String>,
    /// Number of partitions, 1 to 256; fixed once the store was created
    /// [default: 0, which is what the store has, and 4 for a new one]
    #[arg(long, env = "EVERTURN_PARTITIONS", value_name = "COUNT")]
    pub partitions: Option<u32>,
    /// How often lists and tables catch up with the log, 10ms to 1m
    /// [default: 1s]
    #[arg(long, env = "EVERTURN_FLUSH_INTERVAL", value_name = "DURATION")]
    pub flush_interval: Option<Span>,
    /// What is logged: a level or directives such as
    /// `info,everturn_runtime=debug` [default: info]
    #[arg(long, env = "EVERTURN_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// How it is logged [default: text on a terminal, json otherwise]
    #[arg(long, env = "EVERTURN_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// How long the coordinator may drain after SIGTERM, up to 10m
    /// [default: 15s]
    #[arg(long, env = "EVERTURN_SHUTDOWN_DEADLINE", value_name = "DURATION")]
    pub shutdown_deadline: Option<Span>,
    /// Most open WatchConversation streams, 1 to 1,000,000 [default: 5000]
    #[arg(long, env = "EVERTURN_MAX_WATCHERS", value_name = "COUNT")]
    pub max_watchers: Option<u32>,
    /// Most open Work streams, 1 to 100,000 [default: 10000]
    #[arg(long, env = "EVERTURN_MAX_WORKERS", value_name = "COUNT")]
    pub max_workers: Option<u32>,
    /// How long a delivered task may stay unacknowledged, 100ms to 10m
    /// [default: 5s]
    #[arg(long, env = "EVERTURN_ACK_TIMEOUT", value_name = "DURATION")]
    pub ack_timeout: Option<Span>,
    /// How often an idle worker stream is pinged, 100ms to 10m [default: 10s]
    #[arg(long, env = "EVERTURN_PING_INTERVAL", value_name = "DURATION")]
    pub ping_interval: Option<Span>,
    /// How long a worker may take for a workflow task before it is offered
    /// again, 100ms to 10m [default: 10s]
    #[arg(long, env = "EVERTURN_WORKFLOW_TASK_TIMEOUT", value_name = "DURATION")]
    pub workflow_task_timeout: Option<Span>,
    /// How long the activities of a worker that vanished are kept for it to
    /// come back, 0s to 10m [default: 10s]
    #[arg(long, env = "EVERTURN_ORPHAN_GRACE", value_name = "DURATION")]
    pub orphan_grace: Option<Span>,
    /// How long a conversation or workflow that only waits stays in memory,
    /// 100ms to 24h [default: 10s]
    #[arg(long, env = "EVERTURN_EVICT_AFTER", value_name = "DURATION")]
    pub evict_after: Option<Span>,
    /// Most tasks that wait in all queues before new work is refused with
    /// BUSY, 1,000 to 100,000,000 [default: 1000000]
    #[arg(long, env = "EVERTURN_MAX_BACKLOG_TASKS", value_name = "COUNT")]
    pub max_backlog_tasks: Option<u32>,
}

/// Reads the file, puts `flags` (with the environment) on top of it and
/// checks the result.
///
/// `named` must exist; without it `./everturn.toml` is read if it does.
pub(crate) fn load(flags: Layer, named: Option<&Path>) -> Result<Settings, ConfigError> {
    let path = named.map_or_else(|| PathBuf::from(DEFAULT_FILE), Path::to_path_buf);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => None,
        Err(error) => return Err(ConfigError(format!("{}: {error}", path.display()))),
    };
    let file = match text {
        Some(text) => Some((parse(&text, &path)?, path)),
        None => None,
    };
    Settings::resolve(flags, file)
}

fn parse(text: &str, path: &Path) -> Result<Layer, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or(text);
            before.matches('\n').count() + 1
        });
        let place = line.map_or(String::new(), |line| format!(":{line}"));
        ConfigError(format!("{}{place}: {}", path.display(), error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Settings, ConfigError> {
        with_flags(Layer::default(), text)
    }

    fn with_flags(flags: Layer, text: &str) -> Result<Settings, ConfigError> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("test.toml");
        std::fs::write(&path, text).expect("a file");
        load(flags, Some(&path))
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let flags = Layer {
            partitions: Some(7),
            ..Layer::default()
        };
        let settings =
            with_flags(flags, "partitions = 2\nflush_interval = \"50ms\"\n").expect("valid");
        assert_eq!(settings.partitions, 7);
        assert_eq!(settings.flush_interval.as_millis(), 50);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:7400");
    }

    #[test]
    fn every_setting_says_where_it_comes_from() {
        let flags = Layer {
            partitions: Some(7),
            ..Layer::default()
        };
        let settings = with_flags(flags, "log = \"debug\"\n").expect("valid");
        let origin = |name: &str| {
            let entry = settings.entries.iter().find(|it| it.name == name);
            entry.expect("a setting").origin.clone()
        };
        assert_eq!(origin("partitions"), "flag or environment");
        assert!(origin("log").ends_with("test.toml"));
        assert_eq!(origin("store"), "default");
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_line_and_key() {
        let error = file("log = \"info\"\npartitoins = 4\n").expect_err("refused");
        assert!(error.0.contains("test.toml:2"), "{error}");
        assert!(error.0.contains("partitoins"), "{error}");
    }

    #[test]
    fn values_out_of_bounds_are_refused_all_at_once() {
        let error = file("partitions = 257\nflush_interval = \"2h\"\nlisten = \"nowhere\"\n")
            .expect_err("refused");
        for name in ["partitions", "flush_interval", "listen"] {
            assert!(error.0.contains(name), "{error}");
        }
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = load(Layer::default(), Some(Path::new("/no/such.toml"))).expect_err("refused");
        assert!(error.0.contains("/no/such.toml"));
    }
}
