//! Durations as people write them: `250ms`, `15s`, `1m 30s`, `2h`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// A duration that is read from and written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub Duration);

/// Reads a duration; a bare number is refused because its unit would be a
/// guess.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    let hint = "write it as 250ms, 15s, 1m 30s or 2h";
    let signed: jiff::SignedDuration = text
        .trim()
        .parse()
        .map_err(|_| format!("{text:?} is not a duration: {hint}"))?;
    Duration::try_from(signed).map_err(|_| format!("{text:?} is negative"))
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_span(text).map(Self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            ms if ms % 1_000 != 0 => write!(f, "{ms}ms"),
            ms if ms % 3_600_000 == 0 && ms > 0 => write!(f, "{}h", ms / 3_600_000),
            ms if ms % 60_000 == 0 && ms > 0 => write!(f, "{}m", ms / 60_000),
            ms => write!(f, "{}s", ms / 1_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(parse_span("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_span("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_span(" 2h "), Ok(Duration::from_secs(7_200)));
        for wrong in ["", "15", "soon", "-3s"] {
            assert!(parse_span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_written_so_that_they_can_be_read_again() {
        for text in ["0s", "15s", "90s", "250ms", "2m", "3h"] {
            let span: Span = text.parse().expect("valid");
            assert_eq!(span.to_string(), text);
        }
    }
}
