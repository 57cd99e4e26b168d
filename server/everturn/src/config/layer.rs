//! One layer of settings: flags and environment, or a file.

use clap::Args;
use serde::Deserialize;

use super::log_format::LogFormat;
use super::{Size, Span};

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
    /// Where everything is kept: the path of an SQLite file, or a URL such as
    /// `postgres://everturn@db:5432/everturn` [default: ./everturn.db]
    #[arg(
        long,
        env = "EVERTURN_STORE",
        value_name = "PATH_OR_URL",
        hide_env_values = true
    )]
    pub store: Option<String>,
    /// File whose first line is the password of PostgreSQL [default: none; the
    /// URL, PGPASSWORD and the file of PGPASSFILE are looked at]
    #[arg(long, env = "EVERTURN_STORE_PASSWORD_FILE", value_name = "FILE")]
    pub store_password_file: Option<String>,
    /// Number of partitions, 1 to 256; fixed once the store was created
    /// [default: 0, which is what the store has, and for a new one 4 in SQLite,
    /// 16 in PostgreSQL]
    #[arg(long, env = "EVERTURN_PARTITIONS", value_name = "COUNT")]
    pub partitions: Option<u32>,
    /// Id of this node among those that share a database, the same after a
    /// restart [default: the host's name and the port of `listen`]
    #[arg(long, env = "EVERTURN_NODE_ID", value_name = "ID")]
    pub node_id: Option<String>,
    /// How long a node that the database does not hear of keeps its partitions,
    /// 1s to 5m [default: 5s]
    #[arg(long, env = "EVERTURN_NODE_LEASE", value_name = "DURATION")]
    pub node_lease: Option<Span>,
    /// How often a node tells the database that it lives, at most a third of
    /// the lease, 100ms to 1m [default: 1s]
    #[arg(long, env = "EVERTURN_NODE_HEARTBEAT", value_name = "DURATION")]
    pub node_heartbeat: Option<Span>,
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
    /// How much memory the coordinator may use, 64MiB or more: what only waits
    /// leaves memory when it is short, and near the limit new work is refused
    /// with BUSY [default: half of what the machine or container has]
    #[arg(long, env = "EVERTURN_MEMORY_LIMIT", value_name = "SIZE")]
    pub memory_limit: Option<Size>,
    /// Most tasks that wait in all queues before new work is refused with
    /// BUSY, 1,000 to 100,000,000 [default: 10000000]
    #[arg(long, env = "EVERTURN_MAX_BACKLOG_TASKS", value_name = "COUNT")]
    pub max_backlog_tasks: Option<u32>,
}
