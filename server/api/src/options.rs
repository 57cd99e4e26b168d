//! What can be set about the services.

use std::time::Duration;

/// Settings of the gRPC services.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of one gRPC message, in both directions. Default 4 MiB.
    pub message_bytes: usize,
    /// How long a new worker stream may take to say Hello. Default 10 s.
    pub hello_timeout: Duration,
    /// Whether the server describes its services to tools such as grpcurl.
    /// Default true.
    pub reflection: bool,
    /// Calls that one connection may have open. Default 20,000.
    pub streams_per_connection: u32,
    /// How often an idle connection is asked for a sign of life. Default 30 s.
    pub keepalive_interval: Duration,
    /// How long it may take to give one. Default 20 s.
    pub keepalive_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            message_bytes: 4 * 1024 * 1024,
            hello_timeout: Duration::from_secs(10),
            reflection: true,
            streams_per_connection: 20_000,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
        }
    }
}
