//! Commands that read a whole store: check and copy.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use everturn_store::{CopyOptions, CopyProgress};
use serde_json::json;

use crate::client_args::OutputFormat;
use crate::config::{ConfigError, Location, Settings};
use crate::exit::Refused;
use crate::render::Output;
use crate::stores;

/// How often it is said how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(2);
/// Findings that are printed.
const FINDINGS_SHOWN: usize = 100;
/// Exit code of a check that found something.
const FOUND: u8 = 4;

#[derive(Args, Debug)]
pub(crate) struct CopyArgs {
    /// The path of an SQLite file, or a URL of PostgreSQL
    #[arg(value_name = "FROM")]
    from: String,
    /// Where to: a file that is not there, or an empty database
    #[arg(value_name = "TO")]
    to: String,
    /// Go on with a copy that was cut off
    #[arg(long)]
    resume: bool,
    /// File whose first line is the password of PostgreSQL
    #[arg(long, env = "EVERTURN_STORE_PASSWORD_FILE", value_name = "FILE")]
    store_password_file: Option<PathBuf>,
    /// Form of the output
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: OutputFormat,
}

/// Says how far something is, now and then, on standard error.
struct Progress(Instant);

impl Progress {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn say(&mut self, text: impl FnOnce() -> String) {
        if self.0.elapsed() >= PROGRESS_INTERVAL {
            self.0 = Instant::now();
            eprintln!("{}", text());
        }
    }
}

/// Copies everything from one store to another.
pub(super) async fn copy(args: CopyArgs) -> anyhow::Result<()> {
    let location = |name: &str, text: &str| {
        Location::parse(text).map_err(|problem| ConfigError(format!("{name}: {problem}")))
    };
    let (from, to) = (location("FROM", &args.from)?, location("TO", &args.to)?);
    if from == to {
        return Err(ConfigError("FROM and TO are the same".to_owned()).into());
    }
    stores::must_be_there(&from)?;
    let password = args.store_password_file.as_deref();
    let source = stores::open_whole(&from, password, None).await?;
    let partitions = Some(source.partition_count());
    let target = stores::open_whole(&to, password, partitions).await?;
    let begin = Instant::now();
    let mut progress = Progress::new();
    let options = CopyOptions {
        resume: args.resume,
    };
    let copied = everturn_store::copy(source.as_ref(), target.as_ref(), options, |it| {
        progress.say(|| format!("{} of {} conversations and workflows", it.roots, it.total));
    })
    .await;
    let closed = (source.close().await, target.close().await);
    let copied = match copied {
        Err(everturn_store::Error::Unusable(why)) => return Err(Refused(why).into()),
        other => other.with_context(|| format!("cannot copy {from} to {to}"))?,
    };
    closed.0?;
    closed.1?;
    let seconds = begin.elapsed().as_secs_f64();
    let output = Output::new(args.output == OutputFormat::Json);
    let CopyProgress {
        roots, found, log, ..
    } = copied;
    output.record(
        || {
            json!({ "from": from.to_string(), "to": to.to_string(), "roots": roots,
                    "found": found, "log_rows": log, "seconds": seconds })
        },
        || {
            format!(
                "copied {from} to {to}: {roots} conversations and workflows ({found} were there), \
                 {log} rows of the log, all compared, in {seconds:.1} s"
            )
        },
    )?;
    Ok(())
}

/// Looks for what must not be.
pub(super) async fn check(settings: &Settings, output: Output) -> anyhow::Result<ExitCode> {
    let location = &settings.store;
    stores::must_be_there(location)?;
    let password = settings.store_password_file.as_deref();
    let store = stores::open_whole(location, password, None).await?;
    let mut progress = Progress::new();
    let mut looked_at = (0, 0);
    let idle = store.must_be_idle().await;
    if let Err(everturn_store::Error::Unusable(why)) = idle {
        return Err(Refused(why).into());
    }
    let findings = everturn_store::check(store.as_ref(), everturn_runtime::verify_root, |it| {
        looked_at = (it.roots, it.log);
        progress.say(|| format!("{} of {} conversations and workflows", it.roots, it.total));
    })
    .await;
    store.close().await?;
    let findings = findings.with_context(|| format!("cannot read {location}"))?;
    let (roots, log) = looked_at;
    output.record(
        || {
            let shown = findings.iter().take(FINDINGS_SHOWN);
            let shown = shown.map(|it| json!({ "subject": it.subject, "problem": it.problem }));
            json!({ "store": location.to_string(), "roots": roots, "log_rows": log,
                    "problems": findings.len(), "findings": shown.collect::<Vec<_>>() })
        },
        || {
            let shown = findings.iter().take(FINDINGS_SHOWN);
            let mut lines: Vec<String> =
                shown.map(|it| format!("{}: {}", it.subject, it.problem)).collect();
            lines.push(format!(
                "{location}: {roots} conversations and workflows, {log} rows of the log: {} problems",
                findings.len()
            ));
            lines.join("\n")
        },
    )?;
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FOUND)
    })
}
