//! `everturn conversation resend|note|edit|retract`: messages after the fact.

use clap::Args;
use everturn_client::{Client, v1};
use serde_json::json;

use crate::render::Output;

#[derive(Args, Debug)]
pub(super) struct ResendArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Position of the message in the transcript
    #[arg(long, value_name = "SEQUENCE")]
    message: u64,
    /// Channel to send it by [default: the one that it was sent by]
    #[arg(long, default_value = "")]
    channel: String,
    /// Makes a repeated request the same request [default: a new one]
    #[arg(long, value_name = "ID", default_value = "")]
    request_id: String,
}

#[derive(Args, Debug)]
pub(super) struct NoteArgs {
    /// Id of the conversation
    conversation_id: String,
    /// What staff and agents should know
    text: String,
    /// Who writes it
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    name: String,
    /// Makes a repeated note the same note [default: a new one]
    #[arg(long, value_name = "ID", default_value = "")]
    request_id: String,
}

/// Which message of the customer.
#[derive(Args, Debug)]
pub(super) struct WhichArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Channel of the message
    #[arg(long, default_value = "chat")]
    channel: String,
    /// Id that the channel's provider gave it
    #[arg(long, value_name = "ID")]
    message_id: String,
    /// Address that it came from, as it was submitted
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    customer_address: String,
}

#[derive(Args, Debug)]
pub(super) struct EditArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// What it says now
    text: String,
}

/// Delivers a message again.
pub(super) async fn resend(
    client: &Client,
    output: Output,
    args: ResendArgs,
) -> anyhow::Result<()> {
    let number = args.message;
    let request = v1::ResendMessageRequest {
        conversation_id: args.conversation_id,
        message_sequence: number,
        channel: args.channel,
        request_id: args.request_id,
        ..Default::default()
    };
    client.resend_message(request).await?;
    output.record(
        || json!({ "message_sequence": number, "resent": true }),
        || format!("message {number} is on its way again"),
    )?;
    Ok(())
}

/// Adds a note.
pub(super) async fn note(client: &Client, output: Output, args: NoteArgs) -> anyhow::Result<()> {
    let request = v1::AddNoteRequest {
        conversation_id: args.conversation_id,
        author_name: args.name,
        content: Some(everturn_client::text(args.text)),
        request_id: args.request_id,
        ..Default::default()
    };
    let number = client.add_note(request).await?.message_sequence;
    output.record(
        || json!({ "message_sequence": number }),
        || format!("noted as message {number}"),
    )?;
    Ok(())
}

/// Notes that the customer changed a message.
pub(super) async fn edit(client: &Client, output: Output, args: EditArgs) -> anyhow::Result<()> {
    let which = args.which;
    let request = v1::EditMessageRequest {
        conversation_id: which.conversation_id,
        channel: which.channel,
        provider_message_id: which.message_id,
        customer_address: which.customer_address,
        content: Some(everturn_client::text(args.text)),
        ..Default::default()
    };
    let answer = client.edit_message(request).await?;
    changed(output, answer.message_sequence, answer.change_sequence)
}

/// Notes that the customer took a message back.
pub(super) async fn retract(
    client: &Client,
    output: Output,
    which: WhichArgs,
) -> anyhow::Result<()> {
    let request = v1::RetractMessageRequest {
        conversation_id: which.conversation_id,
        channel: which.channel,
        provider_message_id: which.message_id,
        customer_address: which.customer_address,
        ..Default::default()
    };
    let answer = client.retract_message(request).await?;
    changed(output, answer.message_sequence, answer.change_sequence)
}

fn changed(output: Output, message: u64, change: u64) -> anyhow::Result<()> {
    output.record(
        || json!({ "message_sequence": message, "change_sequence": change }),
        || match change {
            0 => format!("message {message} says that already"),
            change => format!("message {message} changed, as message {change}"),
        },
    )?;
    Ok(())
}
