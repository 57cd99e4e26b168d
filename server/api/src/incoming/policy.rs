//! Retry policies, activity options and turn policies, with their bounds and
//! defaults.

use everturn_engine::decide::is_time_zone;
use everturn_engine::limits;
use everturn_engine::policy::{
    ActivityOptions, AfterFailure, Budget, FrequencyCap, OnBusy, OnTurnFailure, QuietHours,
    RetryPolicy, TurnPolicy,
};
use everturn_engine::value::{Span, Usage};
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};
use crate::incoming::assignee::assignee;
use crate::incoming::span::{bounded, optional_span};

const HOUR: Span = Span::from_secs(3_600);
const DAY: Span = Span::from_secs(86_400);
/// Longest silence that a timeout waits for.
const LONGEST_SILENCE: Span = Span::from_secs(366 * 86_400);
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
    options.estimate = value.estimated_usage.map(|value| {
        let path = path.then("estimated_usage");
        currency(checker, path.then("currency"), &value.currency);
        Box::new(Usage {
            input_tokens: value.input_tokens,
            output_tokens: value.output_tokens,
            cost_micros: value.cost_micros,
            currency: value.currency.into(),
        })
    });
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

/// Changes of a turn policy: what a request gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct PolicyChanges {
    debounce: Option<(Span, Span, u32)>,
    on_busy: Option<OnBusy>,
    on_event: Option<OnBusy>,
    interrupt_grace: Option<Span>,
    idle_timeout: Option<Span>,
    customer_timeout: Option<Span>,
    staff_timeout: Option<Span>,
    quiet_hours: Option<QuietHours>,
    no_quiet_hours: bool,
    frequency_cap: Option<FrequencyCap>,
    budget: Option<Budget>,
    on_turn_failure: Option<OnTurnFailure>,
    max_interrupts: u32,
    max_delay: Option<Span>,
    people: people::PeopleChanges,
    outside: outside::OutsideChanges,
}

impl PolicyChanges {
    /// Makes the changes. What is given as zero is removed.
    pub fn apply(self, policy: &mut TurnPolicy) {
        if let Some((quiet, max_wait, max_messages)) = self.debounce {
            policy.quiet = quiet;
            policy.max_wait = max_wait;
            policy.max_messages = max_messages;
        }
        policy.on_busy = self.on_busy.unwrap_or(policy.on_busy);
        policy.on_event = self.on_event.unwrap_or(policy.on_event);
        policy.interrupt_grace = self.interrupt_grace.unwrap_or(policy.interrupt_grace);
        for (timeout, change) in [
            (&mut policy.idle_timeout, self.idle_timeout),
            (&mut policy.customer_timeout, self.customer_timeout),
            (&mut policy.staff_timeout, self.staff_timeout),
        ] {
            if let Some(span) = change {
                *timeout = Some(span).filter(|span| span.0 > 0);
            }
        }
        if self.no_quiet_hours {
            policy.quiet_hours = None;
        }
        if let Some(hours) = self.quiet_hours {
            policy.quiet_hours = Some(hours).filter(|h| h.start_minute != h.end_minute);
        }
        if let Some(cap) = self.frequency_cap {
            policy.frequency_cap = Some(cap).filter(|cap| cap.max_messages > 0);
        }
        if let Some(budget) = self.budget {
            policy.budget = Some(budget).filter(|b| b.tokens > 0 || b.cost_micros > 0);
        }
        if let Some(on_turn_failure) = self.on_turn_failure {
            policy.on_turn_failure = on_turn_failure;
        }
        if self.max_interrupts > 0 {
            policy.max_interrupts = self.max_interrupts;
        }
        if let Some(span) = self.max_delay {
            policy.max_delay = Some(span).filter(|span| span.0 > 0);
        }
        self.people.apply(policy);
        self.outside.apply(policy);
    }
}

/// What a request says about a turn policy.
pub(crate) fn policy_changes(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::TurnPolicy>,
) -> PolicyChanges {
    let Some(value) = value else {
        return PolicyChanges::default();
    };
    if value.no_quiet_hours && value.quiet_hours.is_some() {
        let path = path.then("no_quiet_hours");
        checker.violation(path, "is set together with quiet_hours");
    }
    if value.max_interrupts > limits::MAX_INTERRUPTS {
        let limit = limits::MAX_INTERRUPTS;
        checker.violation(path.then("max_interrupts"), format!("is over {limit}"));
    }
    let people = people::changes(checker, path, &value);
    let outside = outside::changes(checker, path, &value);
    let ten_minutes = Span::from_secs(600);
    let grace = path.then("interrupt_grace");
    let mut timeout = |name, value| {
        let path = path.then(name);
        let span = bounded(checker, path, value, Span(0), LONGEST_SILENCE);
        if span.is_some_and(|span| span.0 > 0 && span < Span::from_secs(1)) {
            checker.violation(path, "is under 1s");
        }
        span
    };
    PolicyChanges {
        max_interrupts: value.max_interrupts,
        max_delay: timeout("max_delay", value.max_delay).map(|span| span.min(DAY)),
        people,
        outside,
        idle_timeout: timeout("idle_timeout", value.idle_timeout),
        customer_timeout: timeout("customer_timeout", value.customer_timeout),
        staff_timeout: timeout("staff_timeout", value.staff_timeout),
        on_busy: on_busy(checker, path.then("on_busy"), value.on_busy),
        on_event: on_busy(checker, path.then("on_event"), value.on_event),
        interrupt_grace: bounded(checker, grace, value.interrupt_grace, Span(0), ten_minutes),
        debounce: value
            .debounce
            .map(|value| debounce(checker, path.then("debounce"), value)),
        quiet_hours: value
            .quiet_hours
            .map(|value| quiet_hours(checker, path.then("quiet_hours"), value)),
        no_quiet_hours: value.no_quiet_hours,
        frequency_cap: value
            .frequency_cap
            .map(|value| frequency_cap(checker, path.then("frequency_cap"), value)),
        budget: value
            .budget
            .map(|value| budget(checker, path.then("budget"), value)),
        on_turn_failure: value
            .on_turn_failure
            .map(|value| on_turn_failure(checker, path.then("on_turn_failure"), value)),
    }
}

