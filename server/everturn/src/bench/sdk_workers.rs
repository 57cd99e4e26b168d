//! Workers of the TypeScript and Python SDKs as processes of their own, run
//! from the repository (`benches/workers`).

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use everturn_client::ConnectOptions;
use futures::future::{FutureExt as _, select_all};
use tokio::process::{Child, Command};

use super::{BenchArgs, Names, Scenario, WorkerKind};

/// Where the worker programs lie in the repository.
const TYPESCRIPT_WORKER: &str = "benches/workers/typescript/worker.mjs";
const PYTHON_WORKER: &str = "benches/workers/python/worker.py";

/// Running SDK workers; they end when dropped.
pub(crate) struct SdkWorkers {
    children: Vec<(&'static str, Child)>,
}

impl SdkWorkers {
    /// Starts the workers that the scenario needs.
    ///
    /// # Errors
    /// When the repository or an interpreter cannot be found.
    pub(crate) fn start(
        args: &BenchArgs,
        options: &ConnectOptions,
        names: &Names,
    ) -> anyhow::Result<Self> {
        let root = repository()?;
        let needs_python = args.scenario == Scenario::Turns || args.worker == WorkerKind::Python;
        // The turn of a stream is built in: only its activity is the SDK's.
        let needs_node = args.scenario != Scenario::Stream || !needs_python;
        let activities = if needs_python { "python" } else { "typescript" };
        let slots = args
            .in_flight()
            .saturating_mul(2)
            .clamp(16, 1_000)
            .to_string();
        let common = |command: &mut Command| {
            command
                .args(["--address", &options.address])
                .args(["--namespace", &options.namespace])
                .args(["--task-queue", &names.queue])
                .args(["--slots", &slots])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .kill_on_drop(true);
        };
        let mut children = Vec::new();
        if needs_node {
            let mut node = Command::new("node");
            node.arg(root.join(TYPESCRIPT_WORKER));
            common(&mut node);
            node.args(["--step-activities", activities]);
            let child = node.spawn().context("cannot start node")?;
            children.push(("TypeScript worker", child));
        }
        if needs_python {
            let sdk = root.join("sdk-clients/python");
            // The environment of `cargo xtask`, or one made for the SDK.
            let environments = [root.join(".everturn/venv"), sdk.join(".venv")];
            let mut interpreters = environments.iter().map(|it| it.join("bin/python"));
            let found = interpreters.find(|interpreter| interpreter.exists());
            let mut python = Command::new(found.unwrap_or_else(|| PathBuf::from("python3")));
            python
                .arg(root.join(PYTHON_WORKER))
                .env("PYTHONPATH", sdk.join("src"));
            common(&mut python);
            let child = python.spawn().context("cannot start Python")?;
            children.push(("Python worker", child));
        }
        Ok(Self { children })
    }

    /// Their process ids.
    pub(crate) fn pids(&self) -> Vec<String> {
        let ids = self.children.iter().filter_map(|(_, child)| child.id());
        ids.map(|id| id.to_string()).collect()
    }

    /// Resolves when one of them ends.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        let waits = self
            .children
            .iter_mut()
            .map(|(name, child)| async move { (*name, child.wait().await) }.boxed());
        match select_all(waits).await.0 {
            (name, Ok(status)) => anyhow::anyhow!("the {name} ended ({status})"),
            (name, Err(error)) => anyhow::anyhow!("the {name} was lost: {error}"),
        }
    }
}

/// The root of the repository: above the working directory or this program.
fn repository() -> anyhow::Result<PathBuf> {
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .find(|dir| dir.join(TYPESCRIPT_WORKER).exists())
        .map(Path::to_path_buf)
        .with_context(|| format!("cannot find {TYPESCRIPT_WORKER}: run this within the repository"))
}
