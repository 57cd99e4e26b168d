//! Ids: which root, run or queue a request means.

use std::collections::BTreeSet;

use everturn_engine::decide::RunRef;
use everturn_engine::event::RunId;
use everturn_engine::hash::stable_hash;
use everturn_engine::text::{Namespace, QueueName, RootKey};
use everturn_engine::waiting::WaitReason;

use crate::checker::{Checker, Path};

/// Name of the namespace and of the task queue that are meant when a request
/// names none.
const DEFAULT: &str = "default";

/// The namespace of a request.
pub(crate) fn namespace(checker: &mut Checker, value: String) -> Namespace {
    if value.is_empty() {
        return DEFAULT.into();
    }
    checker.root_id(Path::field("namespace"), &value);
    value.into()
}

/// A task queue that defaults to "default".
pub(crate) fn task_queue(checker: &mut Checker, value: String) -> QueueName {
    if value.is_empty() {
        return DEFAULT.into();
    }
    checker.name(Path::field("task_queue"), &value);
    value.into()
}

/// The root that a request names in a field.
pub(crate) fn root_key(
    checker: &mut Checker,
    namespace: String,
    field: &'static str,
    id: String,
) -> RootKey {
    checker.root_id(Path::field(field), &id);
    RootKey {
        namespace: self::namespace(checker, namespace),
        id: id.into(),
    }
}

/// The run that a request names.
pub(crate) fn run_ref(checker: &mut Checker, workflow_id: String, run_id: &str) -> RunRef {
    let path = Path::field("workflow_id");
    checker.name(path, &workflow_id);
    if workflow_id.starts_with('/') {
        checker.violation(path, "begins with a \"/\"");
    }
    RunRef {
        workflow_id: workflow_id.into(),
        run_id: self::run_id(checker, run_id),
    }
}

fn run_id(checker: &mut Checker, value: &str) -> Option<RunId> {
    if value.is_empty() {
        return None;
    }
    let parsed = uuid::Uuid::try_parse(value);
    if parsed.is_err() {
        checker.violation(Path::field("run_id"), "is not a UUID");
    }
    parsed.ok().map(|uuid| RunId(uuid.as_u128()))
}

/// Hash under which a request with an id is remembered; 0 for none.
pub(crate) fn request_hash(checker: &mut Checker, method: &str, request_id: &str) -> u64 {
    if request_id.is_empty() {
        return 0;
    }
    checker.optional_name(Path::field("request_id"), request_id);
    stable_hash(&[method.as_bytes(), request_id.as_bytes()]).max(1)
}

/// The reasons that a list is restricted to.
pub(crate) fn reasons(checker: &mut Checker, values: &[i32]) -> BTreeSet<WaitReason> {
    let path = Path::field("wait_reasons");
    let mut reasons = BTreeSet::new();
    for (index, value) in values.iter().enumerate() {
        let reason = u8::try_from(*value).ok().and_then(WaitReason::from_code);
        match reason {
            Some(reason) => {
                reasons.insert(reason);
            }
            None => checker.violation(path.at(index), "is unknown"),
        }
    }
    reasons
}

/// The same as a part of what page tokens are bound to.
pub(crate) fn reasons_text(values: &[i32]) -> String {
    let names: Vec<String> = values.iter().map(ToString::to_string).collect();
    names.join(",")
}
