//! Where time comes from: the system's clock or that of a simulation, and log
//! time, which never goes back.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use everturn_engine::value::Time;

/// Wall time, as the runtime reads it. That of the system by default.
#[derive(Clone)]
pub struct WallClock(Arc<dyn Fn() -> Time + Send + Sync>);

impl WallClock {
    /// A clock that is read by calling a function: for simulations.
    pub fn from_fn(read: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> Time {
        (self.0)()
    }
}

impl Default for WallClock {
    fn default() -> Self {
        Self::from_fn(|| {
            let elapsed = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            Time(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
        })
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WallClock({})", self.now().0)
    }
}

/// Gives log times. Never before a time that it gave earlier, nor before the
/// last one in the log, even if the wall clock is set back.
#[derive(Debug)]
pub(crate) struct LogClock {
    wall: WallClock,
    last: Time,
}

impl LogClock {
    pub fn new(wall: WallClock) -> Self {
        Self {
            wall,
            last: Time(0),
        }
    }

    /// Takes note of a time found in the log.
    pub fn observe(&mut self, time: Time) {
        self.last = self.last.max(time);
    }

    /// The time of a transition that happens now.
    pub fn now(&mut self) -> Time {
        self.last = self.last.max(self.wall.now());
        self.last
    }
}
