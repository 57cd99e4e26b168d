//! The state of a root, and how events change it.

pub mod approval;
pub mod contact;
pub mod conversation;
pub mod deadlines;
pub mod delivery;
pub mod entries;
pub mod episode;
pub mod held;
mod leftover;
pub mod request;
pub mod root;
pub mod run;
pub mod thread;
pub mod turn;

mod apply;
mod bounded;

pub(crate) use apply::{
    content_hash, event_hash, key_hash, kind_hash, message_hash, payload_hash, question_key,
    terminated,
};
