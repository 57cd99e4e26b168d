//! To the wire: values of the engine and records of the runtime become
//! answers.

mod conversation;
mod event;
mod message;
mod payload;
mod policy;
mod run;
mod task;

pub(crate) use conversation::{conversation, turn_activity};
pub(crate) use event::entries;
pub(crate) use message::message;
pub(crate) use payload::{failure, outcome, payload, state};
pub(crate) use run::{description, run, run_id, run_status};
pub(crate) use task::{activity_task, workflow_task};

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
