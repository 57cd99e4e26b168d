//! The steps of `cargo xtask test`, in order: what belongs to which area, and
//! what must be made ready for it.

use anyhow::Result;

use super::Area;
use super::counts::Counter;
use crate::job::{Job, cargo};
use crate::layout::{Layout, Profile};
use crate::{behaviours, circles, demo, setup, snippets, tidy};

/// One step: jobs that are made when its turn comes, or a check of our own.
pub struct Step {
    /// Areas that need it; the first one is the heading it stands under.
    areas: &'static [Area],
    /// Shown when its jobs cannot even be made.
    pub name: String,
    /// How its cases are counted.
    pub counter: Counter,
    /// What it does.
    pub action: Action,
}

/// What a step does.
pub enum Action {
    /// Runs programs, one after the other.
    Jobs(JobList),
    /// Checks something in this process; false or an error is a failure.
    Check(fn(&Layout) -> Result<bool>),
}

/// Makes the jobs of a step, when its turn comes.
pub type JobList = Box<dyn FnOnce(&Layout) -> Result<Vec<Job>>>;

impl Step {
    /// The heading under which it runs; `None` if no chosen area needs it.
    pub fn chosen(&self, chosen: &[Area]) -> Option<Area> {
        if chosen.is_empty() {
            return self.areas.first().copied();
        }
        self.areas
            .iter()
            .copied()
            .find(|area| chosen.contains(area))
    }

