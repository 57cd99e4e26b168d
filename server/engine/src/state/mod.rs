//! The state of a root, and how events change it.

pub mod conversation;
pub mod deadlines;
pub mod root;
pub mod run;

mod apply;

pub(crate) use apply::{key_hash, message_hash, terminated};
