//! Messages of the transcript.

use std::collections::{BTreeMap, HashMap};

use everturn_engine::text::Text;
use everturn_engine::value::{AuthorKind, Message, MessageContent};
use everturn_proto::v1 as pb;

use crate::outgoing::{payload, timestamp};

/// A message.
pub(crate) fn message(value: &Message) -> pb::Message {
    let author_kind = match value.author {
        AuthorKind::Customer => pb::AuthorKind::Customer,
        AuthorKind::Agent => pb::AuthorKind::Agent,
        AuthorKind::Human => pb::AuthorKind::Human,
        AuthorKind::System => pb::AuthorKind::System,
    };
    pb::Message {
        sequence: value.sequence,
        author_kind: author_kind.into(),
        author_name: value.author_name.to_string(),
        channel: value.channel.to_string(),
        provider_message_id: value.provider_message_id.to_string(),
        content: Some(content(&value.content)),
        create_time: Some(timestamp(value.time)),
        turn: value.turn,
    }
}

/// What a message says.
pub(crate) fn content(value: &MessageContent) -> pb::MessageContent {
    pb::MessageContent {
        text: value.text.to_string(),
        data: value.data.as_ref().map(payload),
        attributes: labels(&value.attributes),
    }
}

/// Labels or attributes.
pub(crate) fn labels(value: &BTreeMap<Text, Text>) -> HashMap<String, String> {
    let entries = value.iter();
    entries
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}
