//! Support for tests with real processes: a coordinator that is started,
//! killed and restarted on its own ports and store, load workers as processes,
//! a raw side of the worker protocol, and what must hold afterwards.
//!
//! Every random choice comes from one seed, which is printed at the start and
//! taken from `EVERTURN_TEST_SEED` when that is set. Timings never decide about
//! a test; deadlines are generous.

pub mod calls;
pub mod check;
pub mod coordinator;
pub mod load;
pub mod load_process;
mod ports;
pub mod raw_worker;
pub mod refusal;
pub mod seed;
pub mod services;
pub mod small_disk;

use std::future::Future;
use std::time::{Duration, Instant};

/// How long anything may take that should happen soon.
pub const SOON: Duration = Duration::from_secs(30);

/// Waits until `attempt` gives something; fails the test with `what` when that
/// takes longer than `deadline`.
pub async fn eventually<T, Attempt, Answer>(
    deadline: Duration,
    what: &str,
    mut attempt: Attempt,
) -> T
where
    Attempt: FnMut() -> Answer,
    Answer: Future<Output = Option<T>>,
{
    let begin = Instant::now();
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(
            begin.elapsed() < deadline,
            "not within {deadline:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
