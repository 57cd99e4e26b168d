//! How errors are shown and which exit code they become.

use std::io::Write as _;
use std::process::ExitCode;

use everturn_client::{Code, Error};

use crate::config::ConfigError;
use crate::render::printable;

/// Exit code of `workflow wait` for a run that closed without completing.
pub(crate) const RUN_NOT_COMPLETED: u8 = 6;

/// Something that this program refuses to do; ends with exit code 4.
#[derive(Debug)]
pub(crate) struct Refused(pub String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Writes an error to standard error and gives its exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    // Nothing is left to do if standard error is closed.
    let _ = std::io::stderr().write_all(printable(&render(error)).as_bytes());
    ExitCode::from(code(error))
}

/// `everturn … | head` ends quietly.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|it| it.kind() == std::io::ErrorKind::BrokenPipe)
}

fn render(error: &anyhow::Error) -> String {
    let Some(refusal) = error.downcast_ref::<Error>() else {
        return format!("error: {error:#}\n");
    };
    let mut text = format!("error: {}\n", refusal.message());
    if let Some(reason) = refusal.reason() {
        text.push_str(&format!("  reason: {reason}\n"));
    }
    for violation in refusal.field_violations() {
        let (field, description) = (&violation.field, &violation.description);
        text.push_str(&format!("  {field}: {description}\n"));
    }
    let mut metadata: Vec<_> = refusal.metadata().iter().collect();
    metadata.sort_unstable();
    for (name, value) in metadata {
        text.push_str(&format!("  {name}: {value}\n"));
    }
    if let Some(delay) = refusal.retry_delay() {
        text.push_str(&format!("  try again in {delay:?}\n"));
    }
    text
}

fn code(error: &anyhow::Error) -> u8 {
    if error.is::<ConfigError>() {
        return 2;
    }
    if error.is::<Refused>() {
        return 4;
    }
    let Some(refusal) = error.downcast_ref::<Error>() else {
        return 1;
    };
    match refusal.code() {
        Code::InvalidArgument | Code::OutOfRange => 2,
        Code::NotFound => 3,
        Code::ResourceExhausted if refusal.is_retryable() => 5,
        Code::FailedPrecondition
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Aborted => 4,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => 5,
        Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::time::Duration;
    use tonic_types::{ErrorDetails, StatusExt as _};

    fn refusal(code: Code, details: ErrorDetails) -> anyhow::Error {
        Error::from(tonic::Status::with_error_details(code, "no", details)).into()
    }

    #[test]
    fn a_refusal_is_shown_with_everything_that_helps() {
        let mut details = ErrorDetails::new();
        details
            .set_error_info(
                "FIELD_INVALID",
                "everturn",
                HashMap::from([("hint".to_owned(), "shorter".to_owned())]),
            )
            .add_bad_request_violation("channel", "must not be empty")
            .set_retry_info(Some(Duration::from_secs(1)));
        let error = refusal(Code::InvalidArgument, details);
        assert_eq!(
            render(&error),
            "error: no\n  reason: FIELD_INVALID\n  channel: must not be empty\n  \
             hint: shorter\n  try again in 1s\n"
        );
        assert_eq!(code(&error), 2);
    }

    #[test]
    fn exit_codes_tell_classes_of_errors_apart() {
        let plain = |code| refusal(code, ErrorDetails::new());
        assert_eq!(code(&plain(Code::NotFound)), 3);
        assert_eq!(code(&plain(Code::FailedPrecondition)), 4);
        assert_eq!(code(&plain(Code::AlreadyExists)), 4);
        assert_eq!(code(&plain(Code::ResourceExhausted)), 4);
        let busy = ErrorDetails::with_retry_info(Some(Duration::from_secs(1)));
        assert_eq!(code(&refusal(Code::ResourceExhausted, busy)), 5);
        assert_eq!(code(&plain(Code::Unavailable)), 5);
        assert_eq!(code(&plain(Code::Internal)), 1);
        assert_eq!(code(&ConfigError("x".to_owned()).into()), 2);
        assert_eq!(code(&Refused("x".to_owned()).into()), 4);
        assert_eq!(code(&anyhow::anyhow!("x")), 1);
    }

    #[test]
    fn other_errors_are_shown_with_their_causes() {
        let error = anyhow::anyhow!("inner").context("outer");
        assert_eq!(render(&error), "error: outer: inner\n");
    }
}
