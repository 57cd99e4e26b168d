//! Durations, retry policies, activity options and turn policies, with their
//! bounds and defaults.

use std::time::Duration;

use everturn_engine::policy::{ActivityOptions, OnBusy, RetryPolicy, TurnPolicy};
use everturn_engine::value::Span;
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};

const HOUR: Span = Span::from_secs(3_600);
const DAY: Span = Span::from_secs(86_400);
/// Longest duration that any field takes.
const YEARS: Span = Span::from_secs(10 * 366 * 86_400);

/// A duration that may be left out: never negative, at most ten years.
pub(crate) fn optional_span(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<prost_types::Duration>,
) -> Option<Span> {
    bounded(checker, path, value, Span(0), YEARS)
}

/// A duration between bounds that may be left out.
fn bounded(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<prost_types::Duration>,
    min: Span,
    max: Span,
) -> Option<Span> {
    let value = value?;
    let nanos_fit = (-999_999_999..=999_999_999).contains(&value.nanos);
    let micros = value
        .seconds
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(i64::from(value.nanos) / 1_000))
        .filter(|_| nanos_fit);
    let Some(micros) = micros else {
        checker.violation(path, "is not a valid duration");
        return None;
    };
    if value.seconds < 0 || value.nanos < 0 {
        checker.violation(path, "is negative");
        return None;
    }
    if micros < min.0 || micros > max.0 {
        checker.violation(
            path,
            format!("is not between {} and {}", text(min), text(max)),
        );
        return None;
    }
    Some(Span(micros))
}

fn text(span: Span) -> String {
    let duration = Duration::from_micros(span.0.unsigned_abs());
    format!("{duration:?}")
}

/// How long a call may wait: 20 s unless given, at most 60 s.
pub(crate) fn wait(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<prost_types::Duration>,
) -> Duration {
    let wait = bounded(checker, path, value, Span(0), Span::from_secs(60));
    let wait = wait.unwrap_or(Span::from_secs(20));
    Duration::from_micros(wait.0.unsigned_abs())
}

/// Options of an activity. An empty task queue means the run's.
pub(crate) fn activity_options(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::ActivityOptions>,
) -> ActivityOptions {
    let value = value.unwrap_or_default();
    checker.optional_name(path.then("task_queue"), &value.task_queue);
    let mut options = ActivityOptions::on(value.task_queue.into());
    if let Some(policy) = value.retry_policy {
        options.retry = retry_policy(checker, path.then("retry_policy"), policy);
    }
    let mut span = |name, value| optional_span(checker, path.then(name), value);
    options.schedule_to_start = span("schedule_to_start_timeout", value.schedule_to_start_timeout);
    options.schedule_to_close = span("schedule_to_close_timeout", value.schedule_to_close_timeout);
    options.heartbeat = span("heartbeat_timeout", value.heartbeat_timeout);
    if let Some(timeout) = span("start_to_close_timeout", value.start_to_close_timeout) {
        options.start_to_close = timeout;
    }
    if let Some(priority) = value.priority {
        match u8::try_from(priority) {
            Ok(priority) if priority <= 9 => options.priority = priority,
            _ => checker.violation(path.then("priority"), "is not between 0 and 9"),
        }
    }
    options
}

fn retry_policy(checker: &mut Checker, path: Path<'_>, value: pb::RetryPolicy) -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    let least = Span::from_millis(1);
    let initial = path.then("initial_interval");
    if let Some(span) = bounded(checker, initial, value.initial_interval, least, DAY) {
        policy.initial_interval = span;
        policy.maximum_interval = policy.maximum_interval.max(span);
    }
    if let Some(coefficient) = value.backoff_coefficient {
        if (1.0..=100.0).contains(&coefficient) {
            policy.backoff_coefficient = coefficient;
        } else {
            checker.violation(path.then("backoff_coefficient"), "is not between 1 and 100");
        }
    }
    let maximum = path.then("maximum_interval");
    if let Some(span) = optional_span(checker, maximum, value.maximum_interval) {
        if span < policy.initial_interval {
            checker.violation(maximum, "is shorter than initial_interval");
        }
        policy.maximum_interval = span;
    }
    policy.maximum_attempts = value.maximum_attempts.unwrap_or(0);
    let types = path.then("non_retryable_types");
    if value.non_retryable_types.len() > 64 {
        checker.violation(types, "has more than 64 entries");
    }
    for (index, name) in value.non_retryable_types.iter().enumerate() {
        checker.name(types.at(index), name);
    }
    policy.non_retryable_types = value
        .non_retryable_types
        .into_iter()
        .map(Into::into)
        .collect();
    policy
}

/// The turn policy of a conversation, defaults filled in.
pub(crate) fn turn_policy(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::TurnPolicy>,
) -> TurnPolicy {
    let mut policy = TurnPolicy::default();
    let Some(value) = value else {
        return policy;
    };
    policy.on_busy = match pb::OnBusy::try_from(value.on_busy) {
        Ok(pb::OnBusy::Unspecified | pb::OnBusy::Queue) => OnBusy::Queue,
        Ok(pb::OnBusy::Interrupt) => OnBusy::Interrupt,
        Ok(pb::OnBusy::Steer) => OnBusy::Steer,
        Err(_) => {
            checker.violation(path.then("on_busy"), "is unknown");
            OnBusy::Queue
        }
    };
    let grace = path.then("interrupt_grace");
    let ten_minutes = Span::from_secs(600);
    if let Some(span) = bounded(checker, grace, value.interrupt_grace, Span(0), ten_minutes) {
        policy.interrupt_grace = span;
    }
    let Some(debounce) = value.debounce else {
        return policy;
    };
    let path = path.then("debounce");
    let quiet = bounded(checker, path.then("quiet"), debounce.quiet, Span(0), HOUR);
    policy.quiet = quiet.unwrap_or_default();
    let max_wait = bounded(
        checker,
        path.then("max_wait"),
        debounce.max_wait,
        Span(0),
        DAY,
    );
    policy.max_wait = max_wait
        .unwrap_or(Span(policy.quiet.0 * 10))
        .max(policy.quiet);
    if debounce.max_messages > 1_000 {
        checker.violation(path.then("max_messages"), "is over 1000");
    }
    policy.max_messages = debounce.max_messages;
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(seconds: i64, nanos: i32) -> (Option<Span>, bool) {
        let mut checker = Checker::default();
        let value = Some(prost_types::Duration { seconds, nanos });
        let span = optional_span(&mut checker, Path::field("delay"), value);
        (span, checker.is_clean())
    }

    #[test]
    fn durations_outside_of_what_they_can_be_are_refused() {
        assert_eq!(span(1, 500_000_000), (Some(Span(1_500_000)), true));
        assert_eq!(span(0, 0), (Some(Span(0)), true));
        for (seconds, nanos) in [
            (-1, 0),
            (0, -1),
            (i64::MAX, 0),
            (i64::MIN, 0),
            (1, i32::MAX),
            (400_000_000, 0),
        ] {
            assert_eq!(
                span(seconds, nanos),
                (None, false),
                "{seconds} s {nanos} ns"
            );
        }
    }
}
