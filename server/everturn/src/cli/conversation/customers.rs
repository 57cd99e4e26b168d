//! `everturn conversation link|merge|import|typing`: customers, not only
//! conversations.

use std::collections::HashMap;
use std::io::Read as _;

use anyhow::Context as _;
use clap::Args;
use everturn_client::{Client, v1};
use serde::Deserialize;
use serde_json::json;

use super::done;
use super::policy::PolicyArgs;
use crate::cli::arguments::label;
use crate::render::Output;

/// Messages that are sent together.
const PART_MESSAGES: usize = 500;
/// Bytes of messages that are sent together, if it is more than one.
const PART_BYTES: usize = 1024 * 1024;

#[derive(Args, Debug)]
pub(super) struct LinkArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Address of its customer
    address: String,
    /// Channel of the address
    #[arg(long, default_value = "chat")]
    channel: String,
}

#[derive(Args, Debug)]
pub(super) struct MergeArgs {
    /// Id of the conversation that ends
    conversation_id: String,
    /// Id of the conversation that it becomes part of
    into: String,
}

#[derive(Args, Debug)]
pub(super) struct TypingArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Name of the person of the staff who types [default: the customer types]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Channel [default: the conversation's reply channel]
    #[arg(long, default_value = "")]
    channel: String,
    /// They have stopped
    #[arg(long)]
    stopped: bool,
}

#[derive(Args, Debug)]
pub(super) struct ImportArgs {
    /// Id of the conversation
    conversation_id: String,
    /// File with one JSON object a line and message, as `conversation show
    /// --output json` prints them; "-" is the standard input
    file: String,
    /// Type of the conversation
    #[arg(long = "type", value_name = "TYPE")]
    conversation_type: String,
    /// Task queue of its turns [default: default]
    #[arg(long, value_name = "NAME", default_value = "")]
    task_queue: String,
    /// Label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// Address of the customer; may be repeated
    #[arg(long = "channel-address", value_name = "CHANNEL=ADDRESS", value_parser = label)]
    channel_address: Vec<(String, String)>,
    /// Channel that agents write by
    #[arg(long, value_name = "CHANNEL", default_value = "")]
    reply_channel: String,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Says that an address is the customer's.
pub(super) async fn link(client: &Client, output: Output, args: LinkArgs) -> anyhow::Result<()> {
    let request = v1::LinkAddressRequest {
        conversation_id: args.conversation_id.clone(),
        contact: Some(v1::Contact {
            channel: args.channel,
            address: args.address,
        }),
        ..Default::default()
    };
    let before = client.link_address(request).await?.previous_conversation_id;
    let id = &args.conversation_id;
    output.record(
        || json!({ "conversation_id": id, "previous_conversation_id": before }),
        || match before.as_str() {
            "" => format!("linked to {id}"),
            before => format!("linked to {id}; it was {before}'s"),
        },
    )?;
    Ok(())
}

/// Makes a conversation part of another one.
pub(super) async fn merge(client: &Client, output: Output, args: MergeArgs) -> anyhow::Result<()> {
    let request = v1::MergeConversationsRequest {
        conversation_id: args.conversation_id.clone(),
        into_conversation_id: args.into.clone(),
        ..Default::default()
    };
    client.merge_conversations(request).await?;
    let (id, into) = (&args.conversation_id, &args.into);
    output.record(
        || json!({ "conversation_id": id, "into_conversation_id": into }),
        || format!("{id} is part of {into}"),
    )?;
    Ok(())
}

/// Says who types.
pub(super) async fn typing(
    client: &Client,
    output: Output,
    args: TypingArgs,
) -> anyhow::Result<()> {
    let kind = match args.name {
        Some(_) => v1::AuthorKind::Human,
        None => v1::AuthorKind::Customer,
    };
    let request = v1::SubmitTypingRequest {
        conversation_id: args.conversation_id.clone(),
        channel: args.channel,
        author_kind: kind.into(),
        author_name: args.name.unwrap_or_default(),
        has_stopped: args.stopped,
        ..Default::default()
    };
    client.submit_typing(request).await?;
    done(output, &args.conversation_id, "told")?;
    Ok(())
}

/// A line of a transcript.
#[derive(Deserialize)]
struct Line {
    author_kind: String,
    #[serde(default)]
    author_name: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    provider_message_id: String,
    content: Content,
    create_time: String,
    #[serde(default)]
    customer_address: String,
    #[serde(default)]
    is_note: bool,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    text: String,
    #[serde(default)]
    attributes: HashMap<String, String>,
}

impl Line {
    fn message(self) -> anyhow::Result<v1::ImportedMessage> {
        let name = format!("AUTHOR_KIND_{}", self.author_kind.to_uppercase());
        let kind = v1::AuthorKind::from_str_name(&name);
        let kind = kind.with_context(|| format!("{:?} is not an author", self.author_kind))?;
        let time: jiff::Timestamp = self.create_time.parse().context("create_time")?;
        Ok(v1::ImportedMessage {
            author_kind: kind.into(),
            author_name: self.author_name,
            channel: self.channel,
            provider_message_id: self.provider_message_id,
            content: Some(v1::MessageContent {
                text: self.content.text,
                attributes: self.content.attributes,
                ..Default::default()
            }),
            create_time: Some(prost_types::Timestamp {
                seconds: time.as_second(),
                nanos: time.subsec_nanosecond(),
            }),
            customer_address: self.customer_address,
            is_note: self.is_note,
        })
    }
}

fn read_lines(file: &str) -> anyhow::Result<Vec<v1::ImportedMessage>> {
    let mut text = String::new();
    if file == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    }
    let lines = text.lines().zip(1..);
    let lines = lines.filter(|(line, _)| !line.trim().is_empty());
    let parsed = lines.map(|(line, number)| {
        let read: anyhow::Result<Line> = serde_json::from_str(line).map_err(Into::into);
        read.and_then(Line::message)
            .with_context(|| format!("line {number} of {file}"))
    });
    parsed.collect()
}

