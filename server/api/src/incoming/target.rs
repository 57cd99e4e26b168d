//! Ids: which root, run or queue a request means.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use everturn_engine::decide::RunRef;
use everturn_engine::event::RunId;
use everturn_engine::hash::stable_hash;
use everturn_engine::state::request::Request;
use everturn_engine::text::{Namespace, QueueName, RootKey, Text};
use everturn_engine::waiting::WaitReason;
use everturn_proto::v1 as pb;

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

/// The same of an id that was looked at before.
pub(crate) fn key(namespace: &Namespace, id: Text) -> RootKey {
    RootKey {
        namespace: namespace.clone(),
        id: id.as_str().into(),
    }
}

/// Checks the id of a conversation, or that an address says which one it is.
pub(crate) fn named_or_of(checker: &mut Checker, id: &str, address: &Text) {
    if !id.is_empty() {
        checker.root_id(Path::field("conversation_id"), id);
    } else if address.as_str().is_empty() {
        checker.violation(
            Path::field("conversation_id"),
            "is empty, and there is no customer_address",
        );
    }
}

/// An address of a customer, on its channel.
pub(crate) fn contact(checker: &mut Checker, path: Path<'_>, value: &pb::Contact) -> (Text, Text) {
    checker.name(path.then("channel"), &value.channel);
    if value.address.is_empty() {
        checker.violation(path.then("address"), "is empty");
    }
    let address = super::outside::text(&value.address);
    (value.channel.as_str().into(), address)
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

/// The id of a request, and what it asks for: another one with the same id is
/// refused. `parts` is everything in it but the id.
pub(crate) fn request(
    checker: &mut Checker,
    method: &str,
    request_id: &str,
    parts: &[&[u8]],
) -> Request {
    if request_id.is_empty() {
        return Request::default();
    }
    checker.optional_name(Path::field("request_id"), request_id);
    Request {
        hash: stable_hash(&[method.as_bytes(), request_id.as_bytes()]).max(1),
        fingerprint: stable_hash(parts).max(1),
    }
}

/// A message of the protocol as a part of what a request asks for.
pub(crate) fn bytes(message: Option<&impl prost::Message>) -> Vec<u8> {
    message.map_or(Vec::new(), prost::Message::encode_to_vec)
}

/// Labels or attributes likewise: in order.
pub(crate) fn sorted(entries: &HashMap<String, String>) -> Vec<u8> {
    let sorted: BTreeMap<&String, &String> = entries.iter().collect();
    let mut bytes = Vec::new();
    for (key, value) in sorted {
        for text in [key, value] {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0xff);
        }
    }
    bytes
}

/// What a message says, likewise.
pub(crate) fn said(content: Option<&pb::MessageContent>) -> Vec<u8> {
    let Some(content) = content else {
        return Vec::new();
    };
    let attributes = sorted(&content.attributes);
    let rest = pb::MessageContent {
        attributes: HashMap::new(),
        ..content.clone()
    };
    [prost::Message::encode_to_vec(&rest), attributes].concat()
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
