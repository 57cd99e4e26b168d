//! When agents may write first: quiet hours and the frequency cap.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::policy::QuietHours;
use crate::state::conversation::Conversation;
use crate::value::Time;

const MINUTES_PER_DAY: i64 = 1_440;
/// Changes of a zone's clocks that are followed in one stretch of quiet hours.
const CLOCK_CHANGES: usize = 8;

/// Whether a name is a time zone that quiet hours can be given in.
#[must_use]
pub fn is_time_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// When the quiet hours end that `now` lies in; `None` outside of them. Always
/// later than `now`, and not quiet itself.
pub(crate) fn quiet_until(hours: Option<&QuietHours>, now: Time) -> Option<Time> {
    let hours = hours?;
    let zone = TimeZone::get(hours.time_zone.as_str()).unwrap_or(TimeZone::UTC);
    let mut from = Timestamp::from_microsecond(now.0).ok()?;
    // Between two changes of its clocks a zone has one offset; after a change
    // the hours of the day are looked at anew. Quiet hours are shorter than a
    // day, and no zone has changed its clocks this often in one.
    for _ in 0..CLOCK_CHANGES {
        let Some(ends) = ends_at(hours, &zone, from) else {
            break;
        };
        match zone.following(from).next().map(|change| change.timestamp()) {
            Some(change) if change <= ends => from = change,
            _ => {
                from = ends;
                break;
            }
        }
    }
    let until = Time(from.as_microsecond());
    Some(until).filter(|until| *until > now)
}

/// When the quiet hours end that a moment lies in, if no clock is changed
/// until then.
fn ends_at(hours: &QuietHours, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    let local = zone.to_datetime(at);
    let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    let (start, end) = (i64::from(hours.start_minute), i64::from(hours.end_minute));
    let quiet = if start <= end {
        (start..end).contains(&minute)
    } else {
        minute >= start || minute < end
    };
    if !quiet {
        return None;
    }
    let days = i64::from(minute >= end);
    let ends = local
        .date()
        .to_datetime(jiff::civil::Time::midnight())
        .checked_add((days * MINUTES_PER_DAY + end).minutes())
        .ok()?;
    zone.to_offset(at).to_timestamp(ends).ok()
}

/// Whether agents have written first as often as they may.
pub(crate) fn is_capped(conversation: &Conversation, now: Time) -> bool {
    let Some(cap) = conversation.policy.frequency_cap else {
        return false;
    };
    let recent = conversation.proactive.iter().rev();
    let within = recent.take_while(|at| **at + cap.window > now).count();
    within + conversation.held.len() >= cap.max_messages as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        let moment: Timestamp = text.parse().expect("a timestamp");
        Time(moment.as_microsecond())
    }

    fn hours(time_zone: &str, start_minute: u16, end_minute: u16) -> QuietHours {
        QuietHours {
            time_zone: time_zone.into(),
            start_minute,
            end_minute,
        }
    }

    #[test]
    fn quiet_hours_over_midnight_end_in_the_morning_of_their_zone() {
        let berlin = hours("Europe/Berlin", 21 * 60, 8 * 60);
        let quiet = |text| quiet_until(Some(&berlin), at(text));
        assert_eq!(quiet("2026-11-24T18:00:00Z"), None, "19:00 in Berlin");
        let morning = Some(at("2026-11-25T07:00:00Z"));
        assert_eq!(quiet("2026-11-24T20:00:00Z"), morning, "21:00 in Berlin");
        assert_eq!(quiet("2026-11-25T06:59:59Z"), morning);
        assert_eq!(quiet("2026-11-25T07:00:00Z"), None);
    }

    #[test]
    fn quiet_hours_follow_the_change_of_the_clocks() {
        let berlin = hours("Europe/Berlin", 22 * 60, 8 * 60);
        // In the night to 29 March 2026 clocks go from UTC+1 to UTC+2.
        let night = quiet_until(Some(&berlin), at("2026-03-28T22:30:00Z"));
        assert_eq!(night, Some(at("2026-03-29T06:00:00Z")));
    }

    #[test]
    fn an_end_that_the_clocks_skip_comes_right_after_the_gap() {
        let berlin = hours("Europe/Berlin", 0, 2 * 60 + 30);
        let night = quiet_until(Some(&berlin), at("2026-03-28T23:30:00Z"));
        assert_eq!(night, Some(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn an_end_in_the_hour_that_comes_twice_comes_once_for_each() {
        // In the night to 25 October 2026 it is 02:30 at 00:30Z and at 01:30Z.
        let berlin = hours("Europe/Berlin", 0, 2 * 60 + 30);
        let quiet = |text| quiet_until(Some(&berlin), at(text));
        assert_eq!(
            quiet("2026-10-25T00:10:00Z"),
            Some(at("2026-10-25T00:30:00Z"))
        );
        assert_eq!(quiet("2026-10-25T00:40:00Z"), None);
        assert_eq!(
            quiet("2026-10-25T01:10:00Z"),
            Some(at("2026-10-25T01:30:00Z"))
        );
        assert_eq!(quiet("2026-10-25T01:30:00Z"), None);
    }

    /// Around every change of every zone's clocks in these years.
    #[test]
    fn quiet_hours_end_later_and_outside_of_themselves_in_every_zone() {
        let (from, to) = (at("2025-12-01T00:00:00Z"), at("2027-12-01T00:00:00Z"));
        let mut changes = 0;
        for name in jiff::tz::db().available() {
            let zone = TimeZone::get(name.as_str()).expect("is known");
            let first = Timestamp::from_microsecond(from.0).expect("a timestamp");
            let last = Timestamp::from_microsecond(to.0).expect("a timestamp");
            let all = zone.following(first).map(|change| change.timestamp());
            for change in all.take_while(|change| *change < last) {
                changes += 1;
                for (start, end) in [(60, 150), (150, 90), (1_320, 125), (0, 60), (119, 121)] {
                    let hours = hours(name.as_str(), start, end);
                    check_around(&hours, Time(change.as_microsecond()));
                }
            }
        }
        assert!(changes > 300, "{changes} changes of clocks");
    }

    /// From half a day before a moment to half a day after it.
    fn check_around(hours: &QuietHours, moment: Time) {
        let mut ends: Option<Time> = None;
        for step in -72..72_i64 {
            let now = Time(moment.0 + step * 600_000_000 + 1_000_000);
            let until = quiet_until(Some(hours), now);
            if let Some(before) = ends.filter(|before| now < *before) {
                assert_eq!(until, Some(before), "{hours:?} at {now:?}");
            }
            if let Some(until) = until {
                assert!(until > now, "{hours:?} at {now:?}");
                let after = quiet_until(Some(hours), until);
                assert_eq!(after, None, "{hours:?} at {now:?}");
            }
            ends = until;
        }
    }

    #[test]
    fn hours_of_no_length_are_never_quiet() {
        let none = hours("UTC", 600, 600);
        assert_eq!(quiet_until(Some(&none), at("2026-11-24T10:00:00Z")), None);
        assert!(is_time_zone("Europe/Berlin") && !is_time_zone("Mars/Olympus"));
    }
}
