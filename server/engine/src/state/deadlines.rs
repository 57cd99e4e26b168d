//! The points in time at which a root has something to do.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Slot;
use crate::value::Time;

/// What is due at a point in time. A root has at most one deadline of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deadline {
    /// The next attempt of an activity may start.
    Retry(Slot, u64),
    /// An attempt waited too long in its queue.
    ScheduleToStart(Slot, u64),
    /// An activity took too long in all.
    ScheduleToClose(Slot, u64),
    /// An attempt ran too long.
    StartToClose(Slot, u64),
    /// An attempt was silent too long.
    Heartbeat(Slot, u64),
    /// A timer of the code fires.
    Timer(Slot, u64),
    /// A run took too long.
    Execution(Slot),
    /// The waiting messages become a turn, or answer an ask.
    Burst,
    /// An interrupted turn had its time to clean up.
    Grace(Slot),
    /// A workflow task was not completed in time.
    TaskTimeout(Slot),
    /// A failed workflow task is tried again.
    TaskRetry(Slot),
    /// An approval expires: its run and the event that asked for it.
    Approval(Slot, u64),
    /// Nobody wrote for a while.
    Idle,
    /// The customer did not answer for a while.
    CustomerTimeout,
    /// The customer had no answer for a while.
    StaffTimeout,
    /// A delivery may be tried again, or its attempt took too long.
    Delivery(u64),
    /// The content of a closed conversation is to be removed.
    Retention,
    /// Quiet hours are over for messages that were held.
    Held,
    /// Nobody has taken up a handover for a while.
    HandoffTimeout,
    /// What a merged conversation holds is sent on its way once more.
    Merge,
}

/// All deadlines of a root. Derived from its state, never stored.
#[derive(Clone, Debug, Default)]
pub struct Deadlines {
    by_time: BTreeSet<(Time, Deadline)>,
    by_kind: BTreeMap<Deadline, Time>,
}

impl Deadlines {
    /// Sets a deadline; replaces the one of the same kind.
    pub fn arm(&mut self, deadline: Deadline, at: Time) {
        if let Some(before) = self.by_kind.insert(deadline, at) {
            if before == at {
                return;
            }
            self.by_time.remove(&(before, deadline));
        }
        self.by_time.insert((at, deadline));
    }

    /// Removes a deadline, if it is set.
    pub fn disarm(&mut self, deadline: Deadline) {
        if let Some(at) = self.by_kind.remove(&deadline) {
            self.by_time.remove(&(at, deadline));
        }
    }

    /// When a deadline comes, if it is set.
    #[must_use]
    pub fn at(&self, deadline: Deadline) -> Option<Time> {
        self.by_kind.get(&deadline).copied()
    }

    /// The earliest time at which something is due.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest deadline that has come, if any.
    pub fn take_due(&mut self, now: Time) -> Option<Deadline> {
        let (at, deadline) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.disarm(deadline);
        Some(deadline)
    }
}
