//! Start and stop: partitions, the passing of time for task queues, drain.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use everturn_store::Store;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::assignments::Workers;
use crate::cluster::{self, LeaseClock};
use crate::error::Error;
use crate::handle::Handle;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::partition::{Input, Partition, Shared};
use crate::serving::{Serving, Trouble};
use crate::waiting::Counts;

/// How often task queues look at the time.
const EXPIRY_INTERVAL: Duration = Duration::from_millis(100);

/// Owns the loops of a node.
pub struct Runtime {
    handle: Handle,
    tracker: TaskTracker,
    stopped: CancellationToken,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl Runtime {
    /// Takes ownership of all partitions of a store that this node has alone, and
    /// brings them up to the end of their logs. Partitions of a store that
    /// several nodes share are taken afterwards, as the cluster says.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(store: Arc<dyn Store>, options: Options) -> Result<Self, Error> {
        let count = store.partition_count();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..count)
            .map(|_| mpsc::channel(options.mailbox_requests))
            .unzip();
        let is_shared = store.members().is_some();
        let shared = Arc::new(Shared {
            store,
            workers: Workers::new(&options),
            metrics: Metrics::default(),
            serving: Serving::default(),
            lease: match is_shared {
                true => LeaseClock::over(),
                false => LeaseClock::endless(),
            },
            owned: senders
                .iter()
                .map(|_| AtomicU32::new(u32::from(!is_shared)))
                .collect(),
            replaced: CancellationToken::new(),
            memory: Memory::new(options.memory.clone(), options.memory_limit),
            waits: senders.iter().map(|_| Counts::default()).collect(),
            options,
            mailboxes: senders,
        });
        let recovering = receivers.into_iter().zip(0..).map(|(mailbox, number)| {
            let mut partition = Partition::new(number, Arc::clone(&shared), mailbox);
            async move {
                if !is_shared {
                    partition.recover().await?;
                }
                Ok::<_, everturn_store::Error>(partition)
            }
        });
        // Until the first heartbeat was answered.
        shared.serving.set(Trouble::LeaseOver, is_shared);
        let partitions = futures::future::try_join_all(recovering).await?;
        let tracker = TaskTracker::new();
        for partition in partitions {
            tracker.spawn(partition.run());
        }
        let stopped = CancellationToken::new();
        let draining = CancellationToken::new();
        tracker.spawn(pass_time(Arc::clone(&shared), stopped.clone()));
        let beating = cluster::run(Arc::clone(&shared), draining.clone(), stopped.clone());
        tracker.spawn(beating);
        tracker.close();
        Ok(Self {
            handle: Handle::new(shared, draining),
            tracker,
            stopped,
        })
    }

    /// A handle for services.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Refuses new work, writes everything to the view and stops. What does
    /// not finish by the deadline is found in the log at the next start.
    /// True when everything was written.
    pub async fn stop(self, deadline: tokio::time::Instant) -> bool {
        self.handle.start_draining();
        for session in self.handle.workers().sessions() {
            session.close();
        }
        let mut done = Vec::new();
        for mailbox in &self.handle.shared().mailboxes {
            let (sender, receiver) = oneshot::channel();
            // A partition that is gone has nothing left to write.
            let sent = tokio::time::timeout_at(deadline, mailbox.send(Input::Stop(sender)));
            if matches!(sent.await, Ok(Ok(()))) {
                done.push(receiver);
            }
        }
        let written = tokio::time::timeout_at(deadline, futures::future::join_all(done)).await;
        self.stopped.cancel();
        let ended = tokio::time::timeout_at(deadline, self.tracker.wait()).await;
        written.is_ok_and(|all| all.iter().all(Result::is_ok)) && ended.is_ok()
    }
}

/// Lets time pass for the task queues.
async fn pass_time(shared: Arc<Shared>, stopped: CancellationToken) {
    let mut ticks = tokio::time::interval(EXPIRY_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stopped.cancelled() => return,
            _ = ticks.tick() => {}
        }
        shared.memory.read();
        let metrics = &shared.metrics;
        Metrics::set(&metrics.memory_used, shared.memory.used());
        Metrics::set(&metrics.memory_limit, shared.memory.limit());
        Metrics::set(&metrics.backlog, shared.workers.backlog() as u64);
        let expiry = shared.workers.expire();
        shared.route(expiry.assigned);
        for session in expiry.wedged {
            tracing::warn!(session = session.id.0, identity = %session.identity, "worker does not confirm tasks, session closed");
            // Its stream may take long to end, since it reads nothing: until
            // then it gets nothing more.
            let assigned = shared.workers.drain(session.id);
            shared.route(assigned);
            session.close();
        }
        let mut lost: Vec<Vec<_>> = Vec::new();
        lost.resize_with(shared.mailboxes.len(), Vec::new);
        for task in expiry.lost {
            lost[task.partition as usize].push(task);
        }
        for (number, tasks) in lost.into_iter().enumerate() {
            if !tasks.is_empty() {
                shared.send(number, Input::Lost(tasks));
            }
        }
    }
}
