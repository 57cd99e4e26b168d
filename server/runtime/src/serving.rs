//! Whether this node can serve: what keeps it from that is noted where it is
//! noticed, and seen by whoever reports health. One line in the log per change.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// What keeps a node from serving; the first one is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// The database did not answer for a lease.
    LeaseOver,
    /// Another node has the partitions.
    StandBy,
    /// A partition that this node should own is not taken yet.
    NotTaken(u32),
    /// The writes of a partition were refused for want of room.
    DiskFull(u32),
}

impl Trouble {
    fn text(self) -> &'static str {
        match self {
            Self::LeaseOver => "the database cannot be reached",
            Self::StandBy => "another node serves, this one stands by",
            Self::NotTaken(_) => "partitions are being taken",
            Self::DiskFull(_) => "the disk of the store is full",
        }
    }
}

/// What keeps this node from serving.
#[derive(Debug)]
pub(crate) struct Serving {
    troubles: Mutex<BTreeSet<Trouble>>,
    problem: watch::Sender<Option<&'static str>>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            troubles: Mutex::default(),
            problem: watch::Sender::new(None),
        }
    }
}

impl Serving {
    /// Something keeps this node from serving.
    pub fn begin(&self, trouble: Trouble) {
        self.change(|troubles| troubles.insert(trouble));
    }

    /// Something does not any more.
    pub fn end(&self, trouble: Trouble) {
        self.change(|troubles| troubles.remove(&trouble));
    }

    /// Whether something does.
    pub fn set(&self, trouble: Trouble, is_on: bool) {
        if is_on {
            self.begin(trouble);
        } else {
            self.end(trouble);
        }
    }

    /// What keeps this node from serving, if anything does.
    pub fn problem(&self) -> watch::Receiver<Option<&'static str>> {
        self.problem.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<Trouble>) -> bool) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut troubles);
        let problem = troubles.first().map(|trouble| trouble.text());
        let mut before = None;
        let is_change = self.problem.send_if_modified(|known| {
            before = std::mem::replace(known, problem);
            before != problem
        });
        match problem {
            _ if !is_change => {}
            None if before == Some(Trouble::DiskFull(0).text()) => {
                tracing::info!("the disk has room again: writes are taken");
            }
            None => tracing::info!("this node serves"),
            Some(problem) if matches!(troubles.first(), Some(Trouble::DiskFull(_))) => {
                tracing::error!(
                    "{problem}: writes are refused with STORE_FULL until there is room, reads go on"
                );
            }
            Some(problem) => tracing::warn!(problem, "this node does not serve"),
        }
    }
}
