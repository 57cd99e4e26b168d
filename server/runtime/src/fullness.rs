//! Whether the disk of the store is full: known by the partitions whose writes
//! were refused, seen by whoever reports health. One line in the log per change.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Which partitions cannot write.
#[derive(Debug)]
pub(crate) struct Fullness {
    full: Mutex<BTreeSet<u32>>,
    takes_writes: watch::Sender<bool>,
}

impl Default for Fullness {
    fn default() -> Self {
        Self {
            full: Mutex::default(),
            takes_writes: watch::Sender::new(true),
        }
    }
}

impl Fullness {
    /// A write of a partition was refused for want of room.
    pub fn fills(&self, partition: u32) {
        self.change(|full| full.insert(partition));
    }

    /// A partition can write.
    pub fn empties(&self, partition: u32) {
        self.change(|full| full.remove(&partition));
    }

    /// False while any partition cannot write.
    pub fn takes_writes(&self) -> watch::Receiver<bool> {
        self.takes_writes.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<u32>) -> bool) {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut full);
        let takes_writes = full.is_empty();
        let is_change = self
            .takes_writes
            .send_if_modified(|known| std::mem::replace(known, takes_writes) != takes_writes);
        if !is_change {
            return;
        }
        if takes_writes {
            tracing::info!("the disk has room again: writes are taken");
        } else {
            tracing::error!(
                "the disk of the store is full: writes are refused with STORE_FULL until there is room, reads go on"
            );
        }
    }
}
