//! After a start: the roots that have something to do are taken up, a page at a
//! time, in the order in which they wait. Their tasks go to the task queues, and
//! they leave memory again.

use std::sync::Arc;
use std::time::Duration;

use everturn_engine::text::RootKey;
use everturn_store::{Cursor, Due, DuePage};
use futures::FutureExt as _;

use crate::keys::engine_key;
use crate::metrics::Metrics;
use crate::partition::{Internal, Partition};

/// Roots of a page.
const ROOTS_PER_PAGE: usize = 500;
/// How long after a failed read it is tried again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// How far the roots are taken up.
#[derive(Debug, Default)]
pub(super) enum TakeUp {
    /// The next page begins here, once the roots of this one are through.
    Between(Option<Cursor>, Vec<RootKey>),
    /// A page is being read.
    Reading,
    /// That was all.
    #[default]
    Done,
}

impl TakeUp {
    /// From the first one on.
    pub fn begin() -> Self {
        Self::Between(None, Vec::new())
    }
}

impl Partition {
    /// Asks for the next page once the last one is through.
    pub(super) fn take_up_work(&mut self) {
        let TakeUp::Between(_, page) = &self.take_up else {
            return;
        };
        let is_through = page.iter().all(|key| !self.loading.contains_key(key));
        if !is_through || self.is_read_only || self.stopping.is_some() {
            return;
        }
        let taken = std::mem::replace(&mut self.take_up, TakeUp::Reading);
        let TakeUp::Between(after, page) = taken else {
            return;
        };
        for key in &page {
            // One that is needed stays.
            self.leave(key);
        }
        let store = Arc::clone(&self.shared.store);
        let number = self.number;
        let read = async move {
            loop {
                let page = store.due_roots(number, Due::Work, after.clone(), ROOTS_PER_PAGE);
                match page.await {
                    Ok(page) => return Internal::Work(page),
                    Err(error) => {
                        tracing::warn!(%error, "search for work failed, will be repeated");
                        tokio::time::sleep(RETRY_DELAY).await;
                    }
                }
            }
        };
        self.internal.push(read.boxed());
    }

    /// Loads the roots of a page that are not in memory.
    pub(super) fn work_found(&mut self, (page, next): DuePage) {
        let keys: Vec<RootKey> = page.iter().map(|(key, _)| engine_key(key)).collect();
        let cold = keys.into_iter().filter(|key| !self.roots.contains_key(key));
        let cold: Vec<RootKey> = cold.collect();
        Metrics::add(&self.shared.metrics.roots_taken_up, cold.len() as u64);
        for key in &cold {
            self.ensure(key);
        }
        self.take_up = match next {
            Some(next) => TakeUp::Between(Some(next), cold),
            None => TakeUp::Done,
        };
    }
}
