//! What the runtime counts about itself. Counters only go up; gauges are set.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Live counters of the runtime.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $(pub(crate) $name: AtomicU64,)*
        }

        /// The values of all counters at one moment.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Snapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Metrics {
            /// Reads all counters.
            #[must_use]
            pub fn snapshot(&self) -> Snapshot {
                Snapshot {
                    $($name: self.$name.load(Ordering::Relaxed),)*
                }
            }
        }
    };
}

metrics! {
    /// Transitions made durable.
    transitions,
    /// Appends to the log.
    appends,
    /// Bytes appended to the log.
    append_bytes,
    /// Microseconds that appends took, added up.
    append_micros,
    /// Activity attempts handed to workers.
    activity_starts,
    /// Activity results taken.
    activity_results,
    /// Workflow tasks handed to workers.
    workflow_task_starts,
    /// Workflow task results taken.
    workflow_task_results,
    /// Results refused because their attempt was over.
    fenced_results,
    /// Attempts that failed and are repeated.
    activity_retries,
    /// Inbound messages accepted.
    messages_received,
    /// Messages sent to customers.
    messages_sent,
    /// Roots written to the view.
    roots_flushed,
    /// Roots loaded from the view.
    roots_loaded,
    /// Roots that left memory.
    roots_evicted,
    /// Partitions reloaded after a fault.
    partition_reloads,
    /// Updates that slow watchers missed.
    watch_updates_skipped,
    /// Journal events that the view does not hold yet (gauge).
    view_lag_events,
    /// Roots in memory (gauge).
    hot_roots,
}

impl Metrics {
    /// Counts up.
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
