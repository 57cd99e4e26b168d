//! To the wire: values of the engine and records of the runtime become
//! answers.

mod approval;
mod conversation;
mod event;
mod message;
mod payload;
mod policy;
mod run;
mod task;
mod typing;
mod waiting;

pub(crate) use approval::approval;
pub(crate) use conversation::{changed, conversation, turn_activity};
pub(crate) use event::{approval_outcome, entries};
pub(crate) use message::{delivery, delivery_now, delivery_status, inbound_event, message, usage};
pub(crate) use payload::{failure, outcome, payload, state};
pub(crate) use policy::turn_policy;
pub(crate) use run::{description, run, run_id, run_status};
pub(crate) use task::{activity_task, workflow_task};
pub(crate) use typing::{typing, typing_notice};
pub(crate) use waiting::wait;

use everturn_engine::value::{Span, Time};

/// A point in time.
pub(crate) fn timestamp(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.0.div_euclid(1_000_000),
        nanos: i32::try_from(time.0.rem_euclid(1_000_000) * 1_000).unwrap_or(0),
    }
}

/// A length of time.
pub(crate) fn duration(span: Span) -> prost_types::Duration {
    prost_types::Duration {
        seconds: span.0 / 1_000_000,
        nanos: i32::try_from(span.0 % 1_000_000 * 1_000).unwrap_or(0),
    }
}

/// Bytes of one answer to a list; at least one entry goes out.
const LIST_BYTES: usize = 2 * 1024 * 1024;

/// As many entries as fit into one answer. When that is not all, the token of
/// the next page is made from the last entry that fits, by its index.
pub(crate) fn cut<T: prost::Message>(
    entries: impl Iterator<Item = T>,
    next: Option<String>,
    token_after: impl Fn(usize) -> String,
) -> (Vec<T>, Option<String>) {
    let mut taken: Vec<T> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        bytes += entry.encoded_len();
        if bytes > LIST_BYTES && !taken.is_empty() {
            let token = token_after(taken.len() - 1);
            return (taken, Some(token));
        }
        taken.push(entry);
    }
    (taken, next)
}
