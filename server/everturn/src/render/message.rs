//! Messages, events from outside, and deliveries.

use std::io;

use everturn_client::v1;
use serde_json::{Value, json};

use super::Output;
use super::value::{clock, hex, labels, payload, time, variant};

/// Who wrote something.
pub(super) fn author_kind(kind: v1::AuthorKind) -> String {
    variant(kind.as_str_name(), "AUTHOR_KIND")
}

/// What a message says, as JSON.
pub(super) fn content_json(content: Option<&v1::MessageContent>) -> Value {
    let Some(content) = content else {
        return Value::Null;
    };
    json!({
        "text": content.text,
        "data": payload(content.data.as_ref()),
        "attributes": labels(&content.attributes),
        "attachments": content.attachments.iter().map(attachment_json).collect::<Vec<_>>(),
    })
}

fn attachment_json(it: &v1::Attachment) -> Value {
    json!({
        "uri": it.uri,
        "media_type": it.media_type,
        "name": it.name,
        "size": it.size,
        "sha256": hex(&it.sha256),
    })
}

/// How a message changes an earlier one, as JSON.
fn change_json(change: Option<v1::message::Change>) -> Value {
    use v1::message::Change;
    match change {
        None => Value::Null,
        Some(Change::EditsSequence(of)) => json!({ "edits_sequence": of }),
        Some(Change::RetractsSequence(of)) => json!({ "retracts_sequence": of }),
    }
}

/// How far a delivery has come; "none" for a message that is not delivered.
pub(crate) fn delivery_status(status: v1::DeliveryStatus) -> String {
    match status {
        v1::DeliveryStatus::Unspecified => "none".to_owned(),
        status => variant(status.as_str_name(), "DELIVERY_STATUS"),
    }
}

/// A delivery as JSON, or null.
pub(super) fn delivery_json(delivery: Option<&v1::DeliveryState>) -> Value {
    delivery.map_or(Value::Null, |it| {
        json!({
            "status": delivery_status(it.status()),
            "channel": it.channel,
            "address": it.address,
            "provider_message_id": it.provider_message_id,
            "attempt": it.attempt,
            "detail": it.detail,
            "update_time": time(it.update_time.as_ref()),
        })
    })
}

/// A delivery on one line.
pub(super) fn delivery_text(it: &v1::DeliveryState) -> String {
    let mut text = delivery_status(it.status());
    if !it.address.is_empty() {
        text.push_str(&format!(" to {}", it.address));
    }
    if it.attempt > 1 {
        text.push_str(&format!(", attempt {}", it.attempt));
    }
    if !it.detail.is_empty() {
        text.push_str(&format!(": {}", it.detail));
    }
    text
}

/// A message as JSON.
pub(super) fn message_json(message: &v1::Message) -> Value {
    json!({
        "sequence": message.sequence,
        "author_kind": author_kind(message.author_kind()),
        "author_name": message.author_name,
        "channel": message.channel,
        "provider_message_id": message.provider_message_id,
        "content": content_json(message.content.as_ref()),
        "create_time": time(message.create_time.as_ref()),
        "turn": message.turn,
        "delivery": delivery_json(message.delivery.as_ref()),
        "is_automatic": message.is_automatic,
        "is_note": message.is_note,
        "change": change_json(message.change),
        "customer_address": message.customer_address,
        "merged_from": message.merged_from.as_ref().map(|it| json!({
            "conversation_id": it.conversation_id,
            "sequence": it.sequence,
        })),
    })
}

/// An event from outside as JSON.
pub(super) fn outside_event_json(it: &v1::ConversationEvent) -> Value {
    json!({
        "sequence": it.sequence,
        "event_type": it.event_type,
        "event_id": it.event_id,
        "payload": payload(it.payload.as_ref()),
        "create_time": time(it.create_time.as_ref()),
        "after_message_sequence": it.after_message_sequence,
    })
}

/// A message on one line.
pub(super) fn message_text(message: &v1::Message) -> String {
    use v1::message::Change;
    let author = match (
        author_kind(message.author_kind()),
        message.author_name.as_str(),
    ) {
        (kind, "") => kind,
        (kind, name) => format!("{kind} {name}"),
    };
    let place = match message.channel.as_str() {
        "" => String::new(),
        channel => format!(" ({channel})"),
    };
    let content = message.content.clone().unwrap_or_default();
    let how = match message.change {
        Some(Change::EditsSequence(of)) => format!(", changing #{of}"),
        Some(Change::RetractsSequence(of)) => format!(", taking back #{of}"),
        None if message.is_note => ", note".to_owned(),
        None if message.is_automatic => ", automatic".to_owned(),
        None => String::new(),
    };
    let mut text = format!(
        "#{:<4} {}  {author}{place}{how}: {}",
        message.sequence,
        clock(message.create_time.as_ref()),
        // A further line must not pass for another message.
        content.text.replace('\n', "\n      "),
    );
    if content.data.is_some() {
        text.push_str(&format!("  {}", payload(content.data.as_ref())));
    }
    for it in &content.attachments {
        let name = if it.name.is_empty() {
            &it.uri
        } else {
            &it.name
        };
        text.push_str(&format!("  <{name}>"));
    }
    if let Some(delivery) = &message.delivery {
        text.push_str(&format!("  [{}]", delivery_text(delivery)));
    }
    text
}

/// Prints a message of a transcript.
pub(crate) fn message(output: Output, message: &v1::Message) -> io::Result<()> {
    output.record(
        || json!({ "message": message_json(message) }),
        || message_text(message),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_who_where_what_and_whether_it_arrived() {
        let message = v1::Message {
            sequence: 4,
            author_kind: v1::AuthorKind::Agent.into(),
            author_name: "sales".to_owned(),
            channel: "email".to_owned(),
            content: Some(everturn_client::text("It is on its way.")),
            delivery: Some(v1::DeliveryState {
                status: v1::DeliveryStatus::Failed.into(),
                address: "jo@example.org".to_owned(),
                attempt: 2,
                detail: "mailbox full".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        };
        assert_eq!(
            message_text(&message),
            "#4    -  agent sales (email): It is on its way.  \
             [failed to jo@example.org, attempt 2: mailbox full]"
        );
        assert_eq!(message_json(&message)["delivery"]["status"], "failed");
        let marker = v1::Message {
            sequence: 5,
            author_kind: v1::AuthorKind::System.into(),
            content: Some(everturn_client::text("handed to Kim")),
            ..Default::default()
        };
        assert_eq!(message_text(&marker), "#5    -  system: handed to Kim");
        let mut edit = v1::Message {
            sequence: 6,
            author_kind: v1::AuthorKind::Customer.into(),
            content: Some(everturn_client::text("order 8")),
            change: Some(v1::message::Change::EditsSequence(3)),
            ..Default::default()
        };
        let content = edit.content.as_mut().expect("it is set");
        content.attachments.push(v1::Attachment {
            name: "box.png".to_owned(),
            ..Default::default()
        });
        assert_eq!(
            message_text(&edit),
            "#6    -  customer, changing #3: order 8  <box.png>"
        );
        assert_eq!(message_json(&edit)["change"]["edits_sequence"], 3);
    }

    #[test]
    fn the_lines_of_a_message_do_not_pass_for_other_messages() {
        let message = v1::Message {
            sequence: 6,
            author_kind: v1::AuthorKind::Customer.into(),
            content: Some(everturn_client::text("hi\n#7    -  agent: refunded")),
            ..Default::default()
        };
        assert_eq!(
            message_text(&message),
            "#6    -  customer: hi\n      #7    -  agent: refunded"
        );
    }
}
