//! `everturn store`: the store of a coordinator, beside it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::client_args::OutputFormat;
use crate::config::{self, Layer, Location, Settings};
use crate::render::Output;
use crate::stores::{self, StoreStats};

/// Commands about the store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Write the file anew, so that nothing of what was erased is left in it
    #[command(after_help = "Example:
  everturn store compact --store /var/lib/everturn/everturn.db

The coordinator must not run. While it works it takes the space of the file once
more beside it, and once in the directory for temporary files (SQLITE_TMPDIR).")]
    Compact(StoreArgs),
    /// Show what the file holds: rows and bytes by kind
    #[command(after_help = "Example:
  everturn store stats --store /var/lib/everturn/everturn.db

The coordinator may run. The whole file is read.")]
    Stats(StoreArgs),
}

#[derive(Args, Debug)]
pub(crate) struct StoreArgs {
    /// TOML file with settings [default: ./everturn.toml if it exists]
    #[arg(long, env = "EVERTURN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The path of an SQLite file, or a URL of PostgreSQL [default: ./everturn.db]
    #[arg(
        long,
        env = "EVERTURN_STORE",
        value_name = "PATH_OR_URL",
        hide_env_values = true
    )]
    store: Option<String>,
    /// File whose first line is the password of PostgreSQL
    #[arg(long, env = "EVERTURN_STORE_PASSWORD_FILE", value_name = "FILE")]
    store_password_file: Option<String>,
    /// Form of the output
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: OutputFormat,
}

/// Carries out a command about the store.
pub(crate) async fn run(command: StoreCommand) -> anyhow::Result<ExitCode> {
    match command {
        StoreCommand::Compact(args) => {
            let (settings, output) = resolve(args)?;
            let path = &settings.store;
            let (before, after) = stores::compact(path).await?;
            output.record(
                || json!({ "store": path.to_string(), "bytes_before": before, "bytes_after": after }),
                || format!("compacted {path}: {before} bytes before, {after} after"),
            )?;
        }
        StoreCommand::Stats(args) => {
            let (settings, output) = resolve(args)?;
            let stats = stores::stats(&settings).await?;
            output.record(|| to_json(&settings.store, &stats), || to_text(&stats))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn resolve(args: StoreArgs) -> anyhow::Result<(Settings, Output)> {
    let flags = Layer {
        store: args.store,
        store_password_file: args.store_password_file,
        ..Layer::default()
    };
    let settings = config::load(flags, args.config.as_deref())?;
    let output = Output::new(args.output == OutputFormat::Json);
    Ok((settings, output))
}

fn to_json(location: &Location, stats: &StoreStats) -> Value {
    let kinds = stats.kinds.iter().map(|kind| {
        let figures = json!({ "rows": kind.rows, "bytes": kind.bytes });
        (kind.kind.to_owned(), figures)
    });
    json!({
        "store": location.to_string(),
        "kinds": kinds.collect::<serde_json::Map<_, _>>(),
        "free_bytes": stats.free_bytes,
        "file_bytes": stats.file_bytes,
        "write_ahead_bytes": stats.write_ahead_bytes,
    })
}

fn to_text(stats: &StoreStats) -> String {
    let kinds = stats.kinds.iter();
    let mut lines: Vec<String> = kinds
        .map(|kind| {
            format!(
                "{:<16}{:>12} rows {:>16} bytes",
                kind.kind, kind.rows, kind.bytes
            )
        })
        .collect();
    let others = [
        ("free", stats.free_bytes),
        ("file", stats.file_bytes),
        ("write-ahead log", stats.write_ahead_bytes),
    ];
    lines.extend(others.map(|(name, bytes)| format!("{name:<16}{bytes:>34} bytes")));
    lines.join("\n")
}