fn on_busy(checker: &mut Checker, path: Path<'_>, value: i32) -> Option<OnBusy> {
    match pb::OnBusy::try_from(value) {
        Ok(pb::OnBusy::Unspecified) => None,
        Ok(pb::OnBusy::Queue) => Some(OnBusy::Queue),
        Ok(pb::OnBusy::Interrupt) => Some(OnBusy::Interrupt),
        Ok(pb::OnBusy::Steer) => Some(OnBusy::Steer),
        Err(_) => {
            checker.violation(path, "is unknown");
            None
        }
    }
}

fn debounce(checker: &mut Checker, path: Path<'_>, value: pb::Debounce) -> (Span, Span, u32) {
    let quiet = bounded(checker, path.then("quiet"), value.quiet, Span(0), HOUR);
    let quiet = quiet.unwrap_or_default();
    let max_wait = bounded(checker, path.then("max_wait"), value.max_wait, Span(0), DAY);
    let max_wait = max_wait.unwrap_or(Span(quiet.0 * 10)).max(quiet);
    if value.max_messages > 1_000 {
        checker.violation(path.then("max_messages"), "is over 1000");
    }
    (quiet, max_wait, value.max_messages)
}

fn quiet_hours(checker: &mut Checker, path: Path<'_>, value: pb::QuietHours) -> QuietHours {
    let zone = match value.time_zone.as_str() {
        "" => "UTC",
        name => name,
    };
    if !is_time_zone(zone) {
        checker.violation(
            path.then("time_zone"),
            "is not the IANA name of a time zone",
        );
    }
    let mut minute = |name, value: u32| match u16::try_from(value) {
        Ok(minute) if minute < 1_440 => minute,
        _ => {
            checker.violation(path.then(name), "is not between 0 and 1439");
            0
        }
    };
    QuietHours {
        start_minute: minute("start_minute", value.start_minute),
        end_minute: minute("end_minute", value.end_minute),
        time_zone: zone.into(),
    }
}

fn frequency_cap(checker: &mut Checker, path: Path<'_>, value: pb::FrequencyCap) -> FrequencyCap {
    if value.max_messages > 1_000 {
        checker.violation(path.then("max_messages"), "is over 1000");
    }
    let (window, second) = (path.then("window"), Span::from_secs(1));
    let span = bounded(checker, window, value.window, second, LONGEST_SILENCE);
    if span.is_none() && value.max_messages > 0 && value.window.is_none() {
        checker.violation(window, "is required");
    }
    FrequencyCap {
        max_messages: value.max_messages,
        window: span.unwrap_or(second),
    }
}

fn on_turn_failure(
    checker: &mut Checker,
    path: Path<'_>,
    value: pb::OnTurnFailure,
) -> OnTurnFailure {
    use pb::on_turn_failure::Then;
    if value.attempts > limits::TURN_ATTEMPTS {
        let limit = limits::TURN_ATTEMPTS;
        checker.violation(path.then("attempts"), format!("is over {limit}"));
    }
    let longest = OnTurnFailure::BACKOFF_MAX;
    let backoff = bounded(
        checker,
        path.then("backoff"),
        value.backoff,
        Span(0),
        longest,
    );
    OnTurnFailure {
        attempts: value.attempts.max(1),
        backoff: backoff.unwrap_or(OnTurnFailure::BACKOFF),
        then: match value.then {
            None => AfterFailure::Wait,
            Some(Then::HandOff(to)) => {
                AfterFailure::HandOff(assignee(checker, path.then("hand_off"), Some(to)))
            }
            Some(Then::EventType(name)) => {
                checker.name(path.then("event_type"), &name);
                AfterFailure::Event(name.into())
            }
        },
    }
}

/// A budget.
pub(crate) fn budget(checker: &mut Checker, path: Path<'_>, value: pb::Budget) -> Budget {
    let currency = path.then("currency");
    if value.cost_micros > 0 && value.currency.is_empty() {
        checker.violation(currency, "is required with cost_micros");
    }
    self::currency(checker, currency, &value.currency);
    Budget {
        tokens: value.tokens,
        cost_micros: value.cost_micros,
        currency: value.currency.into(),
    }
}

/// The code of a currency, or nothing.
pub(crate) fn currency(checker: &mut Checker, path: Path<'_>, value: &str) {
    let is_code = value.len() == 3 && value.bytes().all(|b| b.is_ascii_uppercase());
    if !value.is_empty() && !is_code {
        checker.violation(path, "is not an ISO 4217 code");
    }
}

mod outside;
mod people;

#[cfg(test)]
mod tests;
