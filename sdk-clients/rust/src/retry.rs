//! Delays between attempts: exponential, bounded, with jitter.

use std::time::Duration;

use rand::RngExt as _;

use crate::Error;
use crate::options::RetryOptions;

/// Growing delays with jitter; `reset` starts over after a success.
#[derive(Debug)]
pub(crate) struct Backoff {
    initial: Duration,
    maximum: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(initial: Duration, maximum: Duration) -> Self {
        Self {
            initial,
            maximum,
            next: initial,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.initial;
    }

    /// The next delay: between half of the step and the whole of it, so that
    /// clients that failed together do not come back together.
    pub(crate) fn delay(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.maximum);
        step.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

/// Decides about one call's attempts.
pub(crate) struct Attempts<'a> {
    options: &'a RetryOptions,
    made: u32,
    backoff: Backoff,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(options: &'a RetryOptions) -> Self {
        Self {
            options,
            made: 0,
            backoff: Backoff::new(options.initial_delay, options.maximum_delay),
        }
    }

    /// How long to wait before the next attempt, or the error when there is
    /// none.
    pub(crate) fn after(&mut self, error: Error) -> Result<Duration, Error> {
        self.made += 1;
        if !error.is_retryable() || self.made >= self.options.maximum_attempts {
            return Err(error);
        }
        let own = self.backoff.delay();
        let asked = error.retry_delay().unwrap_or_default();
        Ok(own.max(asked).min(self.options.maximum_delay))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn delays_grow_to_the_bound_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(200));
        for step in [50, 100, 200, 200] {
            let delay = backoff.delay();
            assert!(delay <= Duration::from_millis(step), "{delay:?} of {step}");
            assert!(delay >= Duration::from_millis(step / 2));
        }
        backoff.reset();
        assert!(backoff.delay() <= Duration::from_millis(50));
    }

    #[test]
    fn attempts_end_and_final_errors_are_not_repeated() {
        let options = RetryOptions {
            maximum_attempts: 3,
            ..RetryOptions::default()
        };
        let mut attempts = Attempts::new(&options);
        let unavailable = || Error::local(Code::Unavailable, "gone");
        assert!(attempts.after(unavailable()).is_ok());
        assert!(attempts.after(unavailable()).is_ok());
        assert!(attempts.after(unavailable()).is_err());
        let mut fresh = Attempts::new(&options);
        assert!(fresh.after(Error::local(Code::NotFound, "no")).is_err());
    }
}
