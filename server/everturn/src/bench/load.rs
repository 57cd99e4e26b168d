//! The load: slots that work one after the other (closed loop) or begin at
//! given times (open loop), and the record of how long each piece took.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Starts that may be due before a slot takes them; more would mean minutes
/// of lateness.
const DUE_STARTS_MAX: usize = 100_000;
/// How long slots may take to end after the measurement.
const FINISH_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest latency that is told apart, in microseconds.
const LATENCY_MAX_US: u64 = 120_000_000;
/// Pause of a slot after an error.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// One piece of work at a time, over and over.
pub(crate) trait Slot: Send + 'static {
    /// Does one piece of work.
    fn once(&mut self) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + '_>>;
}

/// What was done in the measured window.
pub(crate) struct Recorder {
    begin: Instant,
    end: Instant,
    latencies: Mutex<Histogram<u64>>,
    done: AtomicU64,
    errors: AtomicU64,
    first_error: Mutex<Option<String>>,
}

impl Recorder {
    pub(crate) fn new(begin: Instant, end: Instant) -> Arc<Self> {
        let latencies = histogram();
        Arc::new(Self {
            begin,
            end,
            latencies: Mutex::new(latencies),
            done: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            first_error: Mutex::new(None),
        })
    }

    /// Records a piece of work that began (or was to begin) at `start`.
    pub(super) fn record(&self, start: Instant, end: Instant) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if end < self.begin || end >= self.end {
            return;
        }
        let us = u64::try_from((end - start).as_micros()).unwrap_or(LATENCY_MAX_US);
        let mut latencies = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        latencies.saturating_record(us.max(1));
    }

    fn fail(&self, error: &anyhow::Error) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        let mut first = self
            .first_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| format!("{error:#}"));
    }

    /// Number of pieces of work that failed, and what the first one said.
    pub(crate) fn errors(&self) -> (u64, Option<String>) {
        let first = self
            .first_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (self.errors.load(Ordering::Relaxed), first.clone())
    }

    /// The latencies of the window, in microseconds.
    pub(crate) fn latencies(&self) -> Histogram<u64> {
        self.latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// For latencies in microseconds.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)
        .expect("the bounds are constants that the histogram allows")
}

/// When pieces of work begin.
enum Pace {
    Closed,
    Open(tokio::sync::Mutex<mpsc::Receiver<Instant>>),
}

impl Pace {
    /// The start of the next piece of work; `None` when it is over.
    async fn next(&self, end: Instant) -> Option<Instant> {
        let start = match self {
            Self::Closed => Instant::now(),
            Self::Open(due) => due.lock().await.recv().await?,
        };
        (start < end).then_some(start)
    }
}

/// A running load.
pub(crate) struct Load {
    slots: JoinSet<()>,
    recorder: Arc<Recorder>,
}

impl Load {
    /// Sets the slots to work at once, until the recorder's window ends.
    pub(crate) fn start(
        slots: Vec<Box<dyn Slot>>,
        rate: Option<f64>,
        recorder: Arc<Recorder>,
    ) -> Self {
        let pace = Arc::new(match rate {
            None => Pace::Closed,
            Some(rate) => Pace::Open(tokio::sync::Mutex::new(starts(rate, recorder.end))),
        });
        let mut set = JoinSet::new();
        for slot in slots {
            set.spawn(work(slot, Arc::clone(&pace), Arc::clone(&recorder)));
        }
        Self {
            slots: set,
            recorder,
        }
    }

    /// Prints a line about progress each second until `end`.
    pub(crate) async fn follow_until(&self, end: Instant) {
        let mut before = self.recorder.done.load(Ordering::Relaxed);
        let mut second = 0;
        while Instant::now() < end {
            let next = (Instant::now() + Duration::from_secs(1)).min(end);
            tokio::time::sleep_until(next.into()).await;
            second += 1;
            let done = self.recorder.done.load(Ordering::Relaxed);
            let errors = self.recorder.errors.load(Ordering::Relaxed);
            eprintln!("{second:>4} s  {:>8} done  {errors} errors", done - before);
            before = done;
        }
    }

    /// Waits for slots that are at work, for a while.
    pub(crate) async fn finish(mut self) {
        let all = async { while self.slots.join_next().await.is_some() {} };
        if tokio::time::timeout(FINISH_TIMEOUT, all).await.is_err() {
            eprintln!("some work did not end in time");
        }
    }
}

async fn work(mut slot: Box<dyn Slot>, pace: Arc<Pace>, recorder: Arc<Recorder>) {
    while let Some(start) = pace.next(recorder.end).await {
        match slot.once().await {
            Ok(()) => recorder.record(start, Instant::now()),
            Err(error) => {
                recorder.fail(&error);
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }
}

/// Start times at a fixed rate, kept by a thread of its own: the timers of
/// the runtime are only good to a millisecond, which would be a good part of
/// what is measured.
pub(super) fn starts(rate: f64, end: Instant) -> mpsc::Receiver<Instant> {
    let (sender, receiver) = mpsc::channel(DUE_STARTS_MAX);
    std::thread::spawn(move || {
        let begin = Instant::now();
        for number in 0_u32.. {
            let due = begin + Duration::from_secs_f64(f64::from(number) / rate);
            if due >= end {
                return;
            }
            while let Some(early) = due.checked_duration_since(Instant::now()) {
                if early.is_zero() {
                    break;
                }
                std::thread::park_timeout(early);
            }
            if sender.blocking_send(due).is_err() {
                return;
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sleeps(Duration);

    impl Slot for Sleeps {
        fn once(&mut self) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + '_>> {
            Box::pin(async {
                tokio::time::sleep(self.0).await;
                Ok(())
            })
        }
    }

    #[tokio::test]
    async fn an_open_loop_counts_the_wait_for_a_free_slot() {
        let begin = Instant::now();
        let recorder = Recorder::new(begin, begin + Duration::from_millis(400));
        let slots: Vec<Box<dyn Slot>> = vec![Box::new(Sleeps(Duration::from_millis(50)))];
        // 40 are due per second and one slot can do 20: latency must grow.
        Load::start(slots, Some(40.0), recorder.clone())
            .finish()
            .await;
        let latencies = recorder.latencies();
        assert!((5..=8).contains(&latencies.len()), "{}", latencies.len());
        assert!(latencies.max() > 150_000, "{} us", latencies.max());
    }

    #[tokio::test]
    async fn only_the_window_counts() {
        let now = Instant::now();
        let recorder = Recorder::new(now + Duration::from_secs(1), now + Duration::from_secs(2));
        recorder.record(now, now + Duration::from_millis(500));
        recorder.record(now, now + Duration::from_millis(1_500));
        recorder.record(now, now + Duration::from_millis(2_500));
        assert_eq!(recorder.latencies().len(), 1);
    }
}