    fn jobs<F>(areas: &'static [Area], name: &str, counter: Counter, jobs: F) -> Self
    where
        F: FnOnce(&Layout) -> Result<Vec<Job>> + 'static,
    {
        Self {
            areas,
            name: name.to_owned(),
            counter,
            action: Action::Jobs(Box::new(jobs)),
        }
    }

    fn job<F>(areas: &'static [Area], name: &'static str, counter: Counter, job: F) -> Self
    where
        F: FnOnce(&Layout) -> Job + 'static,
    {
        Self::jobs(areas, name, counter, |layout| Ok(vec![job(layout)]))
    }

    fn check(areas: &'static [Area], name: &str, check: fn(&Layout) -> Result<bool>) -> Self {
        Self {
            areas,
            name: name.to_owned(),
            counter: Counter::One,
            action: Action::Check(check),
        }
    }
}

/// Every step.
pub fn all(_layout: &Layout) -> Vec<Step> {
    let mut steps = rust();
    steps.extend(house_rules());
    steps.extend(proto());
    steps.extend(python());
    steps.extend(typescript());
    steps.extend(example());
    steps.push(Step::jobs(
        &[Area::Docs],
        "docs: snippets",
        Counter::One,
        snippets::jobs,
    ));
    steps.extend(cross());
    steps.extend(behaviours());
    steps.push(Step::job(
        &[Area::Demo],
        "demo",
        Counter::One,
        demo::test_job,
    ));
    steps
}

fn rust() -> Vec<Step> {
    const RUST: &[Area] = &[Area::Rust];
    const TOOLS: &[Area] = &[Area::Rust, Area::Proto, Area::Cross];
    vec![
        Step::jobs(TOOLS, "npm tools", Counter::Setup, setup::npm_tools),
        Step::job(RUST, "rustfmt", Counter::One, |layout| {
            Job::new(layout, "rustfmt", cargo()).args(["fmt", "--all", "--check"])
        }),
        Step::job(RUST, "clippy", Counter::One, |layout| {
            Job::new(layout, "clippy", cargo()).args([
                "clippy",
                "--locked",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "-D",
                "warnings",
            ])
        }),
        // Tests with real processes come later, when the SDKs are there.
        Step::job(RUST, "cargo test", Counter::Cargo, |layout| {
            Job::new(layout, "cargo test", cargo())
                .args(["test", "--locked", "--workspace", "--all-features"])
                .args(["--no-fail-fast"])
                .args(["--exclude", "everturn-tests"])
        }),
    ]
}

fn house_rules() -> Vec<Step> {
    const TIDY: &[Area] = &[Area::Tidy];
    vec![
        Step::check(TIDY, "tidy", tidy::run),
        Step::jobs(TIDY, "cargo-modules", Counter::Setup, |layout| {
            setup::install_cargo_modules(layout)
        }),
        Step::check(TIDY, "circles of modules: rust", circles::check),
    ]
}

fn proto() -> Vec<Step> {
    const PROTO: &[Area] = &[Area::Proto];
    let buf = |name: &'static str, args: &'static [&'static str]| {
        Step::job(PROTO, name, Counter::One, move |layout| {
            Job::new(layout, name, layout.npm_tool("buf"))
                .args(args)
                .dir(layout.path("proto"))
        })
    };
    vec![
        buf("buf lint", &["lint"]),
        buf("buf format", &["format", "--diff", "--exit-code"]),
        venv(&[
            Area::Tidy,
            Area::Proto,
            Area::Python,
            Area::Example,
            Area::Docs,
            Area::Cross,
            Area::Demo,
        ]),
        Step::job(PROTO, "stubs: python", Counter::One, |layout| {
            Job::new(layout, "stubs: python", layout.python())
                .args(["sdk-clients/python/scripts/generate_stubs.py", "--check"])
        }),
    ]
}

fn venv(areas: &'static [Area]) -> Step {
    Step::jobs(areas, "python: environment", Counter::Setup, setup::venv)
}

/// Lints, type check and tests of a Python package.
fn python_package(areas: &'static [Area], folder: &'static str) -> Vec<Step> {
    let mut steps = python_lints(areas, folder);
    let name = format!("pytest: {folder}");
    steps.push(Step::jobs(
        areas,
        &name.clone(),
        Counter::Pytest,
        move |layout| {
            Ok(vec![
                Job::new(layout, &name, layout.python())
                    .args(["-m", "pytest", "-q"])
                    .dir(layout.path(folder)),
            ])
        },
    ));
    steps
}

/// Lints and type check of a folder of Python.
fn python_lints(areas: &'static [Area], folder: &'static str) -> Vec<Step> {
    let step = move |what: &str, program: &'static str, args: &'static [&'static str]| {
        let name = format!("{what}: {folder}");
        Step::jobs(areas, &name.clone(), Counter::One, move |layout| {
            Ok(vec![
                Job::new(layout, &name, layout.venv_bin(program))
                    .args(args)
                    .dir(layout.path(folder)),
            ])
        })
    };
    let types = format!("basedpyright: {folder}");
    vec![
        step("ruff check", "ruff", &["check"]),
        step("ruff format", "ruff", &["format", "--check"]),
        Step::jobs(areas, &types.clone(), Counter::One, move |layout| {
            // The environment that the tests made, whatever the package's
            // settings say about the developer's own.
            let job = Job::new(layout, &types, layout.venv_bin("basedpyright"))
                .arg("--pythonpath")
                .arg(layout.python())
                .dir(layout.path(folder));
            Ok(vec![job])
        }),
    ]
}

fn python() -> Vec<Step> {
    const FOLDER: &str = "sdk-clients/python";
    let mut steps = python_package(&[Area::Python], FOLDER);
    steps.push(Step::jobs(
        &[Area::Python],
        "sync client: drift",
        Counter::One,
        |layout| {
            let job = Job::new(layout, "sync client: drift", layout.python())
                .args(["scripts/generate_sync_client.py", "--check"])
                .dir(layout.path(FOLDER));
            Ok(vec![job])
        },
    ));
    steps.push(Step::jobs(
        &[Area::Python, Area::Tidy],
        "circles of imports: sdk-clients/python",
        Counter::One,
        |layout| {
            let name = "circles of imports: sdk-clients/python";
            let job = Job::new(layout, name, layout.venv_bin("lint-imports"));
            Ok(vec![job.dir(layout.path(FOLDER))])
        },
    ));
    steps
}

/// A script of a folder's `package.json`.
fn npm_script(
    areas: &'static [Area],
    folder: &'static str,
    script: &'static str,
    counter: Counter,
) -> Step {
    let name = format!("npm {script}: {folder}");
    Step::jobs(areas, &name.clone(), counter, move |layout| {
        Ok(vec![
            Job::new(layout, &name, "npm")
                .args(["run", "--silent", script])
                .dir(layout.path(folder)),
        ])
    })
}

fn npm_ci(areas: &'static [Area], folder: &'static str) -> Step {
    let name = format!("npm packages: {folder}");
    Step::jobs(areas, &name, Counter::Setup, move |layout| {
        setup::npm_ci(layout, folder)
    })
}

fn typescript() -> Vec<Step> {
    const USERS: &[Area] = &[
        Area::Typescript,
        Area::Tidy,
        Area::Proto,
        Area::Example,
        Area::Docs,
        Area::Cross,
        Area::Demo,
    ];
    const ONLY: &[Area] = &[Area::Typescript];
    let sdk = setup::TYPESCRIPT_SDK;
    vec![
        npm_ci(USERS, sdk),
        npm_script(USERS, sdk, "build", Counter::One),
        npm_script(
            &[Area::Typescript, Area::Proto],
            sdk,
            "generate:check",
            Counter::One,
        ),
        npm_script(ONLY, sdk, "typecheck", Counter::One),
        npm_script(ONLY, sdk, "lint", Counter::One),
        npm_script(
            &[Area::Typescript, Area::Tidy],
            sdk,
            "imports",
            Counter::One,
        ),
        npm_script(ONLY, sdk, "test", Counter::Vitest),
    ]
}

fn example() -> Vec<Step> {
    const USERS: &[Area] = &[Area::Example, Area::Cross, Area::Demo];
    const ONLY: &[Area] = &[Area::Example];
    let mut steps = vec![Step::job(
        USERS,
        "example: train the model",
        Counter::One,
        setup::train,
    )];
    steps.extend(python_package(ONLY, "examples/support-desk/agents"));
    steps.extend([
        npm_ci(USERS, setup::CONVERSATION),
        npm_script(USERS, setup::CONVERSATION, "build", Counter::One),
        npm_script(ONLY, setup::CONVERSATION, "lint", Counter::One),
        npm_script(ONLY, setup::CONVERSATION, "test", Counter::Vitest),
    ]);
    steps
}

fn cross() -> Vec<Step> {
    const USERS: &[Area] = &[Area::Cross, Area::Demo];
    vec![
        Step::job(USERS, "binaries", Counter::Setup, |layout| {
            setup::all_targets(layout)
        }),
        Step::jobs(&[Area::Cross], "real processes", Counter::Cargo, |layout| {
            let job = Job::new(layout, "real processes", cargo())
                // By their names, among all: `--package` would choose other
                // features, and build it all once more.
                .args(["test", "--locked", "--workspace", "--all-features"])
                .args(real_processes(layout)?)
                .arg("--no-fail-fast")
                // Two cores: tests that start processes of three languages
                // would starve each other.
                .args(["--", "--test-threads", "2"])
                .env(
                    "EVERTURN_TEST_BIN",
                    layout.target(Profile::Dev).join("everturn"),
                )
                .env("EVERTURN_TEST_PYTHON", layout.python())
                .env(
                    "EVERTURN_TEST_SDK_TYPESCRIPT",
                    layout.path(setup::TYPESCRIPT_SDK),
                );
            Ok(vec![job])
        }),
    ]
}

/// Names the tests with real processes, as cargo takes them.
fn real_processes(layout: &Layout) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(layout.path("tests/tests"))? {
        let path = file?.path();
        if path.extension().is_some_and(|it| it == "rs")
            && let Some(name) = path.file_stem()
        {
            names.push(format!("--test={}", name.display()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The behaviours: their own lints, and every case of every language.
fn behaviours() -> Vec<Step> {
    const CROSS: &[Area] = &[Area::Cross];
    let folder = behaviours::FOLDER;
    let mut steps = python_lints(CROSS, folder);
    steps.extend([
        npm_ci(CROSS, folder),
        npm_script(CROSS, folder, "build", Counter::One),
        npm_script(CROSS, folder, "lint", Counter::One),
        Step::jobs(CROSS, "behaviours", Counter::Ours, |layout| {
            Ok(vec![behaviours::test_job(
                layout,
                behaviours::Store::Sqlite,
            )])
        }),
        Step::jobs(CROSS, "behaviours: postgres", Counter::Ours, |layout| {
            Ok(vec![behaviours::test_job(
                layout,
                behaviours::Store::Postgres,
            )])
        }),
    ]);
    steps
}
