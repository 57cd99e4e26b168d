//! The content of messages, labels, addresses, people, usage.

use std::collections::{BTreeMap, HashMap};

use everturn_engine::limits;
use everturn_engine::text::Text;
use everturn_engine::value::{MessageContent, Usage};
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};
use crate::incoming::optional_payload;

/// What a message says: text or data.
pub(crate) fn content(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::MessageContent>,
) -> MessageContent {
    let value = value.unwrap_or_default();
    if value.text.is_empty() && value.data.is_none() {
        checker.violation(path, "has neither text nor data");
    }
    let content = MessageContent {
        text: value.text.into(),
        data: optional_payload(checker, path.then("data"), value.data),
        attributes: labels(checker, path.then("attributes"), value.attributes),
    };
    if content.size_bytes() > limits::PAYLOAD_BYTES {
        checker.over_limit("bytes of a message", limits::PAYLOAD_BYTES as u64);
    }
    content
}

/// Labels or attributes: names with short values.
pub(crate) fn labels(
    checker: &mut Checker,
    path: Path<'_>,
    value: HashMap<String, String>,
) -> BTreeMap<Text, Text> {
    if value.len() > limits::LABELS {
        let text = format!("has {} entries; at most {}", value.len(), limits::LABELS);
        checker.violation(path, text);
    }
    for (key, value) in &value {
        checker.name(path.then(key), key);
        checker.text(path.then(key), value, limits::ID_BYTES);
    }
    let entries = value.into_iter();
    entries
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

/// Addresses by channel; an empty one is kept, for requests that remove.
pub(crate) fn addresses(
    checker: &mut Checker,
    path: Path<'_>,
    value: HashMap<String, String>,
) -> BTreeMap<Text, Text> {
    if value.len() > limits::ADDRESSES {
        let text = format!("has {} entries; at most {}", value.len(), limits::ADDRESSES);
        checker.violation(path, text);
    }
    for (channel, address) in &value {
        checker.name(path.then(channel), channel);
        checker.optional_name(path.then(channel), address);
    }
    let entries = value.into_iter();
    entries
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

/// What an attempt used.
pub(crate) fn usage(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::Usage>,
) -> Option<Box<Usage>> {
    let value = value?;
    let currency = path.then("currency");
    if value.cost_micros > 0 && value.currency.is_empty() {
        checker.violation(currency, "is required with cost_micros");
    }
    super::policy::currency(checker, currency, &value.currency);
    Some(Box::new(Usage {
        input_tokens: value.input_tokens,
        output_tokens: value.output_tokens,
        cost_micros: value.cost_micros,
        currency: value.currency.into(),
    }))
}
