//! Messages of the transcript, their deliveries, events, usage.

use std::collections::{BTreeMap, HashMap};

use everturn_engine::event::DeliveryStatus;
use everturn_engine::text::Text;
use everturn_engine::value::{
    Attachment, AuthorKind, Change, InboundEvent, Message, MessageContent, Time, Usage,
};
use everturn_proto::v1 as pb;
use everturn_runtime::DeliveryRecord;

use crate::outgoing::{payload, timestamp, wait};

/// Who wrote something.
pub(crate) fn author_kind(value: AuthorKind) -> pb::AuthorKind {
    match value {
        AuthorKind::Customer => pb::AuthorKind::Customer,
        AuthorKind::Agent => pb::AuthorKind::Agent,
        AuthorKind::Human => pb::AuthorKind::Human,
        AuthorKind::System => pb::AuthorKind::System,
    }
}

/// A message.
pub(crate) fn message(value: &Message) -> pb::Message {
    pb::Message {
        sequence: value.sequence,
        author_kind: author_kind(value.author).into(),
        author_name: value.author_name.to_string(),
        channel: value.channel.to_string(),
        provider_message_id: value.provider_message_id.to_string(),
        content: Some(content(&value.content)),
        create_time: Some(timestamp(value.time)),
        turn: value.turn,
        delivery: None,
        is_automatic: value.is_automatic,
        is_note: value.is_note,
        change: value.change.map(|change| match change {
            Change::Edit(of) => pb::message::Change::EditsSequence(of),
            Change::Retract(of) => pb::message::Change::RetractsSequence(of),
        }),
        customer_address: value.address.to_string(),
        merged_from: value.origin.as_ref().map(|it| pb::MessageOrigin {
            conversation_id: it.conversation.to_string(),
            sequence: it.sequence,
        }),
    }
}

fn attachment(value: &Attachment) -> pb::Attachment {
    pb::Attachment {
        uri: value.uri.to_string(),
        media_type: value.media_type.to_string(),
        name: value.name.to_string(),
        size: value.size,
        sha256: value.sha256.0.clone(),
    }
}

/// The delivery of a message, with what it waits for.
pub(crate) fn delivery_now(value: &DeliveryRecord, now: Time) -> pb::DeliveryState {
    pb::DeliveryState {
        wait: value.wait.as_ref().map(|it| wait(it, now)),
        ..delivery(value)
    }
}

/// The delivery of a message, as watchers see it.
pub(crate) fn delivery(value: &DeliveryRecord) -> pb::DeliveryState {
    pb::DeliveryState {
        wait: None,
        status: delivery_status(value.status).into(),
        address: value.address.to_string(),
        provider_message_id: value.provider_message_id.to_string(),
        attempt: value.attempt,
        detail: value.detail.to_string(),
        update_time: Some(timestamp(value.updated)),
        channel: value.channel.to_string(),
    }
}

/// How far a delivery has come.
pub(crate) fn delivery_status(value: DeliveryStatus) -> pb::DeliveryStatus {
    match value {
        DeliveryStatus::Pending => pb::DeliveryStatus::Pending,
        DeliveryStatus::Sending => pb::DeliveryStatus::Sending,
        DeliveryStatus::Unknown => pb::DeliveryStatus::Unknown,
        DeliveryStatus::Accepted => pb::DeliveryStatus::Accepted,
        DeliveryStatus::Failed => pb::DeliveryStatus::Failed,
        DeliveryStatus::Delivered => pb::DeliveryStatus::Delivered,
        DeliveryStatus::Read => pb::DeliveryStatus::Read,
    }
}

/// An event of a conversation.
pub(crate) fn inbound_event(value: &InboundEvent) -> pb::ConversationEvent {
    pb::ConversationEvent {
        sequence: value.sequence,
        event_type: value.event_type.to_string(),
        event_id: value.event_id.to_string(),
        payload: Some(payload(&value.payload)),
        create_time: Some(timestamp(value.time)),
        after_message_sequence: value.after_message,
    }
}

/// What activities used.
pub(crate) fn usage(value: &Usage) -> pb::Usage {
    pb::Usage {
        input_tokens: value.input_tokens,
        output_tokens: value.output_tokens,
        cost_micros: value.cost_micros,
        currency: value.currency.to_string(),
    }
}

/// What a message says.
pub(crate) fn content(value: &MessageContent) -> pb::MessageContent {
    pb::MessageContent {
        text: value.text.to_string(),
        data: value.data.as_ref().map(payload),
        attributes: labels(&value.attributes),
        attachments: value.attachments.iter().map(attachment).collect(),
    }
}

/// Labels or attributes.
pub(crate) fn labels(value: &BTreeMap<Text, Text>) -> HashMap<String, String> {
    let entries = value.iter();
    entries
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}
