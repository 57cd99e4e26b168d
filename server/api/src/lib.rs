//! The gRPC services of Everturn: each call is validated, mapped to the
//! runtime's types, carried out, and its answer mapped back. Nothing below
//! this crate knows protobuf.
//!
//! [`Options`] → [`Services`] (the routes to serve) + typed statuses.

mod checker;
mod conversation;
mod error;
mod incoming;
mod options;
mod outgoing;
mod page_token;
mod services;
mod task_queue;
mod task_token;
mod transport_errors;
mod worker;
mod workflow;

pub use options::Options;
pub use services::{Services, version};
