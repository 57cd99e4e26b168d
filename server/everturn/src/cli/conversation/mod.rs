//! `everturn conversation`: customers' messages in, replies out.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use everturn_client::{Client, v1};

use super::ClientArgs;
use super::arguments::{json_payload, label, proto_duration};
use crate::config::parse_span;
use crate::render::{self, Output};

/// Commands about conversations.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  everturn conversation submit customer-7 --type support 'where is my parcel?'
  everturn conversation watch customer-7
  everturn conversation list --status open --output json
  everturn conversation show customer-7
  everturn conversation close customer-7 --reason solved")]
pub(crate) struct ConversationArgs {
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Add a customer's message; opens the conversation if there is none
    Submit(SubmitArgs),
    /// Follow a conversation until it is closed
    Watch(WatchArgs),
    /// List conversations, last updated first
    List(ListArgs),
    /// Show a conversation and its transcript
    Show(ShowArgs),
    /// Close a conversation
    Close(CloseArgs),
}

#[derive(Args, Debug)]
struct SubmitArgs {
    /// Id of the conversation
    conversation_id: String,
    /// What the customer says
    text: String,
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
}

#[derive(Args, Debug)]
struct WatchArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Position of the last message that is already known
    #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
    after: u64,
    /// End when everything up to now was printed
    #[arg(long)]
    no_follow: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArg {
    Open,
    Closed,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Only conversations of this type
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    conversation_type: String,
    /// Only conversations of this status
    #[arg(long)]
    status: Option<StatusArg>,
    /// Most conversations to list
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Leave the transcript out
    #[arg(long)]
    no_messages: bool,
}

#[derive(Args, Debug)]
struct CloseArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Why, for the record
    #[arg(long, default_value = "")]
    reason: String,
    /// How long a running turn may clean up [default: the turn policy's]
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    grace: Option<Duration>,
}

/// Carries out a command about conversations.
pub(crate) async fn run(args: ConversationArgs) -> anyhow::Result<ExitCode> {
    let client = args.client.client()?;
    let output = args.client.output();
    match args.command {
        Command::Submit(args) => submit(&client, output, args).await?,
        Command::Watch(args) => watch(&client, output, args).await?,
        Command::List(args) => list(&client, output, args).await?,
        Command::Show(args) => show(&client, output, args).await?,
        Command::Close(args) => {
            let request = v1::CloseConversationRequest {
                conversation_id: args.conversation_id.clone(),
                reason: args.reason,
                grace: args.grace.and_then(proto_duration),
                ..Default::default()
            };
            client.close_conversation(request).await?;
            output.record(
                || serde_json::json!({ "conversation_id": args.conversation_id, "closed": true }),
                || format!("closed {}", args.conversation_id),
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn submit(client: &Client, output: Output, args: SubmitArgs) -> anyhow::Result<()> {
    let content = v1::MessageContent {
        text: args.text,
        data: args.data,
        attributes: args.attribute.into_iter().collect(),
    };
    let request = v1::SubmitMessageRequest {
        conversation_id: args.conversation_id,
        conversation_type: args.conversation_type,
        channel: args.channel,
        provider_message_id: args.message_id,
        author_name: args.author,
        content: Some(content),
        task_queue: args.task_queue,
        labels: args.label.into_iter().collect(),
        ..Default::default()
    };
    let accepted = client.submit_message(request).await?;
    let time = render::time(accepted.accept_time.as_ref());
    output.record(
        || {
            serde_json::json!({
                "message_sequence": accepted.message_sequence,
                "accept_time": time,
            })
        },
        || format!("accepted as message {}", accepted.message_sequence),
    )?;
    Ok(())
}

async fn watch(client: &Client, output: Output, args: WatchArgs) -> anyhow::Result<()> {
    use v1::watch_conversation_response::Update;
    let mut watch = client.watch(args.conversation_id, args.after);
    while let Some(update) = watch.next().await? {
        if args.no_follow && matches!(update, Update::CaughtUp(_)) {
            break;
        }
        render::update(output, &update)?;
    }
    Ok(())
}

async fn list(client: &Client, output: Output, args: ListArgs) -> anyhow::Result<()> {
    let status = match args.status {
        None => v1::ConversationStatus::Unspecified,
        Some(StatusArg::Open) => v1::ConversationStatus::Open,
        Some(StatusArg::Closed) => v1::ConversationStatus::Closed,
    };
    let mut request = v1::ListConversationsRequest {
        conversation_type: args.conversation_type,
        status: status.into(),
        ..Default::default()
    };
    let mut left = args.limit;
    while left > 0 {
        request.page_size = u32::try_from(left.min(1_000)).unwrap_or(1_000);
        let page = client.list_conversations(request.clone()).await?;
        for conversation in page.conversations.iter().take(left) {
            render::conversation_line(output, conversation)?;
        }
        left = left.saturating_sub(page.conversations.len());
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

async fn show(client: &Client, output: Output, args: ShowArgs) -> anyhow::Result<()> {
    let conversation = client.conversation(args.conversation_id.clone()).await?;
    render::conversation(output, &conversation)?;
    if args.no_messages {
        return Ok(());
    }
    let mut request = v1::ListMessagesRequest {
        conversation_id: args.conversation_id,
        page_size: 1_000,
        ..Default::default()
    };
    loop {
        let page = client.list_messages(request.clone()).await?;
        for message in &page.messages {
            render::message(output, message)?;
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}
