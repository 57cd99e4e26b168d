//! The runtime of Everturn: partitions that own the state, group commit, the
//! materializer that writes the view behind the log, timers, and the sessions
//! of workers.
//!
//! `Options` → [`Runtime`] (owns the loops) + [`Handle`] (cheap to clone, hides
//! channels) + [`Error`].

mod assignments;
mod clock;
mod cluster;
mod errand;
mod error;
mod given;
mod handle;
mod journal;
mod keys;
mod known_values;
mod map;
mod memory;
mod metrics;
mod options;
mod partition;
mod read;
mod record;
mod runtime;
mod serving;
mod session;
mod stored;
mod task;
mod task_ref;
mod typing;
mod typing_adapters;
mod waiting;
mod watch;

pub use clock::WallClock;
pub use error::Error;
pub use everturn_store::Cursor;
pub use handle::{Handle, ListQuery, Poll, Session, SessionOptions};
pub use journal::{Entry, TurnInput};
pub use memory::MemoryReader;
pub use metrics::{Metric, Metrics, Snapshot};
pub use options::Options;
pub use partition::verify_root;
pub use read::{ApprovalPage, ConversationPage, HistoryPage, MessagePage, RunPage};
pub use record::{ConversationRecord, DeliveryRecord, RunDescription, RunRecord, TurnRecord};
pub use runtime::Runtime;
pub use session::SessionTypes;
pub use task::{ActivityTask, OutputPiece, ResultBody, TaskResult, WorkItem, WorkflowTask};
pub use typing::{Typing, TypingNotice};
pub use waiting::{QueueRecord, QueueState, QueueType};
pub use watch::{Access, OutputPosition, StreamName, Update, Watch};
