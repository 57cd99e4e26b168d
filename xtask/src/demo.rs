//! `cargo xtask demo`: makes everything ready, then hands over to the player
//! in `examples/support-desk/player`, which starts the processes and plays.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::job::Job;
use crate::layout::{Layout, Profile};
use crate::setup;

/// Options of the demo.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Leave the coordinator and the workers running and say how to talk to
    /// them.
    #[arg(long)]
    keep: bool,
    /// Shorter waits: for tests.
    #[arg(long)]
    fast: bool,
    /// Which build of the coordinator to play with.
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
}

/// Builds, then becomes the player; returns only when that is impossible.
pub fn run(layout: &Layout, options: &Options) -> Result<bool> {
    eprintln!("Making ready (the first time takes some minutes; later runs start at once)");
    setup::check_prerequisites()?;
    prepare(layout, options.profile)?;
    let mut player = player(layout, options.profile);
    for (flag, is_set) in [
        ("--json", options.json),
        ("--keep", options.keep),
        ("--fast", options.fast),
    ] {
        if is_set {
            player.arg(flag);
        }
    }
    eprintln!();
    // The player takes the place of this process, so that Ctrl-C and the exit
    // code are its own.
    let error = player.exec();
    bail!(
        "cannot run {}: {error}",
        player.get_program().to_string_lossy()
    )
}

/// Everything that the player needs.
fn prepare(layout: &Layout, profile: Profile) -> Result<()> {
    setup::binaries(layout, profile).run()?;
    let mut jobs = setup::venv(layout)?;
    jobs.extend(setup::npm_ci(layout, setup::TYPESCRIPT_SDK)?);
    jobs.push(setup::npm_build(layout, setup::TYPESCRIPT_SDK));
    for job in jobs {
        job.run()?;
    }
    for job in setup::npm_ci(layout, setup::CONVERSATION)? {
        job.run()?;
    }
    setup::npm_build(layout, setup::CONVERSATION).run()?;
    setup::train(layout)
        .run()
        .context("the example's model could not be trained")
}

fn player(layout: &Layout, profile: Profile) -> Command {
    let target = layout.target(profile);
    let mut command = Command::new(target.join("support-desk-player"));
    command
        .current_dir(layout.root())
        .arg("--coordinator")
        .arg(target.join("everturn"))
        .arg("--python")
        .arg(layout.python())
        .arg("--conversation")
        .arg(layout.path(setup::CONVERSATION))
        .arg("--store-dir")
        .arg(layout.made("demo"))
        .arg("--logs-dir")
        .arg(layout.logs());
    command
}

/// The demo as the last step of the tests: everything is built already.
pub fn test_job(layout: &Layout) -> Job {
    let player = player(layout, Profile::Dev);
    Job::new(
        layout,
        "play: twenty customers, two kills",
        player.get_program(),
    )
    .args(player.get_args())
    .args(["--fast", "--json"])
}
