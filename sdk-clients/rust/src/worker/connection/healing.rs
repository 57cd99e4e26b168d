//! Which errors of a stream do not heal by themselves, and how long they are
//! put up with.

use std::time::Duration;

use tokio::time::Instant;

use crate::Error;
use crate::error::Code;

/// What a broken handshake says: a wrong certificate, a port that speaks
/// something else.
const HANDSHAKE: [&str; 6] = [
    "certificate",
    "tls",
    "handshake",
    "protocol error",
    "http/1",
    "frame with invalid size",
];

/// The patience with errors that do not heal.
#[derive(Debug)]
pub(super) struct Healing {
    at_most: Duration,
    lasting_since: Option<Instant>,
}

impl Healing {
    /// Puts up with them for a while.
    pub fn new(at_most: Duration) -> Self {
        Self {
            at_most,
            lasting_since: None,
        }
    }

    /// A stream was open: whatever ends it is something new.
    pub fn is_well(&mut self) {
        self.lasting_since = None;
    }

    /// Takes note of how an attempt ended; true: trying again is of no use.
    pub fn gives_up(&mut self, error: Option<&Error>, now: Instant) -> bool {
        let Some(error) = error else {
            self.is_well();
            return false;
        };
        if is_final(error) {
            return true;
        }
        if !is_lasting(error) {
            self.is_well();
            return false;
        }
        now - *self.lasting_since.get_or_insert(now) >= self.at_most
    }
}

/// The server refuses what the worker says about itself.
fn is_final(error: &Error) -> bool {
    error.code() == Code::InvalidArgument && error.reason() != Some("PROTOCOL_VIOLATION")
}

/// Trying again helps only if somebody changes settings or the server.
fn is_lasting(error: &Error) -> bool {
    match error.code() {
        Code::Unimplemented | Code::Unauthenticated | Code::PermissionDenied => true,
        Code::Unavailable | Code::Internal | Code::Unknown => {
            let text = error.message().to_ascii_lowercase();
            HANDSHAKE.iter().any(|sign| text.contains(sign))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn error(code: Code, text: &str) -> Error {
        Error::local(code, text)
    }

    #[test]
    fn what_does_not_heal_is_put_up_with_for_a_while() {
        let start = Instant::now();
        let mut healing = Healing::new(PATIENCE);
        for refused in [
            error(Code::Unimplemented, ""),
            error(Code::Unauthenticated, ""),
            error(Code::PermissionDenied, ""),
            error(Code::Unavailable, "invalid peer certificate: UnknownIssuer"),
        ] {
            assert!(!healing.gives_up(Some(&refused), start + PATIENCE / 2));
        }
        let refused = error(Code::Unauthenticated, "");
        assert!(!healing.gives_up(Some(&refused), start + PATIENCE));
        assert!(healing.gives_up(Some(&refused), start + 2 * PATIENCE));
    }

    #[test]
    fn a_coordinator_that_is_away_is_waited_for() {
        let start = Instant::now();
        let mut healing = Healing::new(PATIENCE);
        let refused = error(Code::PermissionDenied, "");
        assert!(!healing.gives_up(Some(&refused), start));
        let away = error(Code::Unavailable, "connection refused");
        assert!(!healing.gives_up(Some(&away), start + 2 * PATIENCE));
        assert!(!healing.gives_up(None, start + 2 * PATIENCE));
        let again = healing.gives_up(Some(&refused), start + 3 * PATIENCE);
        assert!(!again, "it counts from the first of them");
    }

    #[test]
    fn a_greeting_that_is_refused_ends_it_at_once() {
        let mut healing = Healing::new(PATIENCE);
        let refused = error(Code::InvalidArgument, "identity is too long");
        assert!(healing.gives_up(Some(&refused), Instant::now()));
    }
}
