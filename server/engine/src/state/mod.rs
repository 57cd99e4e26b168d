//! The state of a root, and how events change it.

pub mod approval;
pub mod conversation;
pub mod deadlines;
pub mod delivery;
pub mod entries;
pub mod root;
pub mod run;
pub mod turn;

mod apply;
mod bounded;

pub(crate) use apply::{event_hash, key_hash, kind_hash, message_hash, terminated};
