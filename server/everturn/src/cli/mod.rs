//! The command line: what can be called and how calls are carried out.

mod approval;
mod arguments;
mod conversation;
mod delivery;
mod store;
mod stuck;
mod why;
mod workflow;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Layer, Settings, parse_span};
use crate::render::Output;
use crate::{bench, chat, healthcheck, serve, telemetry};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed for another reason
  2  wrong use: flags, settings, or a request with invalid fields
  3  not found
  4  refused: closed, already there, over a limit, not allowed
  5  unavailable: no coordinator, draining, busy, no answer in time
  6  `workflow wait`: the run is closed, but did not complete";

/// Durable orchestration of AI-agent conversations.
#[derive(Debug, Parser)]
#[command(name = "everturn", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "made once")]
enum Command {
    /// Run the coordinator
    #[command(after_help = "Examples:
  everturn serve
  everturn serve --store /var/lib/everturn/everturn.db --listen 0.0.0.0:7400
  EVERTURN_LOG=debug everturn serve --config everturn.toml

Settings come from flags, then EVERTURN_* variables, then the TOML file, then
defaults. SIGTERM drains; a second one ends the process at once.")]
    Serve(SettingsArgs),
    /// Show or check the coordinator's settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Talk to the agents of a conversation in the terminal
    Chat(chat::ChatArgs),
    /// Submit to, watch, list, change, pause, hand off and close conversations
    Conversation(conversation::ConversationArgs),
    /// Start, show, list, signal, pause, cancel, terminate and await workflows
    Workflow(workflow::WorkflowArgs),
    /// List, show and decide what people are asked to approve
    Approval(approval::ApprovalArgs),
    /// Report what providers say about delivered messages
    Delivery(delivery::DeliveryArgs),
    /// Say why a conversation or workflow does not go on
    Why(why::WhyArgs),
    /// List what waits longer than it should, worst first
    Stuck(stuck::StuckArgs),
    /// Compact the store of a coordinator that does not run
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Succeed if a coordinator is ready
    #[command(after_help = "Example:
  everturn healthcheck --http-address 127.0.0.1:7401 --timeout 2s")]
    Healthcheck(HealthcheckArgs),
    /// Measure a coordinator under load
    Bench(bench::BenchArgs),
    /// Print the version
    Version,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Check the settings and say what is wrong with them
    Check(SettingsArgs),
    /// Print the settings in force and where each comes from
    Show(SettingsArgs),
}

/// Settings and the file they may come from.
#[derive(Args, Debug)]
struct SettingsArgs {
    /// TOML file with settings [default: ./everturn.toml if it exists]
    #[arg(long, env = "EVERTURN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    layer: Layer,
}

impl SettingsArgs {
    fn load(self) -> anyhow::Result<Settings> {
        Ok(config::load(self.layer, self.config.as_deref())?)
    }
}

#[derive(Args, Debug)]
struct HealthcheckArgs {
    /// Address of the coordinator's health checks
    #[arg(
        long,
        env = "EVERTURN_HTTP_ADDRESS",
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:7401"
    )]
    http_address: String,
    /// Longest wait for the answer
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = parse_span)]
    timeout: Duration,
}

/// Reads the command line; ends the process on wrong use and for `--help`.
pub(crate) fn parse() -> Cli {
    Cli::parse()
}

/// Carries out a command.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Serve(args) => serve(args),
        Command::Config(ConfigCommand::Check(args)) => {
            args.load()?;
            Output::new(false).line("settings are valid")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Show(args)) => {
            let settings = args.load()?;
            Output::new(false).line(settings.to_toml().trim_end())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Version => {
            Output::new(false).line(&format!("everturn {}", env!("CARGO_PKG_VERSION")))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Healthcheck(args) => {
            small_runtime()?.block_on(healthcheck::check(&args.http_address, args.timeout))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Conversation(args) => {
            telemetry::install_for_commands()?;
            small_runtime()?.block_on(conversation::run(args))
        }
        Command::Workflow(args) => {
            telemetry::install_for_commands()?;
            small_runtime()?.block_on(workflow::run(args))
        }
        Command::Approval(args) => {
            telemetry::install_for_commands()?;
            small_runtime()?.block_on(approval::run(args))
        }
        Command::Delivery(args) => {
            telemetry::install_for_commands()?;
            small_runtime()?.block_on(delivery::run(args))
        }
        Command::Why(args) => {
            telemetry::install_for_commands()?;
            small_runtime()?.block_on(why::run(args))
        }
        Command::Stuck(args) => {
            telemetry::install_for_commands()?;
            small_runtime()?.block_on(stuck::run(args))
        }
        Command::Store(command) => {
            telemetry::install_for_commands()?;
            small_runtime()?.block_on(store::run(command))
        }
        Command::Chat(args) => {
            telemetry::install_for_commands()?;
            small_runtime()?.block_on(chat::run(args))
        }
        Command::Bench(args) => {
            telemetry::install_for_commands()?;
            server_runtime()?.block_on(bench::run(args))
        }
    }
}

fn serve(args: SettingsArgs) -> anyhow::Result<ExitCode> {
    let settings = args.load()?;
    telemetry::install(&settings)?;
    server_runtime()?.block_on(serve::run(settings))
}

fn small_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

fn server_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
