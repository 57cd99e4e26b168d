//! The `everturn` program: the coordinator, its command line and its load
//! generator.

#![expect(
    clippy::result_large_err,
    reason = "failures are data that workers report"
)]

mod bench;
mod chat;
mod cli;
mod client_args;
mod config;
mod exit;
mod healthcheck;
mod http;
mod memory;
mod metrics;
mod render;
mod serve;
mod shutdown;
mod stores;
mod telemetry;

use std::process::ExitCode;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = cli::parse();
    match cli::run(cli) {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
