//! `cargo xtask test`: every check and test of every language, in order. A
//! failing step does not stop the others; the last line says `N passed, N
//! failed`, counted in test cases.

mod counts;
mod steps;

use std::time::Instant;

use anyhow::Result;

use crate::console::{Progress, seconds};
use crate::job::{Outcome, tail};
use crate::layout::Layout;
use crate::setup;
use counts::Counts;
use steps::{Action, Step};

/// Options of the tests.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Areas to test; all when none is given.
    #[arg(value_enum)]
    areas: Vec<Area>,
    /// Run them this many times, to find what fails by chance. What only sets
    /// up is done once.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    repeat: u32,
}

impl Options {
    /// One area, once.
    pub fn of(area: Area) -> Self {
        Self {
            areas: vec![area],
            repeat: 1,
        }
    }
}

/// A part of the repository that can be tested alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Area {
    /// Formatting, lints and tests of the Rust workspace.
    Rust,
    /// House rules that no compiler knows, circles of imports among them.
    Tidy,
    /// Lint and format of the API, and whether the stubs are up to date.
    Proto,
    /// The Python SDK.
    Python,
    /// The TypeScript SDK.
    Typescript,
    /// The support-desk example.
    Example,
    /// Code snippets in the documentation.
    Docs,
    /// Tests with real processes of all languages.
    Cross,
    /// A short demo.
    Demo,
}

/// A step that is over.
struct Finished {
    name: String,
    counts: Counts,
    seconds: String,
}

/// Runs the steps of the chosen areas; true when nothing failed.
pub fn run(layout: &Layout, options: &Options) -> Result<bool> {
    setup::check_prerequisites()?;
    let begin = Instant::now();
    let mut finished = Vec::new();
    for round in 1..=options.repeat {
        if options.repeat > 1 {
            eprintln!("round {round} of {}", options.repeat);
        }
        run_round(layout, options, round, &mut finished);
    }
    Ok(summarise(&finished, begin))
}

fn run_round(layout: &Layout, options: &Options, round: u32, finished: &mut Vec<Finished>) {
    let mut heading = None;
    for step in steps::all(layout) {
        let Some(area) = step.chosen(&options.areas) else {
            continue;
        };
        if round > 1 && matches!(step.counter, counts::Counter::Setup) {
            continue;
        }
        if heading != Some(area) {
            eprintln!("{}", format!("{area:?}").to_lowercase());
            heading = Some(area);
        }
        run_step(layout, step, finished);
    }
}

fn run_step(layout: &Layout, step: Step, finished: &mut Vec<Finished>) {
    let counter = step.counter;
    match step.action {
        Action::Check(check) => {
            let progress = Progress::start(&step.name);
            let begin = Instant::now();
            let problem = match check(layout) {
                Ok(true) => None,
                Ok(false) => Some(String::new()),
                Err(error) => Some(format!("        {error:#}")),
            };
            progress.finish(problem.is_none(), "");
            let counts = counts::of_step(counter, problem.is_none(), "");
            if let Some(problem) = problem {
                eprintln!("{problem}");
            }
            finished.push(Finished {
                name: step.name,
                counts,
                seconds: seconds(begin.elapsed()),
            });
        }
        Action::Jobs(jobs) => match jobs(layout) {
            Ok(jobs) => {
                for job in jobs {
                    let name = job.name().to_owned();
                    let begin = Instant::now();
                    let (progress, outcome) = job.run_under(Progress::start(&name));
                    let (is_ok, counts, output) = judge(counter, outcome);
                    progress.finish(is_ok, &counts.to_string());
                    if !is_ok {
                        eprintln!("{output}");
                    }
                    finished.push(Finished {
                        name,
                        counts,
                        seconds: seconds(begin.elapsed()),
                    });
                }
            }
            Err(error) => {
                Progress::start(&step.name).finish(false, &format!("{error:#}"));
                finished.push(Finished {
                    name: step.name,
                    counts: counts::of_step(counter, false, ""),
                    seconds: seconds(std::time::Duration::ZERO),
                });
            }
        },
    }
}

fn judge(counter: counts::Counter, outcome: Result<Outcome>) -> (bool, Counts, String) {
    match outcome {
        Ok(outcome) => {
            let counts = counts::of_step(counter, outcome.is_ok, &outcome.output);
            let shown = format!(
                "{}\n        the whole output is in {}",
                tail(&outcome.output),
                outcome.log.display()
            );
            (counts.failed == 0, counts, shown)
        }
        Err(error) => (
            false,
            counts::of_step(counter, false, ""),
            format!("        {error:#}"),
        ),
    }
}

/// Says what ran; the very last line is the one that machines read.
fn summarise(finished: &[Finished], begin: Instant) -> bool {
    println!("\nWhat ran:");
    for step in finished {
        println!("  {:<46} {:>9}  {}", step.name, step.seconds, step.counts);
    }
    let passed: u64 = finished.iter().map(|step| step.counts.passed).sum();
    let failed: u64 = finished.iter().map(|step| step.counts.failed).sum();
    let ignored: u64 = finished.iter().map(|step| step.counts.ignored).sum();
    if ignored > 0 {
        println!("{ignored} not run: ignored by their authors");
    }
    for step in finished.iter().filter(|step| step.counts.failed > 0) {
        println!("failed: {}", step.name);
    }
    println!("took {}", seconds(begin.elapsed()));
    println!("{passed} passed, {failed} failed");
    failed == 0
}
