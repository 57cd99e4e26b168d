//! `everturn conversation submit|event`: what comes from outside.

use clap::Args;
use everturn_client::{Client, v1};

use super::policy::PolicyArgs;
use crate::cli::arguments::{json_payload, label, opt_out};
use crate::render::{self, Output};

#[derive(Args, Debug)]
pub(super) struct SubmitArgs {
    /// Id of the conversation
    conversation_id: String,
    /// What the customer says
    text: String,
    /// Address of the customer on this channel, for an adapter to reply to
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    customer_address: String,
    #[command(flatten)]
    message: MessageArgs,
}

#[derive(Args, Debug)]
pub(super) struct SubmitFromArgs {
    /// Address of the customer: the conversation that it has gets the message,
    /// or a new one
    address: String,
    /// What the customer says
    text: String,
    #[command(flatten)]
    message: MessageArgs,
}

/// What goes with a message.
#[derive(Args, Debug)]
struct MessageArgs {
    /// Type of the conversation, required when it opens
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    conversation_type: String,
    /// Channel it comes in by
    #[arg(long, default_value = "chat")]
    channel: String,
    /// Id that the channel's provider gave it; a repeated one changes nothing
    /// [default: a new one]
    #[arg(long, value_name = "ID", default_value = "")]
    message_id: String,
    /// Name of the customer
    #[arg(long, value_name = "NAME", default_value = "")]
    author: String,
    /// Structured content beside the text
    #[arg(long, value_name = "JSON", value_parser = json_payload)]
    data: Option<v1::Payload>,
    /// Annotation of the message; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    attribute: Vec<(String, String)>,
    /// Task queue of its turns, used when it opens [default: default]
    #[arg(long, value_name = "NAME", default_value = "")]
    task_queue: String,
    /// Label, used when it opens; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// Where a file is that goes with it; may be repeated
    #[arg(long, value_name = "URI")]
    attachment: Vec<String>,
    /// A machine wrote it: an auto-reply, a bounce
    #[arg(long)]
    automatic: bool,
    /// What the customer does not want by this channel from here on: `none`,
    /// `proactive` or `all`
    #[arg(long, value_name = "WHAT", value_parser = opt_out)]
    opt_out: Option<v1::OptOut>,
    #[command(flatten)]
    policy: PolicyArgs,
}

impl MessageArgs {
    fn request(self, text: String) -> v1::SubmitMessageRequest {
        let content = v1::MessageContent {
            text,
            data: self.data,
            attributes: self.attribute.into_iter().collect(),
            attachments: self.attachment.into_iter().map(attachment).collect(),
        };
        v1::SubmitMessageRequest {
            conversation_type: self.conversation_type,
            channel: self.channel,
            provider_message_id: self.message_id,
            author_name: self.author,
            content: Some(content),
            task_queue: self.task_queue,
            labels: self.label.into_iter().collect(),
            turn_policy: self.policy.policy(),
            is_automatic: self.automatic,
            opt_out: self.opt_out.unwrap_or_default().into(),
            ..Default::default()
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct EventArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Type of the event, as handlers register it ("order-delayed")
    event_type: String,
    /// What happened
    #[arg(long, value_name = "JSON", value_parser = json_payload)]
    payload: Option<v1::Payload>,
    /// Id that its source gave it; a repeated one changes nothing
    /// [default: a new one]
    #[arg(long, value_name = "ID", default_value = "")]
    event_id: String,
    /// Type of the conversation, required when it opens
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    conversation_type: String,
    /// Address of the customer; may be repeated
    #[arg(long = "channel-address", value_name = "CHANNEL=ADDRESS", value_parser = label)]
    channel_address: Vec<(String, String)>,
    /// Channel that agents write by, used when it opens
    #[arg(long, value_name = "CHANNEL", default_value = "")]
    reply_channel: String,
    /// Task queue of its turns, used when it opens [default: default]
    #[arg(long, value_name = "NAME", default_value = "")]
    task_queue: String,
    /// Label, used when it opens; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    #[command(flatten)]
    policy: PolicyArgs,
}

fn attachment(uri: String) -> v1::Attachment {
    v1::Attachment {
        uri,
        ..Default::default()
    }
}

/// Adds a customer's message.
pub(super) async fn message(
    client: &Client,
    output: Output,
    args: SubmitArgs,
) -> anyhow::Result<()> {
    let request = v1::SubmitMessageRequest {
        conversation_id: args.conversation_id,
        customer_address: args.customer_address,
        ..args.message.request(args.text)
    };
    submit(client, output, request).await
}

/// Adds one to the conversation that its address has.
pub(super) async fn message_from(
    client: &Client,
    output: Output,
    args: SubmitFromArgs,
) -> anyhow::Result<()> {
    let request = args.message.request(args.text);
    let from = v1::Contact {
        channel: request.channel.clone(),
        address: args.address,
    };
    let request = v1::SubmitMessageRequest {
        from: Some(from),
        ..request
    };
    submit(client, output, request).await
}

async fn submit(
    client: &Client,
    output: Output,
    request: v1::SubmitMessageRequest,
) -> anyhow::Result<()> {
    let is_named = request.from.is_none();
    let accepted = client.submit_message(request).await?;
    let time = render::time(accepted.accept_time.as_ref());
    let (id, number) = (&accepted.conversation_id, accepted.message_sequence);
    output.record(
        || {
            serde_json::json!({
                "conversation_id": id,
                "message_sequence": number,
                "accept_time": time,
            })
        },
        || match is_named {
            true => format!("accepted as message {number}"),
            false => format!("accepted as message {number} of {id}"),
        },
    )?;
    Ok(())
}

/// Adds an event from outside.
pub(super) async fn event(client: &Client, output: Output, args: EventArgs) -> anyhow::Result<()> {
    let request = v1::SubmitEventRequest {
        conversation_id: args.conversation_id,
        conversation_type: args.conversation_type,
        event_type: args.event_type,
        event_id: args.event_id,
        payload: args.payload,
        task_queue: args.task_queue,
        turn_policy: args.policy.policy(),
        labels: args.label.into_iter().collect(),
        addresses: args.channel_address.into_iter().collect(),
        reply_channel: args.reply_channel,
        ..Default::default()
    };
    let accepted = client.submit_event(request).await?;
    let time = render::time(accepted.accept_time.as_ref());
    output.record(
        || {
            serde_json::json!({
                "event_sequence": accepted.event_sequence,
                "accept_time": time,
            })
        },
        || format!("accepted as event {}", accepted.event_sequence),
    )?;
    Ok(())
}
