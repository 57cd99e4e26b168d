//! The handle: every call that services make.

mod contacts;
mod conversations;
mod messages;
mod people;
mod session;
mod settings;
mod waits;
mod workers;
mod workflows;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use everturn_engine::text::RootKey;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::assignments::Workers;
use crate::error::Error;
use crate::options::Options;
use crate::partition::{Input, Scope, Shared, Visit};
use crate::task::WorkItem;
pub use session::{Poll, Session, SessionOptions};
use settings::SettingsCache;
pub use waits::ListQuery;

/// A handle on the runtime. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// What is let in.
#[derive(Debug, Default)]
struct Gate {
    draining: CancellationToken,
    watchers: Arc<AtomicUsize>,
    settings: SettingsCache,
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>, draining: CancellationToken) -> Self {
        let gate = Gate {
            draining,
            ..Gate::default()
        };
        Self {
            shared,
            gate: Arc::new(gate),
        }
    }

    /// The settings of the runtime.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// What the runtime counts about itself.
    #[must_use]
    pub fn metrics(&self) -> crate::metrics::Snapshot {
        self.shared.metrics.snapshot()
    }

    /// Whether the runtime is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.gate.draining.is_cancelled()
    }

    /// What keeps this node from serving, if anything does, such as a full disk
    /// or a database that does not answer. Changes are seen by whoever waits for
    /// them.
    #[must_use]
    pub fn problem(&self) -> tokio::sync::watch::Receiver<Option<&'static str>> {
        self.shared.serving.problem()
    }

    /// Resolves when another process has taken this node's place: then this one
    /// should end.
    pub async fn replaced(&self) {
        self.shared.replaced.cancelled().await;
    }

    /// No new work from here on; sessions are told.
    pub fn start_draining(&self) {
        self.gate.draining.cancel();
        for session in self.shared.workers.sessions() {
            let assigned = self.shared.workers.drain(session.id);
            self.shared.route(assigned);
            session.push(WorkItem::Draining);
        }
    }

    /// Waits until all workers have gone, at most for a while.
    pub async fn workers_gone(&self, at_most: Duration) {
        const STEP: Duration = Duration::from_millis(20);
        let gone = async {
            while !self.shared.workers.sessions().is_empty() {
                tokio::time::sleep(STEP).await;
            }
        };
        // Those that stay are told by the end of their streams.
        let _ = tokio::time::timeout(at_most, gone).await;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn workers(&self) -> &Workers {
        &self.shared.workers
    }

    fn admit(&self) -> Result<(), Error> {
        if self.is_draining() {
            Err(Error::Draining)
        } else {
            Ok(())
        }
    }
}

/// Carries out something on a root and waits until it is durable.
pub(crate) async fn visit<T: Send + 'static>(
    shared: &Arc<Shared>,
    key: RootKey,
    admission: bool,
    act: impl FnOnce(&mut Scope<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (caller, answer) = oneshot::channel();
    let number = shared.partition_of(&key) as usize;
    let visit = Visit {
        key,
        admission,
        act: Box::new(move |scope| match scope {
            Ok(mut scope) => {
                let outcome = act(&mut scope);
                scope.answer(caller, outcome);
            }
            Err(error) => {
                // A caller that went away needs no answer.
                let _ = caller.send(Err(error));
            }
        }),
    };
    shared.mailboxes[number]
        .send(Input::Visit(visit))
        .await
        .map_err(|_| Error::Draining)?;
    answer.await.unwrap_or(Err(Error::PartitionMoved))
}
