//! `cargo xtask behaviours [NAME]`: every case of `tests/behaviours`, in every
//! language that has one, against a real coordinator. A line per case while it
//! goes, and as the last line `N passed, N failed`.

mod case;
mod catalogue;
mod coordinator;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::console::seconds;
use crate::job::{Job, cargo};
use crate::layout::{Layout, Profile};
use crate::setup;
use case::{Running, Verdict};
use catalogue::{Behaviour, Language};
use coordinator::{Coordinator, Starter};

/// Where the behaviours are.
pub const FOLDER: &str = "tests/behaviours";
const TICK: Duration = Duration::from_millis(10);

/// Options of the behaviours.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Behaviours to check, by the names of their folders; all when none is
    /// given.
    names: Vec<String>,
    /// Only the cases of one language.
    #[arg(long, value_enum)]
    language: Option<Language>,
    /// Cases at a time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
    /// Coordinator to check; built when it is not given.
    #[arg(long, value_name = "PATH")]
    coordinator: Option<PathBuf>,
    /// Where the coordinators keep everything.
    #[arg(long, value_enum, default_value_t = Store::Sqlite)]
    store: Store,
    /// Everything is built already.
    #[arg(long)]
    built: bool,
}

/// Where coordinators keep everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Store {
    /// A file each.
    Sqlite,
    /// A database each, of one PostgreSQL.
    Postgres,
}

impl Store {
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Runs the chosen cases; true when all of them passed.
pub fn run(layout: &Layout, options: &Options) -> Result<bool> {
    let behaviours = catalogue::chosen(layout, &options.names)?;
    if !options.built {
        setup::check_prerequisites()?;
        prepare(layout, options.coordinator.is_none())?;
    }
    let program = match &options.coordinator {
        Some(path) => path.canonicalize().context("no such coordinator")?,
        None => layout.target(Profile::Dev).join("everturn"),
    };
    let queue = queue(&behaviours, options.language);
    if queue.is_empty() {
        bail!("no case is in that language");
    }
    let config = layout.path(FOLDER).join("coordinator.toml");
    let starter = Starter {
        layout,
        program: &program,
        store: options.store,
    };
    let mut shared = starter.start("shared", &config)?;
    let jobs = usize::from(options.jobs);
    let begin = Instant::now();
    let mut failures = run_cases(&starter, &shared, queue.clone(), jobs)?;
    if let Some(problem) = shared.problem() {
        failures.push(format!(
            "  FAILED  the coordinator itself: {problem}\n          its log is {}",
            shared.log().display()
        ));
    }
    // Last, and all of them: what is kept of a long output is its end.
    for failure in &failures {
        println!("{failure}");
    }
    println!("took {}", seconds(begin.elapsed()));
    let failed = failures.len();
    let passed = (queue.len() + usize::from(shared.problem().is_some())).saturating_sub(failed);
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

/// The behaviours as a step of the tests: everything is built already.
///
/// Through cargo, because an earlier step may have built this program anew and
/// the file that runs is gone.
pub fn test_job(layout: &Layout, store: Store) -> Job {
    let name = format!("behaviours: {}", store.name());
    Job::new(layout, &name, cargo())
        .args(["run", "--quiet", "--package", "xtask", "--"])
        .args(["behaviours", "--built", "--store", store.name()])
}

fn prepare(layout: &Layout, with_coordinator: bool) -> Result<()> {
    let mut jobs = Vec::new();
    if with_coordinator {
        jobs.push(setup::binaries(layout, Profile::Dev));
    }
    jobs.extend(setup::venv(layout)?);
    jobs.extend(setup::npm_tools(layout)?);
    jobs.extend(setup::npm_ci(layout, setup::TYPESCRIPT_SDK)?);
    jobs.push(setup::npm_build(layout, setup::TYPESCRIPT_SDK));
    jobs.extend(setup::npm_ci(layout, FOLDER)?);
    jobs.push(setup::npm_build(layout, FOLDER));
    for job in jobs {
        job.run()?;
    }
    Ok(())
}

fn queue(behaviours: &[Behaviour], language: Option<Language>) -> VecDeque<(Behaviour, Language)> {
    behaviours
        .iter()
        .flat_map(|behaviour| {
            let languages = behaviour.languages.iter();
            languages.map(|language| (behaviour.clone(), *language))
        })
        .filter(|(_, found)| language.is_none_or(|wanted| wanted == *found))
        .collect()
}

/// Runs cases, so many at a time; the number of those that failed.
fn run_cases(
    starter: &Starter<'_>,
    shared: &Coordinator,
    mut queue: VecDeque<(Behaviour, Language)>,
    jobs: usize,
) -> Result<Vec<String>> {
    let mut running: Vec<Running> = Vec::new();
    let mut failures = Vec::new();
    // Nothing is ever sent: the channel is a clock that needs no sleep.
    let (_keep, clock) = mpsc::sync_channel::<()>(1);
    while !queue.is_empty() || !running.is_empty() {
        if running.len() < jobs
            && let Some((behaviour, language)) = queue.pop_front()
        {
            let own = match &behaviour.config {
                Some(config) => {
                    let name = format!("{}-{}", behaviour.name, language.name());
                    Some(starter.start(&name, config)?)
                }
                None => None,
            };
            let layout = starter.layout;
            running.push(Running::start(layout, &behaviour, language, shared, own)?);
            continue;
        }
        let mut index = 0;
        while index < running.len() {
            match running[index].poll()? {
                Some(verdict) => {
                    let case = running.swap_remove(index);
                    let line = line(&case, &verdict);
                    println!("{line}");
                    failures.extend(failure(&case, &verdict, line));
                }
                None => index += 1,
            }
        }
        let _ = clock.recv_timeout(TICK);
    }
    Ok(failures)
}

fn line(case: &Running, verdict: &Verdict) -> String {
    let word = if verdict.problem.is_none() {
        "ok"
    } else {
        "FAILED"
    };
    let took = seconds(verdict.took);
    format!(
        "  {word:<6}  {:<40} {:<10} {took:>7}",
        case.name(),
        case.language().name()
    )
}

/// What is said of a case that failed, its line first.
fn failure(case: &Running, verdict: &Verdict, line: String) -> Option<String> {
    let problem = verdict.problem.as_ref()?;
    let mut text = line;
    for line in problem.lines() {
        text.push_str("\n            ");
        text.push_str(line);
    }
    let log = case.log().display();
    Some(format!("{text}\n            (its log is {log})"))
}
