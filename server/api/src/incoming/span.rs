//! Durations and points in time, with their bounds.

use std::time::Duration;

use everturn_engine::value::{Span, Time};

use crate::checker::{Checker, Path};

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
pub(crate) fn bounded(
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

/// A point in time that may be left out.
pub(crate) fn time(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<prost_types::Timestamp>,
) -> Option<Time> {
    let value = value?;
    let nanos_fit = (0..1_000_000_000).contains(&value.nanos);
    let micros = value
        .seconds
        .checked_mul(1_000_000)
        .and_then(|micros| micros.checked_add(i64::from(value.nanos) / 1_000))
        .filter(|_| nanos_fit);
    if micros.is_none() {
        checker.violation(path, "is not a valid time");
    }
    micros.map(Time)
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
