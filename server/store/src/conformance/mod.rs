//! The suite that every store must pass. Cases are sentences; each one gets a
//! place of its own, where a store can be opened again and again.
//!
//! A crate with a store calls [`conformance_suite!`](crate::conformance_suite)
//! in its tests.

// The names of the cases say what they are about.
#![allow(missing_docs)]

pub mod chunks;
pub mod fencing;
pub mod lists;
pub mod load;
pub mod log;
pub mod rows;
pub mod runs;
pub mod view;

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{Result, Store};

/// Partitions that a store of the suite has.
pub const PARTITIONS: u32 = 8;

/// Where a store lives. It is empty at first, and has `PARTITIONS` partitions.
pub trait Place: Send + Sync {
    /// Opens the store. An earlier one was closed.
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn Store>>>;
}

/// Makes a test of every case. The expression gives a new place each time.
#[macro_export]
macro_rules! conformance_suite {
    ($place:expr) => {
        $crate::conformance_suite! { $place;
            log:
                appends_are_dense_and_durable_after_reopening,
                an_append_out_of_sequence_is_refused_and_leaves_nothing,
                several_partitions_in_one_append_are_all_or_nothing,
                rows_come_back_in_order_and_in_bounded_pages,
                a_row_larger_than_the_bound_comes_back_alone,
                logs_of_partitions_are_apart,
                the_sequence_survives_the_trimming_of_all_rows,
                trimming_never_goes_beyond_the_log_or_into_another_one;
            fencing:
                each_owner_gets_a_higher_epoch_and_the_end_of_the_log,
                nobody_appends_before_taking_the_partition,
                a_partition_that_does_not_exist_cannot_be_taken,
                an_append_with_an_old_epoch_is_refused_whole,
                a_flush_of_a_stale_owner_is_refused_whole,
                taking_a_partition_leaves_the_others_alone;
            view:
                a_flush_writes_rows_and_trims_the_log,
                repeating_a_flush_is_harmless,
                a_later_flush_replaces_what_changed,
                roots_are_found_by_key_even_when_hashes_collide,
                roots_that_do_not_exist_are_left_out,
                many_roots_are_found_at_once,
                hashes_of_roots_come_in_pages,
                due_roots_come_earliest_first_and_bounded,
                roots_with_work_come_in_pages_that_skip_none,
                values_of_a_root_stay_until_nothing_refers_to_them,
                ids_of_any_characters_come_back_and_are_found,
                everything_survives_closing_and_reopening;
            chunks:
                a_journal_is_read_from_the_middle_of_a_chunk,
                a_journal_comes_in_pages_bounded_by_bytes,
                the_beginnings_of_journals_are_read_together,
                a_chunk_replaces_the_one_that_began_where_it_begins,
                a_transcript_is_read_from_the_middle_of_a_chunk,
                a_transcript_comes_in_pages_bounded_by_bytes,
                transcripts_of_other_roots_stay_out;
            runs:
                a_run_is_found_by_its_id,
                the_latest_run_of_a_workflow_is_found,
                runs_are_listed_last_started_first,
                runs_are_listed_by_type_and_status,
                pages_of_runs_neither_skip_nor_repeat_rows_with_equal_times,
                lists_of_runs_never_cross_namespaces;
            lists:
                roots_are_listed_last_created_first_without_their_states,
                roots_are_listed_by_kind_type_and_status,
                roots_are_listed_and_counted_by_how_they_wait,
                conversations_without_an_answer_are_listed_and_counted,
                what_changes_while_it_is_listed_is_listed_once,
                pages_of_roots_neither_skip_nor_repeat_rows_with_equal_times,
                lists_of_roots_never_cross_namespaces,
                the_last_page_has_no_cursor;
            load:
                concurrent_appends_of_many_partitions_all_become_durable,
                a_refused_append_does_not_harm_those_beside_it,
                a_payload_of_several_mebibytes_comes_back_whole,
                a_large_flush_does_not_starve_appends,
                a_store_takes_space;
        }
    };
    ($place:expr; $($module:ident: $($case:ident),+;)+) => {
        $(mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $case() {
                    let place = $place;
                    let outcome = $crate::conformance::$module::$case(&place).await;
                    outcome.expect("the store did what it was asked for");
                }
            )+
        })+
    };
}
