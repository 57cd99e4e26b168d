//! What waits while its root is loaded.

use everturn_engine::text::RootKey;

use crate::assignments::Assigned;
use crate::partition::visit::Visit;
use crate::session::Reporter;
use crate::task::TaskResult;
use crate::task_ref::TaskRef;

/// A request that waits for its root.
pub(super) enum Parked {
    Visit(Visit),
    Result(Reporter, TaskResult),
    Assigned(Assigned),
    Lost(TaskRef),
    Undelivered(TaskRef),
    Deadline(RootKey),
}

impl Parked {
    /// The root.
    pub fn key(&self) -> &RootKey {
        match self {
            Self::Visit(visit) => &visit.key,
            Self::Result(_, result) => &result.root,
            Self::Assigned(assigned) => &assigned.task.root,
            Self::Lost(task) | Self::Undelivered(task) => &task.root,
            Self::Deadline(key) => key,
        }
    }
}
