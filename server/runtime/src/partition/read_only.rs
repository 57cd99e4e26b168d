//! While the disk is full: reads of what is known are answered, everything
//! else is refused at once, until the store takes writes again.

use std::time::Duration;

use everturn_engine::text::RootKey;

use crate::error::Error;
use crate::partition::batch::Batch;
use crate::partition::visit::{Act, Scope};
use crate::partition::{Input, Internal, Partition};
use crate::session::Reporter;
use crate::task::TaskResult;
use futures::StreamExt as _;

/// How often the store is asked whether it has room again.
const PROBE_INTERVAL: Duration = Duration::from_millis(500);

impl Partition {
    /// Serves reads until the partition can be taken again, or the node stops.
    ///
    /// # Errors
    /// When not even reads work.
    pub(super) async fn serve_reads(&mut self) -> Result<(), everturn_store::Error> {
        self.is_read_only = true;
        let served = self.serve_reads_until_room().await;
        self.is_read_only = false;
        served
    }

    async fn serve_reads_until_room(&mut self) -> Result<(), everturn_store::Error> {
        self.restore().await?;
        let mut probe = tokio::time::interval(PROBE_INTERVAL);
        probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        probe.reset();
        while self.stopping.is_none() {
            tokio::select! {
                biased;
                Some(internal) = self.internal.next(), if !self.internal.is_empty() => {
                    // Only loads matter: nothing is written.
                    if let Internal::Loaded(keys, rows) = internal {
                        self.loaded(keys, rows);
                    }
                }
                _ = probe.tick() => {
                    match self.shared.store.acquire(self.number).await {
                        Err(everturn_store::Error::Full(_)) => {}
                        Err(error) => return Err(error),
                        Ok(_) => return Ok(()),
                    }
                }
                input = self.mailbox.recv() => {
                    let Some(input) = input else {
                        return Ok(());
                    };
                    self.take_read_only(input);
                }
            }
            self.start_loads();
        }
        Ok(())
    }

    fn take_read_only(&mut self, input: Input) {
        match input {
            Input::Results(reporter, results) => refuse(&reporter, results),
            Input::Assigned(assigned) => {
                for one in assigned {
                    let next = self.shared.workers.refund(one.session.id, &one.task);
                    self.shared.route(next);
                }
            }
            // Tasks are offered again, and lost ones noticed, once there is room.
            Input::Lost(_) | Input::Undelivered(_) => {}
            Input::Visit(_) | Input::Outputs(..) | Input::Take | Input::Look | Input::Stop(_) => {
                self.take(input);
            }
        }
    }

    /// Carries out a visit, and takes back what it changed: who asked for a
    /// change learns that it did not happen.
    pub(super) fn visit_and_keep(&mut self, key: &RootKey, act: Act) {
        let Some(hot) = self.roots.get_mut(key) else {
            return;
        };
        let before = hot.root.clone();
        act(Ok(Scope {
            hot,
            context: &mut self.context,
            output: &mut self.output,
            after: &mut self.batch.after,
            watchers: &mut self.watchers,
        }));
        let is_change = !self.output.events.is_empty();
        self.output.events.clear();
        self.output.effects.clear();
        let batch = std::mem::take(&mut self.batch);
        if is_change {
            if let Some(hot) = self.roots.get_mut(key) {
                hot.root = before;
                hot.told_later.clear();
            }
            self.lose_batch(batch, &Error::StoreFull);
        } else {
            self.settle_batch(Batch {
                after: batch.after,
                ..Batch::default()
            });
        }
    }
}

/// Workers that are connected keep their results and repeat them; who waits
/// for the answer is told why.
fn refuse(reporter: &Reporter, results: Vec<TaskResult>) {
    for result in results {
        let error = match reporter {
            Reporter::Session(_) => Error::PartitionMoved,
            Reporter::Caller(_) => Error::StoreFull,
        };
        reporter.answer(result.result_id, Err((error, Vec::new())));
    }
}
