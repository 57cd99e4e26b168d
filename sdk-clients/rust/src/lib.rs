//! Rust client of the Everturn API: conversations, workflows, and a lean
//! worker. The command line, services and the load generator stand on it.
//!
//! ```no_run
//! # async fn example() -> Result<(), everturn_client::Error> {
//! use everturn_client::{Client, ConnectOptions, v1};
//!
//! let client = Client::new(ConnectOptions::from_env())?;
//! client
//!     .submit_message(v1::SubmitMessageRequest {
//!         conversation_id: "customer-7".into(),
//!         conversation_type: "support".into(),
//!         channel: "chat".into(),
//!         content: Some(everturn_client::text("where is my parcel?")),
//!         ..Default::default()
//!     })
//!     .await?;
//! let mut watch = client.watch("customer-7", 0);
//! while let Some(update) = watch.next().await? {
//!     println!("{update:?}");
//! }
//! # Ok(())
//! # }
//! ```

#![expect(
    clippy::result_large_err,
    reason = "failures are data that workers report"
)]

mod calls;
mod client;
mod conversations;
mod error;
mod options;
mod payload;
mod retry;
mod stubs;
mod watch;
pub mod worker;
mod workflows;

pub use client::Client;
pub use error::{Code, Error, FieldViolation};
pub use everturn_proto::v1;
pub use options::{ConnectOptions, DEFAULT_ADDRESS, DEFAULT_NAMESPACE, RetryOptions};
pub use payload::{failure, json, json_value, text};
pub use watch::Watch;
