//! The task queues of Everturn: which task goes to which worker, pure.
//!
//! No clock, no thread, no I/O: `now` comes in as microseconds, assignments
//! and expiries are taken out as values. A task is a small reference; its
//! content stays with the run that it belongs to.

mod dispatcher;
mod expiry;
mod ids;
mod line;
mod membership;
mod options;
mod queue;
mod queues;
mod subscriber;
mod task;
mod timeouts;

pub use dispatcher::Dispatcher;
pub use expiry::Expired;
pub use ids::{DeliveryId, SubscriberId};
pub use options::{Error, Options};
pub use queue::{Assignment, Offer, QueueStats};
pub use subscriber::AckMode;
pub use task::{QueueKey, TaskKind, TaskRef, take_bytes};
