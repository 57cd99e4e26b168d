//! Load workers as processes, to be killed.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

/// A load worker. It is killed when it is dropped.
#[derive(Debug)]
pub struct LoadProcess(Child);

impl LoadProcess {
    /// Starts `program` (the binary `load_worker` of this crate) for a
    /// coordinator.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(program: impl AsRef<Path>, address: &str, identity: &str) -> Self {
        let child = Command::new(program.as_ref())
            .args([address, identity])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        Self(child.expect("the load worker can be started"))
    }

    /// Kills it with SIGKILL.
    ///
    /// # Panics
    /// When it ended by itself before.
    pub async fn kill(mut self) {
        let ended = self.0.try_wait().expect("it can be asked");
        assert_eq!(ended, None, "a load worker ended by itself");
        self.0.kill().await.expect("it can be killed");
    }
}
