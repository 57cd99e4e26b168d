//! The content of messages, attachments, labels, addresses, usage.

use std::collections::{BTreeMap, HashMap};

use everturn_engine::limits;
use everturn_engine::text::Text;
use everturn_engine::value::{Attachment, Blob, MessageContent, Usage};
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};
use crate::incoming::optional_payload;

/// What a message says: text, data or attachments.
pub(crate) fn content(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::MessageContent>,
) -> MessageContent {
    content_with(checker, path, value, |checker, path, attributes| {
        entries(checker, path, attributes, limits::OUTSIDE_BYTES)
    })
}

/// The same, with its annotations read in a way of their own.
pub(super) fn content_with(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::MessageContent>,
    attributes: impl FnOnce(&mut Checker, Path<'_>, HashMap<String, String>) -> BTreeMap<Text, Text>,
) -> MessageContent {
    let value = value.unwrap_or_default();
    if value.text.is_empty() && value.data.is_none() && value.attachments.is_empty() {
        checker.violation(path, "has neither text nor data nor attachments");
    }
    let content = MessageContent {
        text: value.text.into(),
        data: optional_payload(checker, path.then("data"), value.data),
        attributes: attributes(checker, path.then("attributes"), value.attributes),
        attachments: attachments(checker, path.then("attachments"), value.attachments),
    };
    if content.size_bytes() > limits::PAYLOAD_BYTES {
        checker.over_limit("bytes of a message", limits::PAYLOAD_BYTES as u64);
    }
    content
}

fn attachments(
    checker: &mut Checker,
    path: Path<'_>,
    values: Vec<pb::Attachment>,
) -> Vec<Attachment> {
    if values.len() > limits::ATTACHMENTS {
        let (count, max) = (values.len(), limits::ATTACHMENTS);
        checker.violation(path, format!("has {count} entries; at most {max}"));
    }
    let read = |(index, value): (usize, pb::Attachment)| {
        let path = path.at(index);
        let uri = path.then("uri");
        if value.uri.is_empty() {
            checker.violation(uri, "is required");
        }
        checker.text(uri, &value.uri, limits::URI_BYTES);
        checker.optional_name(path.then("media_type"), &value.media_type);
        if !matches!(value.sha256.len(), 0 | 32) {
            checker.violation(path.then("sha256"), "has neither 32 bytes nor none");
        }
        Attachment {
            uri: value.uri.into(),
            media_type: value.media_type.into(),
            name: super::outside::text(&value.name),
            size: value.size,
            sha256: Blob(value.sha256),
        }
    };
    values.into_iter().enumerate().map(read).collect()
}

/// Labels or attributes: names with short values.
pub(crate) fn labels(
    checker: &mut Checker,
    path: Path<'_>,
    value: HashMap<String, String>,
) -> BTreeMap<Text, Text> {
    entries(checker, path, value, limits::ID_BYTES)
}

fn entries(
    checker: &mut Checker,
    path: Path<'_>,
    value: HashMap<String, String>,
    max_bytes: usize,
) -> BTreeMap<Text, Text> {
    if value.len() > limits::LABELS {
        let text = format!("has {} entries; at most {}", value.len(), limits::LABELS);
        checker.violation(path, text);
    }
    for (key, value) in &value {
        checker.name(path.then(key), key);
        checker.text(path.then(key), value, max_bytes);
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
