//! The player of the support-desk demo: starts the coordinator and the
//! workers, plays a cast of scripted customers against them, kills the
//! coordinator twice in the middle, and checks what came of it.

mod audit;
mod books;
mod cast;
mod environment;
mod evidence;
mod journals;
mod kills;
mod outbox;
mod play;
mod policies;
mod ports;
mod processes;
mod report;
mod script;
mod staff;
mod stage;
mod transcript;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use tokio::task::JoinSet;

use crate::environment::Pace;
use crate::processes::{Fleet, Locations};
use crate::stage::Stage;

/// The whole demo must be over by then.
const DEADLINE: Duration = Duration::from_secs(240);
/// How long the transcripts must stay still before they are judged.
const SETTLE: Duration = Duration::from_secs(2);

#[derive(Parser)]
#[command(about = "Plays the customers of the support-desk example")]
struct Arguments {
    /// The `everturn` binary.
    #[arg(long)]
    coordinator: PathBuf,
    /// A Python interpreter that has `support_agents`.
    #[arg(long)]
    python: PathBuf,
    /// Folder of the built TypeScript conversation.
    #[arg(long)]
    conversation: PathBuf,
    /// Folder of the store; emptied first.
    #[arg(long)]
    store_dir: PathBuf,
    /// Folder for the processes' logs.
    #[arg(long)]
    logs_dir: PathBuf,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Leave the processes running.
    #[arg(long)]
    keep: bool,
    /// Shorter waits.
    #[arg(long)]
    fast: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match demo(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Plays everything; true if every expectation held.
async fn demo(arguments: Arguments) -> Result<bool> {
    let pace = if arguments.fast {
        Pace::FAST
    } else {
        Pace::CALM
    };
    let locations = Locations {
        coordinator: arguments.coordinator,
        python: arguments.python,
        conversation: arguments.conversation,
        store_dir: arguments.store_dir,
        logs_dir: arguments.logs_dir,
    };
    let mut fleet = Fleet::prepare(locations, pace, arguments.keep)?;
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(DEADLINE, show(&mut fleet, pace, arguments.json)) => {
            outcome.context("the demo took longer than 240 s").flatten()
        }
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    match &outcome {
        Ok(_) if arguments.keep => fleet.leave()?,
        _ => fleet.stop().await,
    }
    if let Ok((report, _)) = &outcome
        && arguments.json
    {
        println!("{}", report.to_json());
    }
    if outcome.is_err() {
        eprintln!("logs of all processes: {}", fleet.logs_dir().display());
    }
    outcome.map(|(_, is_ok)| is_ok)
}

async fn show(fleet: &mut Fleet, pace: Pace, json: bool) -> Result<(report::Report, bool)> {
    fleet.start().await?;
    let stage = Arc::new(Stage::new(fleet.client()?));
    let cast = cast::cast(pace);
    stage.announce(&format!(
        "{} customers, three Python workers, one TypeScript worker, coordinator at {}",
        cast.len(),
        fleet.address()
    ));
    stage.announce(&format!(
        "on purpose, {:.0} % of the agents' attempts fail and each takes up to {} ms longer",
        environment::FAULT_RATE * 100.0,
        pace.latency_ms_max
    ));
    stage.announce("customers write ->, the shop answers <-");
    let mut acts = JoinSet::new();
    for (position, customer) in cast.into_iter().enumerate() {
        acts.spawn(play::play(Arc::clone(&stage), customer, position, pace));
    }
    let kills = kills::carry_out(fleet, &stage).await?;
    let mut played = Vec::new();
    while let Some(act) = acts.join_next().await {
        played.push(act.context("a customer's task broke")?);
        fleet.check_alive()?;
    }
    played.sort_by_key(|act| act.position);
    tokio::time::sleep(SETTLE).await;
    let mut audit = audit::audit(&stage, &fleet.books(), &played).await?;
    outbox::check(&mut audit, &stage, &played, &fleet.providers_log()).await?;
    let report = report::Report::new(&played, audit, kills, stage.pieces());
    report.print(json);
    let is_ok = report.is_ok();
    Ok((report, is_ok))
}

/// Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
