//! The repository's own tasks: `cargo xtask demo`, `test`, `behaviours` and
//! `tidy`.

mod behaviours;
mod circles;
mod console;
mod demo;
mod job;
mod layout;
mod rules;
mod setup;
mod snippets;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::layout::Layout;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the Everturn repository")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build everything, play scripted customers, kill the coordinator in the
    /// middle, and check that nothing was lost or said twice.
    Demo(demo::Options),
    /// Run every check and test, or those of some areas.
    Test(test::Options),
    /// Check the behaviours of `tests/behaviours`, in every language, against a
    /// real coordinator.
    Behaviours(behaviours::Options),
    /// Write what comes from the table of rules, `proto/rules.json`.
    Rules,
    /// Check the house rules that no compiler knows: `test tidy`.
    Tidy,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = Layout::find().and_then(|layout| match arguments.task {
        Task::Demo(options) => demo::run(&layout, &options),
        Task::Test(options) => test::run(&layout, &options),
        Task::Behaviours(options) => behaviours::run(&layout, &options),
        Task::Rules => rules::run(&layout),
        Task::Tidy => test::run(&layout, &test::Options::of(test::Area::Tidy)),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
