//! Validation: every violation of a request is collected before it is
//! refused, so that a caller learns all of them at once.

use std::fmt;

use everturn_engine::limits;
use everturn_engine::value::{Blob, Failure, FailureKind, Payload};
use tonic::Status;

use crate::error;

/// Where a value stands in its request. Costs nothing until it is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

impl Path<'static> {
    /// A field of the request itself.
    pub const fn field(name: &'static str) -> Self {
        Self {
            parent: None,
            step: Step::Field(name),
        }
    }
}

impl<'a> Path<'a> {
    /// A field of the message at this path.
    pub fn then(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            step: Step::Field(name),
        }
    }

    /// An element of the list at this path.
    pub fn at(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Field(name) if self.parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Collects what is wrong with a request.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    violations: Vec<(String, String)>,
    limit: Option<(&'static str, u64)>,
}

/// Violations that are reported at most; a hostile request could hold many.
const MAX_VIOLATIONS: usize = 32;

impl Checker {
    /// Notes that a field is wrong.
    pub fn violation(&mut self, path: Path<'_>, description: impl Into<String>) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push((path.to_string(), description.into()));
        }
    }

    /// Notes that a documented limit is passed.
    pub fn over_limit(&mut self, subject: &'static str, limit: u64) {
        self.limit.get_or_insert((subject, limit));
    }

    /// Refuses the request if anything was noted.
    pub fn finish(self) -> Result<(), Status> {
        if !self.violations.is_empty() {
            return Err(error::fields_invalid(self.violations));
        }
        match self.limit {
            Some((subject, limit)) => Err(error::limit_exceeded(subject, limit)),
            None => Ok(()),
        }
    }

    /// Whether nothing was noted so far.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty() && self.limit.is_none()
    }

    /// What is wrong as the failure of a command; its details are JSON, with the
    /// first wrong field and the limit.
    pub fn failure(&self) -> Option<Failure> {
        if self.is_clean() {
            return None;
        }
        let (message, is_limit) = self.summary();
        let type_name = if is_limit {
            "LIMIT_EXCEEDED"
        } else {
            "FIELD_INVALID"
        };
        let field = self.violations.first().map(|(field, _)| field.as_str());
        let limit = self.limit.filter(|_| is_limit).map(|(_, limit)| limit);
        let details = serde_json::json!({ "field": field, "limit": limit });
        let mut failure = Failure::new(FailureKind::Application, type_name, &message);
        failure.non_retryable = true;
        failure.details = Some(Payload {
            data: Blob(details.to_string().into_bytes().into()),
            content_type: "".into(),
        });
        Some(failure)
    }

    /// What is wrong, in one line, and whether it is a limit.
    pub fn summary(&self) -> (String, bool) {
        let fields: Vec<String> = self
            .violations
            .iter()
            .map(|(field, description)| format!("{field}: {description}"))
            .collect();
        match (fields.is_empty(), self.limit) {
            (true, Some((subject, limit))) => (format!("{subject}: at most {limit}"), true),
            _ => (fields.join("; "), false),
        }
    }

    /// A required id or name: 1 to 256 bytes, no control characters.
    pub fn name(&mut self, path: Path<'_>, value: &str) {
        if value.is_empty() {
            self.violation(path, "is required");
        } else {
            self.optional_name(path, value);
        }
    }

    /// An id or name that may be left out.
    pub fn optional_name(&mut self, path: Path<'_>, value: &str) {
        if value.len() > limits::ID_BYTES {
            let text = format!("has {} bytes; at most {}", value.len(), limits::ID_BYTES);
            self.violation(path, text);
        } else if value.chars().any(char::is_control) {
            self.violation(path, "holds control characters");
        }
    }

    /// The id of a root: a name without "/", which separates children.
    pub fn root_id(&mut self, path: Path<'_>, value: &str) {
        self.name(path, value);
        if value.contains('/') {
            self.violation(path, "holds a \"/\", which separates children from parents");
        }
        if value.starts_with('~') {
            self.violation(path, "begins with \"~\", which is kept for Everturn's own");
        }
    }

    /// Free text of at most so many bytes.
    pub fn text(&mut self, path: Path<'_>, value: &str, max_bytes: usize) {
        if value.len() > max_bytes {
            let text = format!("has {} bytes; at most {max_bytes}", value.len());
            self.violation(path, text);
        }
    }

    /// A page size: 0 takes the default.
    pub fn page_size(&mut self, value: u32, default: usize, max: usize) -> usize {
        let size = value as usize;
        if size > max {
            self.violation(
                Path::field("page_size"),
                format!("is {size}; at most {max}"),
            );
        }
        if size == 0 { default } else { size.min(max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_the_request() {
        let results = Path::field("results");
        let second = results.at(1);
        let failure = second.then("failure");
        assert_eq!(failure.then("type").to_string(), "results[1].failure.type");
    }

    #[test]
    fn all_violations_come_together() {
        let mut checker = Checker::default();
        checker.name(Path::field("conversation_id"), "");
        checker.root_id(Path::field("workflow_id"), "a/b");
        checker.optional_name(Path::field("namespace"), &"x".repeat(257));
        checker.name(Path::field("channel"), "a\u{7}b");
        let status = checker.finish().expect_err("four fields are wrong");
        let details = tonic_types::StatusExt::get_error_details(&status);
        let fields = details.bad_request().expect("fields are listed");
        assert_eq!(fields.field_violations.len(), 4);
    }
}
