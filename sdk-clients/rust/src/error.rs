//! The one error of this crate: a refused or failed call, with everything the
//! server said about it.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tonic_types::StatusExt as _;

pub use tonic::Code;

/// One field of a request that the server found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field ("`turn_policy.debounce.quiet`").
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    message: String,
    reason: Option<String>,
    metadata: HashMap<String, String>,
    field_violations: Vec<FieldViolation>,
    retry_delay: Option<Duration>,
}

/// A call that was refused or could not be made.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

impl Error {
    /// An error of a class, found on this side of the wire.
    pub(crate) fn local(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            reason: None,
            metadata: HashMap::new(),
            field_violations: Vec::new(),
            retry_delay: None,
        }))
    }

    /// An option or argument that this crate refuses.
    pub(crate) fn invalid(field: &str, description: impl Into<String>) -> Self {
        let mut error = Self::local(Code::InvalidArgument, format!("{field} is invalid"));
        error.0.field_violations.push(FieldViolation {
            field: field.to_owned(),
            description: description.into(),
        });
        error
    }

    /// The class of the error.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The machine-readable reason ("`RUN_NOT_FOUND`"), if the server gave one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Text for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What belongs to the reason: `run_id`, `incident_id`.
    #[must_use]
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.0.metadata
    }

    /// The fields that are wrong, all of them at once.
    #[must_use]
    pub fn field_violations(&self) -> &[FieldViolation] {
        &self.0.field_violations
    }

    /// How long the server asks to wait before the next attempt.
    #[must_use]
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_delay
    }

    /// Whether there is nothing with the id that was asked for.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.code == Code::NotFound
    }

    /// Whether the same request may succeed later as it is.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.code {
            Code::Unavailable => true,
            Code::ResourceExhausted => self.0.retry_delay.is_some(),
            _ => false,
        }
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        let details = status.get_error_details();
        let (reason, metadata) = match details.error_info() {
            Some(info) => (Some(info.reason.clone()), info.metadata.clone()),
            None => (None, HashMap::new()),
        };
        let field_violations = details
            .bad_request()
            .map(|bad| {
                bad.field_violations
                    .iter()
                    .map(|violation| FieldViolation {
                        field: violation.field.clone(),
                        description: violation.description.clone(),
                    })
                    .collect()
            })
            .unwrap_or_default();
        let retry_delay = details.retry_info().and_then(|info| info.retry_delay);
        Self(Box::new(Inner {
            code: code(&status),
            message: readable(&status),
            reason,
            metadata,
            field_violations,
            retry_delay,
        }))
    }
}

/// A call whose connection breaks arrives with whatever code the layers below
/// made of it. They leave their cause behind, and the server never does: such
/// a call may be repeated like any that met no server.
fn code(status: &tonic::Status) -> Code {
    let is_local = std::error::Error::source(status).is_some();
    match status.code() {
        Code::Unknown | Code::Cancelled | Code::Internal if is_local => Code::Unavailable,
        code => code,
    }
}

/// A failed connection arrives as "transport error" with the cause that a
/// person needs hidden behind it.
fn readable(status: &tonic::Status) -> String {
    let mut message = status.message().to_owned();
    let mut source = std::error::Error::source(status);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = cause.source();
    }
    message
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(reason) = &self.0.reason {
            write!(f, " ({reason})")?;
        }
        for violation in &self.0.field_violations {
            write!(f, "; {}: {}", violation.field, violation.description)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn everything_the_server_said_is_readable() {
        let mut details = ErrorDetails::new();
        details
            .set_error_info(
                "BUSY",
                "everturn",
                HashMap::from([("partition".to_owned(), "3".to_owned())]),
            )
            .set_retry_info(Some(Duration::from_millis(250)))
            .add_bad_request_violation("channel", "must not be empty");
        let status =
            tonic::Status::with_error_details(Code::ResourceExhausted, "too much", details);
        let error = Error::from(status);
        assert_eq!(error.code(), Code::ResourceExhausted);
        assert_eq!(error.reason(), Some("BUSY"));
        assert_eq!(error.metadata()["partition"], "3");
        assert_eq!(error.field_violations()[0].field, "channel");
        assert_eq!(error.retry_delay(), Some(Duration::from_millis(250)));
        assert!(error.is_retryable());
        assert_eq!(
            error.to_string(),
            "too much (BUSY); channel: must not be empty"
        );
    }

    #[test]
    fn exhaustion_without_a_delay_is_final() {
        let error = Error::from(tonic::Status::resource_exhausted("limit"));
        assert!(!error.is_retryable());
        assert!(Error::from(tonic::Status::unavailable("gone")).is_retryable());
        assert!(!Error::from(tonic::Status::deadline_exceeded("late")).is_retryable());
    }
}
