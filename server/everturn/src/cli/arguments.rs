//! Values of arguments: labels, JSON inputs, hours, amounts.

use std::time::Duration;

use everturn_client::v1;

use crate::config::parse_span;

/// Reads `key=value`.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as key=value".to_owned()),
    }
}

/// Reads a JSON value; kept as written.
pub(super) fn json_payload(text: &str) -> Result<v1::Payload, String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| format!("not JSON: {error}"))?;
    Ok(v1::Payload {
        data: bytes::Bytes::copy_from_slice(text.as_bytes()),
        content_type: String::new(),
    })
}

/// A duration as the API writes it.
pub(super) fn proto_duration(duration: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(duration).ok()
}

/// Reads a duration that may be in days: `30d`, `1d 12h`, `15m`.
pub(super) fn long_span(text: &str) -> Result<Duration, String> {
    let Some((days, rest)) = text.split_once('d') else {
        return parse_span(text);
    };
    let days: u32 = days
        .trim()
        .parse()
        .map_err(|_| format!("{text:?} is not a duration: write it as 30d, 1d 12h or 15m"))?;
    let rest = match rest.trim() {
        "" => Duration::ZERO,
        rest => parse_span(rest)?,
    };
    Ok(Duration::from_secs(u64::from(days) * 86_400) + rest)
}

/// Reads `22:00-07:00`, with a time zone behind it if it is not UTC.
pub(super) fn quiet_hours(text: &str) -> Result<v1::QuietHours, String> {
    let hint = "write it as 22:00-07:00 or '22:00-07:00 Europe/Berlin'";
    let (hours, time_zone) = text.split_once(' ').unwrap_or((text, ""));
    let minute = |time: &str| {
        let (hour, minute) = time.split_once(':')?;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let (start, end) = hours.split_once('-').ok_or(hint)?;
    Ok(v1::QuietHours {
        time_zone: time_zone.trim().to_owned(),
        start_minute: minute(start).ok_or(hint)?,
        end_minute: minute(end).ok_or(hint)?,
    })
}

/// Reads `3/24h`, or `0` for no cap.
pub(super) fn frequency_cap(text: &str) -> Result<v1::FrequencyCap, String> {
    if text == "0" {
        return Ok(v1::FrequencyCap::default());
    }
    let (count, window) = text.split_once('/').ok_or("write it as 3/24h")?;
    let max_messages = count.parse().map_err(|_| "write it as 3/24h")?;
    Ok(v1::FrequencyCap {
        max_messages,
        window: proto_duration(long_span(window)?),
    })
}

/// Reads what follows the last failed attempt of a turn: `wait`,
/// `person:NAME`, `team:NAME` or `event:TYPE`.
pub(super) fn after_failure(text: &str) -> Result<Option<v1::on_turn_failure::Then>, String> {
    use v1::assignee::Kind;
    use v1::on_turn_failure::Then;
    let to = |kind| Some(Then::HandOff(v1::Assignee { kind: Some(kind) }));
    match text.split_once(':') {
        None if text == "wait" => Ok(None),
        Some(("person", name)) if !name.is_empty() => Ok(to(Kind::Person(name.to_owned()))),
        Some(("team", name)) if !name.is_empty() => Ok(to(Kind::Team(name.to_owned()))),
        Some(("event", name)) if !name.is_empty() => Ok(Some(Then::EventType(name.to_owned()))),
        _ => Err("write it as wait, person:NAME, team:NAME or event:TYPE".to_owned()),
    }
}

/// Reads what follows a handover that nobody took up: `hand-back`,
/// `person:NAME`, `team:NAME` or `event:TYPE`.
pub(super) fn after_handoff(text: &str) -> Result<Option<v1::handoff_timeout::Then>, String> {
    use v1::handoff_timeout::Then as After;
    use v1::on_turn_failure::Then;
    if text == "hand-back" {
        return Ok(None);
    }
    match after_failure(text) {
        Ok(Some(Then::HandOff(to))) => Ok(Some(After::HandOff(to))),
        Ok(Some(Then::EventType(name))) => Ok(Some(After::EventType(name))),
        _ => Err("write it as hand-back, person:NAME, team:NAME or event:TYPE".to_owned()),
    }
}

/// Reads what follows a delivery that failed for good: `nothing`,
/// `next-channel`, `person:NAME`, `team:NAME` or `event:TYPE`.
pub(super) fn undeliverable(
    text: &str,
) -> Result<Option<v1::channel_policy::OnUndeliverable>, String> {
    use v1::channel_policy::OnUndeliverable as After;
    use v1::on_turn_failure::Then;
    match text {
        "nothing" => return Ok(None),
        "next-channel" => return Ok(Some(After::NextChannel(true))),
        _ => {}
    }
    match after_failure(text) {
        Ok(Some(Then::HandOff(to))) => Ok(Some(After::HandOff(to))),
        Ok(Some(Then::EventType(name))) => Ok(Some(After::EventType(name))),
        _ => Err(
            "write it as nothing, next-channel, person:NAME, team:NAME or event:TYPE".to_owned(),
        ),
    }
}

/// Reads what follows the last turn of a window: `wait`, `person:NAME` or
/// `team:NAME`.
pub(super) fn after_cap(text: &str) -> Result<Option<v1::turn_cap::Then>, String> {
    use v1::on_turn_failure::Then;
    match after_failure(text) {
        Ok(None) => Ok(None),
        Ok(Some(Then::HandOff(to))) => Ok(Some(v1::turn_cap::Then::HandOff(to))),
        _ => Err("write it as wait, person:NAME or team:NAME".to_owned()),
    }
}

/// Reads `120/1h`, or `0` for no cap.
pub(super) fn turn_cap(text: &str) -> Result<v1::TurnCap, String> {
    let v1::FrequencyCap {
        max_messages,
        window,
    } = frequency_cap(text)?;
    Ok(v1::TurnCap {
        turns: max_messages,
        window,
        then: None,
    })
}

/// Reads what a customer does not want.
pub(super) fn opt_out(text: &str) -> Result<v1::OptOut, String> {
    match text {
        "none" => Ok(v1::OptOut::None),
        "proactive" => Ok(v1::OptOut::Proactive),
        "all" => Ok(v1::OptOut::All),
        _ => Err("write it as none, proactive or all".to_owned()),
    }
}

/// Reads `channel=value`.
pub(super) fn by_channel<T: Clone + Send + Sync + 'static>(
    value: fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<(String, T), String> + Clone + Send + Sync + 'static {
    move |text| {
        let (channel, text) = label(text)?;
        Ok((channel, value(&text)?))
    }
}

