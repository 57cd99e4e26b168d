//! What the runtime counts about itself. Counters only go up; gauges are set.

use std::sync::atomic::{AtomicU64, Ordering};

/// One figure, described.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Name: area, noun and unit, without prefix.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// It may go down.
    pub is_gauge: bool,
    /// Its value.
    pub value: u64,
}

macro_rules! metrics {
    ($($kind:ident $field:ident $name:literal $help:literal;)*) => {
        /// Live counters of the runtime.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $(#[doc = $help] pub(crate) $field: AtomicU64,)*
        }

        /// The values of all counters at one moment.
        #[derive(Clone, Copy, Debug, Default)]
        pub struct Snapshot {
            $(#[doc = $help] pub $field: u64,)*
        }

        impl Metrics {
            /// Reads all counters.
            #[must_use]
            pub fn snapshot(&self) -> Snapshot {
                Snapshot {
                    $($field: self.$field.load(Ordering::Relaxed),)*
                }
            }
        }

        impl Snapshot {
            /// Every figure with its name and meaning.
            #[must_use]
            pub fn describe(&self) -> Vec<Metric> {
                vec![$(Metric {
                    name: $name,
                    help: $help,
                    is_gauge: metrics!(@is_gauge $kind),
                    value: self.$field,
                },)*]
            }
        }
    };
    (@is_gauge counter) => { false };
    (@is_gauge gauge) => { true };
}

metrics! {
    counter transitions "log_transitions" "Transitions made durable";
    counter appends "log_appends" "Appends to the log";
    counter append_bytes "log_appended_bytes" "Bytes appended to the log";
    counter append_micros "log_append_microseconds" "Time that appends took, added up, in microseconds";
    counter activity_starts "activity_attempts_started" "Activity attempts handed to workers";
    counter activity_results "activity_results" "Activity results taken";
    counter workflow_task_starts "workflow_tasks_started" "Workflow tasks handed to workers";
    counter workflow_task_results "workflow_task_results" "Workflow task results taken";
    counter fenced_results "results_fenced" "Results refused because their attempt was over";
    counter activity_retries "activity_retries" "Attempts that failed and are repeated";
    counter messages_received "messages_received" "Inbound messages accepted";
    counter messages_sent "messages_sent" "Messages sent to customers";
    counter roots_flushed "view_roots_written" "Conversations and workflows written to the view";
    counter roots_loaded "view_roots_loaded" "Conversations and workflows loaded from the view";
    counter roots_evicted "view_roots_evicted" "Conversations and workflows that left memory";
    counter partition_reloads "partition_reloads" "Partitions reloaded after a fault";
    counter watch_updates_skipped "watch_updates_skipped" "Updates that slow watchers missed";
    gauge view_lag_events "view_lag_events" "Journal events that the view does not hold yet";
    counter roots_taken_up "view_roots_taken_up" "Conversations and workflows with something to do that were taken up after a start";
    counter log_trims "view_log_trims" "Times that the log was trimmed because the view had caught up";
    gauge memory_used "memory_used_bytes" "Memory that the process uses, as far as the limit is about it";
    gauge memory_limit "memory_limit_bytes" "Memory that the process may use";
    gauge backlog "task_queue_backlog" "Tasks that wait in all task queues";
    gauge hot_roots "view_hot_roots" "Conversations and workflows in memory";
}

impl Metrics {
    /// Counts up.
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    /// Sets a gauge.
    pub(crate) fn set(gauge: &AtomicU64, value: u64) {
        gauge.store(value, Ordering::Relaxed);
    }
}
