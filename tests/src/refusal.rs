//! How calls are refused: code, reason and details.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Checks that a call was refused with this code and reason by Everturn, says
/// so in text, and carries the details that belong to them and no others. Gives
/// the details.
///
/// # Panics
/// When it was not.
#[track_caller]
pub fn refused<T>(answer: Result<T, Status>, code: Code, reason: &str) -> ErrorDetails {
    let Err(status) = answer else {
        panic!("the call should be refused with {reason}");
    };
    status_is(&status, code, reason)
}

/// The same for a status.
///
/// # Panics
/// When it is another one.
#[track_caller]
pub fn status_is(status: &Status, code: Code, reason: &str) -> ErrorDetails {
    let details = status.get_error_details();
    let info = details.error_info();
    let found = info.map(|info| (info.reason.as_str(), info.domain.as_str()));
    let expected = Some((reason, "everturn"));
    assert_eq!((status.code(), found), (code, expected), "{status:?}");
    assert!(!status.message().is_empty(), "{status:?}");
    let fields = details.bad_request().is_some();
    assert_eq!(fields, reason == "FIELD_INVALID", "fields of {status:?}");
    let quota = details.quota_failure().is_some();
    assert_eq!(quota, reason == "LIMIT_EXCEEDED", "quota of {status:?}");
    let resource = details.resource_info().is_some();
    assert_eq!(resource, code == Code::NotFound, "resource of {status:?}");
    let delay = details.retry_info().and_then(|info| info.retry_delay);
    let temporary = matches!(
        reason,
        "BUSY" | "DRAINING" | "PARTITION_MOVED" | "STORE_FULL"
    );
    assert_eq!(delay.is_some(), temporary, "retry delay of {status:?}");
    assert!(delay.is_none_or(|delay| delay < Duration::from_secs(60)));
    details
}

/// Checks that exactly these fields were found wrong, in any order.
///
/// # Panics
/// When others were.
#[track_caller]
pub fn fields_refused<T>(answer: Result<T, Status>, fields: &[&str]) {
    let details = refused(answer, Code::InvalidArgument, "FIELD_INVALID");
    let violations = &details.bad_request().expect("checked").field_violations;
    let mut found: Vec<&str> = violations.iter().map(|it| it.field.as_str()).collect();
    found.sort_unstable();
    let mut expected = fields.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected, "{violations:?}");
    let described = violations.iter().all(|it| !it.description.is_empty());
    assert!(described, "{violations:?}");
}

/// Checks that a limit was reached; what is limited.
///
/// # Panics
/// When it was not.
#[track_caller]
pub fn limit_refused<T>(answer: Result<T, Status>) -> String {
    let details = refused(answer, Code::ResourceExhausted, "LIMIT_EXCEEDED");
    let violations = &details.quota_failure().expect("checked").violations;
    let [violation] = &violations[..] else {
        panic!("one limit is named: {violations:?}");
    };
    assert!(!violation.description.is_empty());
    violation.subject.clone()
}
