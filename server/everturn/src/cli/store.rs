//! `everturn store`: the store of a coordinator, beside it.

mod whole;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::client_args::OutputFormat;
use crate::config::{self, Layer, Location, Settings};
use crate::render::Output;
use crate::stores::{self, StoreStats};
use whole::CopyArgs;

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
    /// Bring the tables up to date, or make them
    #[command(after_help = "Example:
  everturn store migrate --store postgres://everturn@db:5432/everturn

A coordinator does this by itself when it starts. A database that is not there
is created, if the role may. Nodes of the version before go on working.")]
    Migrate(StoreArgs),
    /// Look for what must not be: gaps in logs and journals, unreadable states
    #[command(after_help = "Example:
  everturn store check --store ./everturn.db

The coordinator must not run. Everything is read. Ends with exit code 4 when
something is found.")]
    Check(StoreArgs),
    /// Copy everything from one store to another, empty one
    #[command(after_help = "Examples:
  everturn store copy ./everturn.db postgres://everturn@db:5432/everturn
  everturn store copy postgres://everturn@db:5432/everturn ./everturn.db

No coordinator may use either. Every conversation and workflow is compared by a
checksum once it is written. A copy that was cut off goes on with --resume.
Passwords come from PGPASSWORD or the file of PGPASSFILE.")]
    Copy(CopyArgs),
    /// Copy the file of a coordinator, which may run
    #[command(after_help = "Example:
  everturn store backup --store /var/lib/everturn/everturn.db --to /backup/monday.db

The copy is as the file was at one moment. To restore it, stop the coordinator
and put the copy in the place of the file, without files ending in -wal or -shm
beside it. For PostgreSQL use pg_dump or pg_basebackup.")]
    Backup(BackupArgs),
}

#[derive(Args, Debug)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    store: StoreArgs,
    /// The file to write; it must not exist
    #[arg(long, value_name = "PATH")]
    to: PathBuf,
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
        StoreCommand::Migrate(args) => {
            let (settings, output) = resolve(args)?;
            let store = stores::open(&settings).await?;
            let (kind, partitions) = (store.kind(), store.partition_count());
            store.close().await?;
            let path = &settings.store;
            output.record(
                || json!({ "store": path.to_string(), "kind": kind, "partitions": partitions }),
                || format!("{path} is up to date: {kind}, {partitions} partitions"),
            )?;
        }
        StoreCommand::Check(args) => {
            let (settings, output) = resolve(args)?;
            return whole::check(&settings, output).await;
        }
        StoreCommand::Copy(args) => whole::copy(args).await?,
        StoreCommand::Backup(args) => {
            let (settings, output) = resolve(args.store)?;
            let bytes = stores::backup(&settings.store, &args.to).await?;
            let (path, to) = (&settings.store, args.to.display());
            output.record(
                || json!({ "store": path.to_string(), "to": to.to_string(), "bytes": bytes }),
                || format!("copied {path} to {to}: {bytes} bytes"),
            )?;
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
