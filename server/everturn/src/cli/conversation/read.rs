//! `everturn conversation watch|list|show`.

use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use everturn_client::{Client, v1};

use crate::config::parse_span;
use crate::render::{self, Output};

#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Position of the last message that is already known
    #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
    after: u64,
    /// End when everything up to now was printed
    #[arg(long)]
    no_follow: bool,
    /// Leave out what agents stream while they work
    #[arg(long)]
    no_outputs: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArg {
    Open,
    Closed,
    Erased,
}

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Only conversations of this type
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    conversation_type: String,
    /// Only conversations of this status
    #[arg(long)]
    status: Option<StatusArg>,
    /// Only what waits for this reason (`no_worker`, `task_failed`, ...);
    /// repeatable
    #[arg(long, value_name = "REASON", value_parser = render::parse_reason)]
    waiting: Vec<v1::WaitReason>,
    /// Only those whose customer has had no answer for longer than this
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    unanswered_for: Option<Duration>,
    /// Most conversations to list
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
}

#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Leave the transcript out
    #[arg(long)]
    no_messages: bool,
}

/// Follows a conversation.
pub(super) async fn watch(client: &Client, output: Output, args: WatchArgs) -> anyhow::Result<()> {
    use v1::watch_conversation_response::Update;
    let mut watch = client.watch(args.conversation_id, args.after).with_notes();
    if args.no_outputs {
        watch = watch.without_outputs();
    }
    let mut updates = render::Updates::new(output);
    while let Some(update) = watch.next().await? {
        if args.no_follow && matches!(update, Update::CaughtUp(_)) {
            break;
        }
        updates.print(&update)?;
    }
    Ok(())
}

/// Lists conversations.
pub(super) async fn list(client: &Client, output: Output, args: ListArgs) -> anyhow::Result<()> {
    let status = match args.status {
        None => v1::ConversationStatus::Unspecified,
        Some(StatusArg::Open) => v1::ConversationStatus::Open,
        Some(StatusArg::Closed) => v1::ConversationStatus::Closed,
        Some(StatusArg::Erased) => v1::ConversationStatus::Erased,
    };
    let mut request = v1::ListConversationsRequest {
        conversation_type: args.conversation_type,
        status: status.into(),
        wait_reasons: args.waiting.iter().map(|it| (*it).into()).collect(),
        unanswered_before_time: args
            .unanswered_for
            .and_then(|age| SystemTime::now().checked_sub(age))
            .map(Into::into),
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

/// Shows a conversation.
pub(super) async fn show(client: &Client, output: Output, args: ShowArgs) -> anyhow::Result<()> {
    let conversation = client.conversation(args.conversation_id.clone()).await?;
    render::conversation(output, &conversation)?;
    if args.no_messages {
        return Ok(());
    }
    let mut request = v1::ListMessagesRequest {
        conversation_id: args.conversation_id,
        page_size: 1_000,
        include_notes: true,
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
