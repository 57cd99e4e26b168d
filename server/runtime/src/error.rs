//! Why the runtime could not do what it was asked.

use everturn_engine::rejection::Rejection;

/// Why a call did not succeed, by what the caller can do about it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The engine refused the request: part of the API.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The server is over its admission bound: try again later.
    #[error("the server is busy: {0}")]
    Busy(&'static str),
    /// A bound on open sessions or watchers was reached.
    #[error("limit reached: {subject} at most {limit}")]
    LimitExceeded {
        /// What is limited.
        subject: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A cursor is beyond what there is.
    #[error("{0}")]
    CursorInvalid(&'static str),
    /// The server is shutting down: connect again.
    #[error("the server is shutting down")]
    Draining,
    /// The partition was reloaded, and whether the request took effect is
    /// unknown: repeat it with the same id.
    #[error("the partition is being reloaded")]
    PartitionMoved,
    /// The disk is full: nothing was written. Reads work, and writes do again
    /// once there is room.
    #[error("the disk of the store is full: writes are refused until there is room")]
    StoreFull,
    /// A fault of the server, logged under this id.
    #[error("internal fault {incident}")]
    Internal {
        /// Finds the cause in the log.
        incident: String,
    },
}

impl Error {
    /// Whether the same call may succeed later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Busy(_) | Self::Draining | Self::PartitionMoved | Self::StoreFull
        )
    }

    /// Logs a fault under a fresh incident id.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        let incident = uuid::Uuid::now_v7().to_string();
        tracing::error!(incident_id = %incident, %cause, "fault");
        Self::Internal { incident }
    }
}

impl From<everturn_store::Error> for Error {
    fn from(error: everturn_store::Error) -> Self {
        if matches!(error, everturn_store::Error::OwnershipLost { .. }) {
            return Self::PartitionMoved;
        }
        if matches!(error, everturn_store::Error::Full(_)) {
            return Self::StoreFull;
        }
        if error.is_retryable() {
            return Self::Busy("the store cannot keep up");
        }
        Self::internal(&error)
    }
}
