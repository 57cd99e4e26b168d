//! Structured logs on standard error: text on a terminal, JSON otherwise.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

/// Installs the log of the coordinator.
pub(crate) fn install(settings: &Settings) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log)?;
    let is_text = match settings.log_format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let installed = if is_text {
        builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .try_init()
    };
    installed.map_err(|error| anyhow::anyhow!("cannot install the log: {error}"))
}

/// Installs the log of the client commands: warnings as text, or what
/// `EVERTURN_LOG` says.
pub(crate) fn install_for_commands() -> anyhow::Result<()> {
    let directives = std::env::var("EVERTURN_LOG").unwrap_or_else(|_| "warn".to_owned());
    let filter = EnvFilter::try_new(directives)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init()
        .map_err(|error| anyhow::anyhow!("cannot install the log: {error}"))
}
