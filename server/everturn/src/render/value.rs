//! Small values in JSON and text: payloads, times, durations, enums, failures.

use std::collections::HashMap;
use std::fmt::Write as _;

use everturn_client::v1;
use serde_json::{Map, Value, json};

/// A payload: its own JSON value, or `{content_type, bytes_hex}` when it is
/// something else.
pub(super) fn payload(payload: Option<&v1::Payload>) -> Value {
    let Some(payload) = payload else {
        return Value::Null;
    };
    let is_json = matches!(payload.content_type.as_str(), "" | "application/json");
    if is_json && payload.data.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(&payload.data) {
        Ok(value) if is_json => value,
        _ => json!({
            "content_type": payload.content_type,
            "bytes_hex": hex(&payload.data),
        }),
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Entries by name, in order.
pub(super) fn payloads(entries: &HashMap<String, v1::Payload>) -> Value {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let entries = sorted
        .into_iter()
        .map(|(name, value)| (name.clone(), payload(Some(value))));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// Labels and attributes, in order.
pub(super) fn labels(entries: &HashMap<String, String>) -> Value {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable();
    let entries = sorted
        .into_iter()
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    Value::Object(entries.collect::<Map<_, _>>())
}

/// A time as RFC 3339 in UTC, or null.
pub(crate) fn time(time: Option<&prost_types::Timestamp>) -> Value {
    time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok())
        .map_or(Value::Null, |time| Value::from(format!("{time:.6}")))
}

/// A time of day for people, in UTC.
pub(crate) fn clock(time: Option<&prost_types::Timestamp>) -> String {
    time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok())
        .map_or_else(
            || "-".to_owned(),
            |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        )
}

/// A duration in seconds, or null.
pub(super) fn seconds(duration: Option<&prost_types::Duration>) -> Value {
    duration.map_or(Value::Null, |it| {
        #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
        let seconds = it.seconds as f64 + f64::from(it.nanos) / 1e9;
        Value::from(seconds)
    })
}

/// The name of an enum value without its type's prefix, in lower case.
pub(super) fn variant(name: &str, prefix: &str) -> String {
    let short = name.strip_prefix(prefix).unwrap_or(name);
    short.trim_start_matches('_').to_lowercase()
}

/// How a run stands.
pub(super) fn run_status(status: v1::RunStatus) -> String {
    variant(status.as_str_name(), "RUN_STATUS")
}

/// What activities used, or null when they said nothing.
pub(super) fn usage(usage: Option<&v1::Usage>) -> Value {
    usage.map_or(Value::Null, |it| {
        json!({
            "input_tokens": it.input_tokens,
            "output_tokens": it.output_tokens,
            "cost_micros": it.cost_micros,
            "currency": it.currency,
        })
    })
}

/// What activities used, on one line; empty when it is nothing.
pub(super) fn usage_text(usage: Option<&v1::Usage>) -> String {
    let Some(it) = usage else {
        return String::new();
    };
    let mut parts = Vec::new();
    if it.input_tokens > 0 || it.output_tokens > 0 {
        let (read, written) = (it.input_tokens, it.output_tokens);
        parts.push(format!("{read} tokens in, {written} out"));
    }
    if it.cost_micros > 0 {
        parts.push(format!("{} {}", money(it.cost_micros), it.currency));
    }
    parts.join(", ")
}

/// An amount of money without needless digits.
pub(super) fn money(micros: u64) -> String {
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    let digits = format!("{part:06}");
    let short = digits.trim_end_matches('0');
    format!("{whole}.{short:0<2}")
}

/// Who a conversation is handed to, or null.
pub(super) fn assignee(assignee: Option<&v1::Assignee>) -> Value {
    use v1::assignee::Kind;
    match assignee.and_then(|it| it.kind.as_ref()) {
        Some(Kind::Person(name)) => json!({ "person": name }),
        Some(Kind::Team(name)) => json!({ "team": name }),
        None => Value::Null,
    }
}

/// Who a conversation is handed to, for people.
pub(super) fn assignee_text(assignee: Option<&v1::Assignee>) -> String {
    use v1::assignee::Kind;
    match assignee.and_then(|it| it.kind.as_ref()) {
        Some(Kind::Person(name)) => name.clone(),
        Some(Kind::Team(name)) => format!("team {name}"),
        None => "nobody".to_owned(),
    }
}

/// A failure with its causes, or null.
pub(super) fn failure(failure: Option<&v1::Failure>) -> Value {
    let Some(it) = failure else {
        return Value::Null;
    };
    let mut object = Map::new();
    let kind = variant(it.kind().as_str_name(), "FAILURE_KIND");
    object.insert("kind".to_owned(), Value::from(kind));
    object.insert("type".to_owned(), Value::from(it.r#type.as_str()));
    object.insert("message".to_owned(), Value::from(it.message.as_str()));
    if !it.stack_trace.is_empty() {
        let trace = Value::from(it.stack_trace.as_str());
        object.insert("stack_trace".to_owned(), trace);
    }
    if it.details.is_some() {
        object.insert("details".to_owned(), payload(it.details.as_ref()));
    }
    if it.non_retryable {
        object.insert("non_retryable".to_owned(), Value::from(true));
    }
    if it.retry_after.is_some() {
        let after = seconds(it.retry_after.as_ref());
        object.insert("retry_after".to_owned(), after);
    }
    if let Some(cause) = &it.cause {
        object.insert("cause".to_owned(), self::failure(Some(cause)));
    }
    if !it.more_causes.is_empty() {
        let causes = it.more_causes.iter().map(|it| self::failure(Some(it)));
        object.insert("more_causes".to_owned(), causes.collect());
    }
    Value::Object(object)
}

/// A failure on one line.
pub(super) fn failure_text(failure: &v1::Failure) -> String {
    let kind = variant(failure.kind().as_str_name(), "FAILURE_KIND");
    let mut text = kind;
    for part in [&failure.r#type, &failure.message] {
        if !part.is_empty() {
            text.push_str(": ");
            text.push_str(part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(data: &'static [u8], content_type: &str) -> v1::Payload {
        v1::Payload {
            data: bytes::Bytes::from_static(data),
            content_type: content_type.to_owned(),
        }
    }

    #[test]
    fn json_payloads_are_values_and_others_keep_their_bytes() {
        assert_eq!(payload(Some(&of(b"{\"a\":1}", ""))), json!({"a": 1}));
        assert_eq!(
            payload(Some(&of(b"\x01\xff", "image/png"))),
            json!({"content_type": "image/png", "bytes_hex": "01ff"})
        );
        assert_eq!(
            payload(Some(&of(b"{bad", "application/json"))),
            json!({"content_type": "application/json", "bytes_hex": "7b626164"})
        );
        assert_eq!(payload(None), Value::Null);
    }

    #[test]
    fn times_and_enums_have_one_form() {
        let stamp = prost_types::Timestamp {
            seconds: 1_700_000_000,
            nanos: 1_000,
        };
        assert_eq!(time(Some(&stamp)), json!("2023-11-14T22:13:20.000001Z"));
        assert_eq!(run_status(v1::RunStatus::TimedOut), "timed_out");
    }

    #[test]
    fn usage_is_short() {
        let used = v1::Usage {
            input_tokens: 10,
            output_tokens: 2,
            cost_micros: 1_250_000,
            currency: "EUR".to_owned(),
        };
        assert_eq!(usage_text(Some(&used)), "10 tokens in, 2 out, 1.25 EUR");
        assert_eq!(usage_text(Some(&v1::Usage::default())), "");
        assert_eq!(money(7), "0.000007");
        assert_eq!(money(3_000_000), "3.00");
    }
}
