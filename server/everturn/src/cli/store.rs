//! `everturn store`: the store of a coordinator that does not run.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::client_args::OutputFormat;
use crate::compact;
use crate::config::{self, Layer};
use crate::render::Output;

/// Commands about the store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Write the file anew, so that nothing of what was erased is left in it
    #[command(after_help = "Example:
  everturn store compact --store /var/lib/everturn/everturn.db

The coordinator must not run. While it works it takes the space of the file once
more beside it, and once in the directory for temporary files (SQLITE_TMPDIR).")]
    Compact(CompactArgs),
}

#[derive(Args, Debug)]
pub(crate) struct CompactArgs {
    /// TOML file with settings [default: ./everturn.toml if it exists]
    #[arg(long, env = "EVERTURN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Path of the SQLite file [default: ./everturn.db]
    #[arg(
        long,
        env = "EVERTURN_STORE",
        value_name = "PATH",
        hide_env_values = true
    )]
    store: Option<String>,
    /// Form of the output
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: OutputFormat,
}

/// Carries out a command about the store.
pub(crate) async fn run(command: StoreCommand) -> anyhow::Result<ExitCode> {
    let StoreCommand::Compact(args) = command;
    let flags = Layer {
        store: args.store,
        ..Layer::default()
    };
    let settings = config::load(flags, args.config.as_deref())?;
    let (before, after) = compact::run(&settings.store).await?;
    let path = settings.store.display().to_string();
    Output::new(args.output == OutputFormat::Json).record(
        || json!({ "store": path, "bytes_before": before, "bytes_after": after }),
        || format!("compacted {path}: {before} bytes before, {after} after"),
    )?;
    Ok(ExitCode::SUCCESS)
}
