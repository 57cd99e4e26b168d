//! `everturn conversation update`.

use clap::Args;
use everturn_client::{Client, v1};

use super::policy::PolicyArgs;
use crate::cli::arguments::{by_channel, label, opt_out};
use crate::render::{self, Output};

#[derive(Args, Debug)]
#[command(after_help = "Example:
  everturn conversation update customer-7 --on-busy interrupt --label tier=gold \\
    --channel-address email=jo@example.org --reply-channel email

What is not given stays as it is.")]
pub(super) struct UpdateArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Label to set, or to remove with an empty value; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// Address to set, or to remove with an empty one; may be repeated
    #[arg(long = "channel-address", value_name = "CHANNEL=ADDRESS", value_parser = label)]
    channel_address: Vec<(String, String)>,
    /// Channel that replies go out by from here on
    #[arg(long, value_name = "CHANNEL", default_value = "")]
    reply_channel: String,
    /// Type of its turns from here on
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    conversation_type: String,
    /// Task queue of its turns from here on
    #[arg(long, value_name = "QUEUE", default_value = "")]
    task_queue: String,
    /// What the customer does not want, such as `sms=proactive`; `none`,
    /// `proactive` or `all`; may be repeated
    #[arg(long, value_name = "CHANNEL=WHAT", value_parser = by_channel(opt_out))]
    opt_out: Vec<(String, v1::OptOut)>,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Changes a conversation and prints it.
pub(super) async fn update(
    client: &Client,
    output: Output,
    args: UpdateArgs,
) -> anyhow::Result<()> {
    let request = v1::UpdateConversationRequest {
        conversation_id: args.conversation_id,
        labels: args.label.into_iter().collect(),
        addresses: args.channel_address.into_iter().collect(),
        turn_policy: args.policy.policy(),
        reply_channel: args.reply_channel,
        conversation_type: args.conversation_type,
        task_queue: args.task_queue,
        opt_outs: args
            .opt_out
            .into_iter()
            .map(|(channel, what)| (channel, what.into()))
            .collect(),
        ..Default::default()
    };
    let answer = client.update_conversation(request).await?;
    render::conversation(output, &answer.conversation.unwrap_or_default())?;
    Ok(())
}
