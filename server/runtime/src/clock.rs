//! The clock of a partition: wall time that never goes back.

use std::time::{SystemTime, UNIX_EPOCH};

use everturn_engine::value::Time;

/// Gives log times. Never before a time that it gave earlier, nor before the
/// last one in the log, even if the system clock is set back.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last: Time,
}

impl Clock {
    /// Takes note of a time found in the log.
    pub fn observe(&mut self, time: Time) {
        self.last = self.last.max(time);
    }

    /// The time of a transition that happens now.
    pub fn now(&mut self) -> Time {
        self.last = self.last.max(system_now());
        self.last
    }
}

/// The system's wall time.
pub(crate) fn system_now() -> Time {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
}
