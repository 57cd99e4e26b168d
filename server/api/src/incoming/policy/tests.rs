//! Durations and turn policies at their bounds.

use everturn_engine::value::Time;

use super::*;
use crate::incoming::span::time;

fn span(seconds: i64, nanos: i32) -> (Option<Span>, bool) {
    let mut checker = Checker::default();
    let value = Some(prost_types::Duration { seconds, nanos });
    let span = optional_span(&mut checker, Path::field("delay"), value);
    (span, checker.is_clean())
}

#[test]
fn quiet_hours_are_removed_or_set_and_not_both() {
    let hours = pb::QuietHours {
        end_minute: 60,
        ..Default::default()
    };
    let changed = |quiet_hours, no_quiet_hours| {
        let value = Some(pb::TurnPolicy {
            quiet_hours,
            no_quiet_hours,
            ..Default::default()
        });
        let mut checker = Checker::default();
        let changes = policy_changes(&mut checker, Path::field("turn_policy"), value);
        let mut policy = TurnPolicy {
            quiet_hours: Some(QuietHours {
                time_zone: "Europe/Berlin".into(),
                start_minute: 1_320,
                end_minute: 420,
            }),
            ..TurnPolicy::default()
        };
        changes.apply(&mut policy);
        let end = policy.quiet_hours.map(|hours| hours.end_minute);
        checker.is_clean().then_some(end)
    };
    assert_eq!(changed(None, false), Some(Some(420)));
    assert_eq!(changed(None, true), Some(None));
    assert_eq!(changed(Some(hours.clone()), false), Some(Some(60)));
    assert_eq!(changed(Some(pb::QuietHours::default()), false), Some(None));
    assert_eq!(changed(Some(hours), true), None);
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

#[test]
fn what_follows_a_failed_turn_is_set_as_a_whole_within_its_bounds() {
    use pb::on_turn_failure::Then;
    let changed = |attempts, seconds, then| {
        let value = Some(pb::TurnPolicy {
            on_turn_failure: Some(pb::OnTurnFailure {
                attempts,
                backoff: Some(prost_types::Duration { seconds, nanos: 0 }),
                then,
            }),
            ..Default::default()
        });
        let mut checker = Checker::default();
        let changes = policy_changes(&mut checker, Path::field("turn_policy"), value);
        let mut policy = TurnPolicy::default();
        changes.apply(&mut policy);
        checker.is_clean().then_some(policy.on_turn_failure)
    };
    let event = |name: &str| Some(Then::EventType(name.to_owned()));
    let expected = OnTurnFailure {
        attempts: 3,
        backoff: Span::from_secs(10),
        then: AfterFailure::Event("turn-failed".into()),
    };
    assert_eq!(changed(3, 10, event("turn-failed")), Some(expected));
    let once = changed(0, 5, None);
    assert_eq!(once, Some(OnTurnFailure::default()), "0 is the first one");
    assert_eq!(changed(101, 10, None), None);
    assert_eq!(changed(1, 3_601, None), None);
    assert_eq!(changed(1, -1, None), None);
    assert_eq!(changed(1, 1, event("")), None);
    let nobody = Then::HandOff(pb::Assignee::default());
    assert_eq!(changed(1, 1, Some(nobody)), None);
}

#[test]
fn times_beyond_what_counts_are_refused() {
    let read = |seconds, nanos| {
        let mut checker = Checker::default();
        let value = Some(prost_types::Timestamp { seconds, nanos });
        let time = time(&mut checker, Path::field("before"), value);
        checker.is_clean().then_some(time)
    };
    assert_eq!(read(1, 500_000), Some(Some(Time(1_000_500))));
    assert_eq!(read(i64::MAX, 0), None);
    assert_eq!(read(1, -1), None);
}
