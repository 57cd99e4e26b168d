//! When agents may write first: quiet hours and the frequency cap.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::event::SuppressReason;
use crate::policy::QuietHours;
use crate::state::conversation::Conversation;
use crate::value::Time;

const MINUTES_PER_DAY: i64 = 1_440;

/// Whether a name is a time zone that quiet hours can be given in.
#[must_use]
pub fn is_time_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

/// When the quiet hours end that `now` lies in; `None` outside of them.
pub(super) fn quiet_until(hours: Option<&QuietHours>, now: Time) -> Option<Time> {
    let hours = hours?;
    let zone = TimeZone::get(hours.time_zone.as_str()).unwrap_or(TimeZone::UTC);
    let local = zone.to_datetime(Timestamp::from_microsecond(now.0).ok()?);
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
    Some(absolute(&zone, ends, now))
}

/// The moment of a local time. One that a change of the clocks leaves out
/// comes right after the gap.
fn absolute(zone: &TimeZone, local: DateTime, now: Time) -> Time {
    let moment = zone.to_ambiguous_timestamp(local).compatible();
    let time = moment.map_or(now.0 + 60_000_000, |moment| moment.as_microsecond());
    // Always later, or the wait would come back at once.
    Time(time.max(now.0 + 1))
}

/// Why a proactive message may not leave now, if it may not.
pub(crate) fn hindrance(conversation: &Conversation, now: Time) -> Option<SuppressReason> {
    if quiet_until(conversation.policy.quiet_hours.as_ref(), now).is_some() {
        return Some(SuppressReason::QuietHours);
    }
    let cap = conversation.policy.frequency_cap?;
    let recent = conversation.proactive.iter().rev();
    let within = recent.take_while(|at| **at + cap.window > now).count();
    (within >= cap.max_messages as usize).then_some(SuppressReason::FrequencyCap)
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
    fn an_end_that_the_clocks_skip_comes_after_the_gap() {
        let berlin = hours("Europe/Berlin", 0, 2 * 60 + 30);
        let night = quiet_until(Some(&berlin), at("2026-03-28T23:30:00Z"));
        assert_eq!(night, Some(at("2026-03-29T01:30:00Z")));
    }

    #[test]
    fn hours_of_no_length_are_never_quiet() {
        let none = hours("UTC", 600, 600);
        assert_eq!(quiet_until(Some(&none), at("2026-11-24T10:00:00Z")), None);
        assert!(is_time_zone("Europe/Berlin") && !is_time_zone("Mars/Olympus"));
    }
}
