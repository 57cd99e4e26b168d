//! Turn policies that single conversations of the demo open with, instead of
//! their type's: quiet hours and budgets.

use std::time::{SystemTime, UNIX_EPOCH};

use everturn_client::v1;

const MINUTES_PER_DAY: u64 = 1_440;
/// How long quiet hours last: whatever the demo begins with, it ends with.
const HOURS: u64 = 8;

/// Quiet hours that have begun two hours ago.
pub fn quiet_now() -> v1::QuietHours {
    quiet_hours(SystemTime::now(), 22)
}

/// Quiet hours that begin in ten hours: none of the demo's business.
pub fn quiet_later() -> v1::QuietHours {
    quiet_hours(SystemTime::now(), 10)
}

/// Quiet hours as settings have them: "10:00-18:00 UTC".
pub fn in_words(hours: &v1::QuietHours) -> String {
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    let [start, end] = [hours.start_minute, hours.end_minute].map(clock);
    format!("{start}-{end} {}", hours.time_zone)
}

/// A policy that only says when agents do not write first.
pub fn with_quiet_hours(hours: v1::QuietHours) -> v1::TurnPolicy {
    v1::TurnPolicy {
        quiet_hours: Some(hours),
        ..Default::default()
    }
}

/// A policy that only says what a conversation may cost, in millionths of a
/// pound.
pub fn with_budget(cost_micros: u64) -> v1::TurnPolicy {
    v1::TurnPolicy {
        budget: Some(v1::Budget {
            cost_micros,
            currency: "GBP".into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Quiet hours in UTC that begin so many hours after a moment, on any day.
fn quiet_hours(now: SystemTime, after_hours: u64) -> v1::QuietHours {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let minute = |hours: u64| {
        let minute = (seconds / 60 + hours * 60) % MINUTES_PER_DAY;
        u32::try_from(minute).unwrap_or_default()
    };
    v1::QuietHours {
        time_zone: "UTC".into(),
        start_minute: minute(after_hours),
        end_minute: minute(after_hours + HOURS),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn quiet_hours_follow_the_clock_over_midnight() {
        let noon = UNIX_EPOCH + Duration::from_secs(20_000 * 86_400 + 12 * 3_600 + 59);
        assert_eq!(in_words(&quiet_hours(noon, 22)), "10:00-18:00 UTC");
        assert_eq!(in_words(&quiet_hours(noon, 10)), "22:00-06:00 UTC");
    }
}
