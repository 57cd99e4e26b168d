//! Where time comes from: the system's clock or that of a simulation, and log
//! time, which never goes back.
//!
//! A clock that is set back does not stop anything: time runs on from where it
//! was, a little slower, until the system's clock has caught up. One that is
//! set forward is followed at once.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use everturn_engine::value::{Span, Time};

/// How far the system's clock may be behind before time runs slower.
const TOLERANCE: Span = Span::from_millis(100);
/// By which part of itself time runs slower then: an hour is caught up in ten.
const SLOWER: i64 = 10;

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
        let steady = Mutex::new(Steady::new(system_time(), Instant::now()));
        Self::from_fn(move || {
            let mut steady = steady.lock().unwrap_or_else(PoisonError::into_inner);
            steady.read(system_time(), Instant::now())
        })
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WallClock({})", self.now().0)
    }
}

fn system_time() -> Time {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time(micros(elapsed))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The system's time, which is never set back.
#[derive(Debug)]
struct Steady {
    shown: Time,
    read: Instant,
}

impl Steady {
    fn new(system: Time, at: Instant) -> Self {
        Self {
            shown: system,
            read: at,
        }
    }

    fn read(&mut self, system: Time, at: Instant) -> Time {
        let passed = Span(micros(at.saturating_duration_since(self.read)));
        self.read = at;
        self.shown = run_on(self.shown, passed, system);
        self.shown
    }
}

/// The time after `shown` when a while has passed, on the way to `system`.
fn run_on(shown: Time, passed: Span, system: Time) -> Time {
    let ahead = (shown + passed).since(system);
    let slower = if ahead > TOLERANCE {
        Span(passed.0 / SLOWER)
    } else {
        Span(0)
    };
    Time((shown + passed).0 - slower.0).max(system)
}

/// Gives log times. Never before a time that it gave earlier, nor before the
/// last one in the log, even if the wall clock was set back meanwhile.
#[derive(Debug)]
pub(crate) struct LogClock {
    wall: WallClock,
    last: Time,
    /// What the wall clock showed then.
    read: Time,
}

impl LogClock {
    pub fn new(wall: WallClock) -> Self {
        Self {
            read: wall.now(),
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
        let wall = self.wall.now();
        self.last = self.at(wall);
        self.read = wall;
        self.last
    }

    /// The time of a transition that would happen now.
    pub fn peek(&self) -> Time {
        self.at(self.wall.now())
    }

    fn at(&self, wall: Time) -> Time {
        run_on(self.last, wall.since(self.read), wall)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn time_runs_on_when_the_clock_is_set_back() {
        let begin = Instant::now();
        let mut clock = Steady::new(Time(10 * HOUR), begin);
        let second = |count: u64| begin + Duration::from_secs(count);
        assert_eq!(clock.read(Time(9 * HOUR), second(0)), Time(10 * HOUR));
        let passed = clock.read(Time(9 * HOUR + 10_000_000), second(10));
        assert_eq!(passed, Time(10 * HOUR + 9_000_000), "a little slower");
        // Ten hours later it shows what the system does.
        let later = clock.read(Time(19 * HOUR + 10_000_000), second(36_010));
        assert!(later.since(Time(19 * HOUR + 10_000_000)) < Span::from_secs(2));
    }

    #[test]
    fn a_clock_that_is_set_forward_is_followed() {
        let begin = Instant::now();
        let mut clock = Steady::new(Time(0), begin);
        assert_eq!(clock.read(Time(HOUR), begin), Time(HOUR));
    }

    #[test]
    fn small_corrections_change_nothing() {
        let begin = Instant::now();
        let mut clock = Steady::new(Time(HOUR), begin);
        let second = begin + Duration::from_secs(1);
        let shown = clock.read(Time(HOUR + 990_000), second);
        assert_eq!(shown, Time(HOUR + 1_000_000));
    }

    #[test]
    fn a_log_that_is_ahead_of_the_clock_goes_on() {
        let wall = Arc::new(AtomicI64::new(HOUR));
        let read = Arc::clone(&wall);
        let mut clock = LogClock::new(WallClock::from_fn(move || {
            Time(read.load(Ordering::Relaxed))
        }));
        clock.observe(Time(2 * HOUR));
        assert_eq!(clock.now(), Time(2 * HOUR));
        wall.fetch_add(10_000_000, Ordering::Relaxed);
        assert_eq!(clock.now(), Time(2 * HOUR + 9_000_000));
        wall.store(3 * HOUR, Ordering::Relaxed);
        let caught_up = clock.now();
        assert!(caught_up.since(Time(3 * HOUR)) < Span(HOUR));
    }
}
