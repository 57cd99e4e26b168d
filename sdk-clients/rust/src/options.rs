//! How a client connects: address, namespace, timeouts, keepalive, retries.

use std::time::Duration;

/// Address that a client uses when none is given.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:7400";
/// Namespace that a client uses when none is given.
pub const DEFAULT_NAMESPACE: &str = "default";

/// How a client connects. `ConnectOptions::default()` holds the documented
/// defaults; `from_env` overlays `EVERTURN_ADDRESS` and `EVERTURN_NAMESPACE`.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Address of the coordinator: `host:port` or `http://host:port`. Default
    /// `127.0.0.1:7400`.
    pub address: String,
    /// Namespace of every request that names none. Default `default`.
    pub namespace: String,
    /// Longest time to open a connection. Default 5 s.
    pub connect_timeout: Duration,
    /// Longest time of one attempt of a unary call; a long poll may take its
    /// own wait on top. Default 10 s.
    pub request_timeout: Duration,
    /// Silence after which the connection is probed. Default 30 s.
    pub keepalive_interval: Duration,
    /// How long a probe may stay unanswered. Default 20 s.
    pub keepalive_timeout: Duration,
    /// When failed attempts are repeated.
    pub retry: RetryOptions,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            address: DEFAULT_ADDRESS.to_owned(),
            namespace: DEFAULT_NAMESPACE.to_owned(),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            retry: RetryOptions::default(),
        }
    }
}

impl ConnectOptions {
    /// The defaults, overlaid with `EVERTURN_ADDRESS` and
    /// `EVERTURN_NAMESPACE` where they are set and not empty.
    #[must_use]
    pub fn from_env() -> Self {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut options = Self::default();
        if let Some(address) = set("EVERTURN_ADDRESS") {
            options.address = address;
        }
        if let Some(namespace) = set("EVERTURN_NAMESPACE") {
            options.namespace = namespace;
        }
        options
    }

    /// The address as a URI: `http://` is put in front of a bare `host:port`.
    pub(crate) fn uri(&self) -> String {
        if self.address.contains("://") {
            self.address.clone()
        } else {
            format!("http://{}", self.address)
        }
    }
}

/// When failed attempts are repeated. Only `UNAVAILABLE`, and
/// `RESOURCE_EXHAUSTED` with a delay from the server, ever are.
#[derive(Clone, Debug)]
pub struct RetryOptions {
    /// Attempts in all, the first included. Default 8; 1 means no retries.
    pub maximum_attempts: u32,
    /// Delay before the second attempt; it doubles from there. Default 50 ms.
    pub initial_delay: Duration,
    /// Upper bound of a delay, the server's included. Default 5 s.
    pub maximum_delay: Duration,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self {
            maximum_attempts: 8,
            initial_delay: Duration::from_millis(50),
            maximum_delay: Duration::from_secs(5),
        }
    }
}

impl RetryOptions {
    /// No retries: every error reaches the caller at once.
    #[must_use]
    pub fn none() -> Self {
        Self {
            maximum_attempts: 1,
            ..Self::default()
        }
    }
}