/// Brings a transcript from elsewhere, part by part.
pub(super) async fn import(
    client: &Client,
    output: Output,
    args: ImportArgs,
) -> anyhow::Result<()> {
    let messages = read_lines(&args.file)?;
    let mut request = v1::ImportConversationRequest {
        conversation_id: args.conversation_id.clone(),
        conversation_type: args.conversation_type,
        task_queue: args.task_queue,
        turn_policy: args.policy.policy(),
        labels: args.label.into_iter().collect(),
        addresses: args.channel_address.into_iter().collect(),
        reply_channel: args.reply_channel,
        ..Default::default()
    };
    for part in parts(messages) {
        request.messages = part;
        client.import_conversation(request.clone()).await?;
        request.after_sequence += request.messages.len() as u64;
    }
    let (id, count) = (&args.conversation_id, request.after_sequence);
    output.record(
        || json!({ "conversation_id": id, "message_count": count }),
        || format!("imported {count} messages into {id}"),
    )?;
    Ok(())
}

/// What goes together; one part at least, which opens the conversation.
fn parts(messages: Vec<v1::ImportedMessage>) -> Vec<Vec<v1::ImportedMessage>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for message in messages {
        let size = prost::Message::encoded_len(&message);
        let part = parts.last().map_or(0, Vec::len);
        if part == PART_MESSAGES || (part > 0 && bytes + size > PART_BYTES) {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        parts.last_mut().expect("there is one").push(message);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_goes_in_parts_that_are_taken() {
        let message = |bytes| v1::ImportedMessage {
            author_name: "x".repeat(bytes),
            ..Default::default()
        };
        let sizes = |messages: Vec<v1::ImportedMessage>| -> Vec<usize> {
            parts(messages).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(Vec::new()), [0], "it opens the conversation");
        assert_eq!(sizes(vec![message(1); 1_200]), [500, 500, 200]);
        assert_eq!(sizes(vec![message(PART_BYTES); 2]), [1, 1]);
    }

    #[test]
    fn what_is_shown_can_be_imported() {
        let line = r#"{"author_kind":"customer","channel":"email","content":{"text":"hi"},
            "create_time":"2026-01-02T03:04:05.5Z","sequence":1,"turn":0}"#;
        let line: Line = serde_json::from_str(line).expect("it is one");
        let message = line.message().expect("it is one");
        assert_eq!(message.author_kind(), v1::AuthorKind::Customer);
        assert_eq!(message.create_time.expect("given").nanos, 500_000_000);
        let other: Line = serde_json::from_str(
            r#"{"author_kind":"robot","content":{},"create_time":"2026-01-02T03:04:05Z"}"#,
        )
        .expect("it is one");
        assert!(other.message().is_err());
    }
}