/// Reads an amount of money such as `2.50EUR`, in millionths; `0` is none.
pub(super) fn amount(text: &str) -> Result<(u64, String), String> {
    let hint = "write it as 2.50EUR";
    if text == "0" {
        return Ok((0, String::new()));
    }
    let split = text.len().checked_sub(3).ok_or(hint)?;
    let (number, currency) = text.split_at_checked(split).ok_or(hint)?;
    let (whole, part) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let is_written = currency.bytes().all(|byte| byte.is_ascii_uppercase())
        && part.len() <= 6
        && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_written {
        return Err(hint.to_owned());
    }
    let whole: u64 = whole.parse().map_err(|_| hint)?;
    let part: u64 = format!("{part:0<6}").parse().map_err(|_| hint)?;
    let micros = whole
        .checked_mul(1_000_000)
        .and_then(|it| it.checked_add(part));
    Ok((micros.ok_or("too much")?, currency.to_owned()))
}

/// Reads bytes written as hexadecimal digits.
pub(super) fn hex_bytes(text: &str) -> Result<bytes::Bytes, String> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        })
        .collect();
    bytes
        .map(bytes::Bytes::from)
        .ok_or_else(|| "write it as hexadecimal digits".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_caps_and_amounts_are_read_as_people_write_them() {
        assert_eq!(long_span("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(long_span("1d 12h"), Ok(Duration::from_secs(129_600)));
        assert_eq!(long_span("15m"), Ok(Duration::from_secs(900)));
        let hours = quiet_hours("22:00-07:30 Europe/Berlin").expect("valid");
        assert_eq!((hours.start_minute, hours.end_minute), (1_320, 450));
        assert_eq!(hours.time_zone, "Europe/Berlin");
        assert_eq!(frequency_cap("2/7d").expect("valid").max_messages, 2);
        assert_eq!(amount("2.50EUR"), Ok((2_500_000, "EUR".to_owned())));
        assert_eq!(amount("12 USD"), Ok((12_000_000, "USD".to_owned())));
        assert_eq!(amount("0"), Ok((0, String::new())));
        assert_eq!(hex_bytes("aB01").expect("valid")[..], [0xab, 0x01]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for wrong in ["", "24:00-07:00", "22-7", "22:00"] {
            assert!(quiet_hours(wrong).is_err(), "{wrong}");
        }
        for wrong in [
            "",
            "EUR",
            "2.5",
            "2.1234567EUR",
            "-1EUR",
            "2,5EUR",
            "1.+5EUR",
        ] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
        assert!(frequency_cap("3").is_err());
        assert!(hex_bytes("abc").is_err() && hex_bytes("zz").is_err());
        assert!(long_span("xd").is_err());
    }
}
