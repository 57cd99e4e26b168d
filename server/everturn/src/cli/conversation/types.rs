//! `everturn conversation type`: what conversations of a type begin with.

use std::time::Duration;

use clap::{Args, Subcommand};
use everturn_client::{Client, v1};

use super::policy::PolicyArgs;
use crate::cli::arguments::{long_span, proto_duration};
use crate::render::{self, Output};

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "made once")]
pub(super) enum TypeCommand {
    /// Show the settings in force, defaults filled in
    Show(ShowArgs),
    /// Set what conversations of a type begin with; what is not given takes
    /// its default
    #[command(after_help = "Examples:
  everturn conversation type set support --on-busy interrupt --debounce 2s
  everturn conversation type set --retention 90d --budget-tokens 200000

Conversations that are open keep their policy; retention holds for those that
close from here on.")]
    Set(SetArgs),
}

#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    /// Name of the type [default: all that have no settings of their own]
    #[arg(default_value = "", hide_default_value = true)]
    conversation_type: String,
}

#[derive(Args, Debug)]
pub(super) struct SetArgs {
    /// Name of the type [default: all that have no settings of their own]
    #[arg(default_value = "", hide_default_value = true)]
    conversation_type: String,
    /// How long a closed conversation is kept before it is erased
    /// [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = long_span)]
    retention: Option<Duration>,
    #[command(flatten)]
    policy: PolicyArgs,
}

/// Carries out a command about conversation types.
pub(super) async fn run(
    client: &Client,
    output: Output,
    command: TypeCommand,
) -> anyhow::Result<()> {
    let conversation_type = match command {
        TypeCommand::Show(args) => args.conversation_type,
        TypeCommand::Set(args) => {
            let settings = v1::ConversationType {
                conversation_type: args.conversation_type.clone(),
                turn_policy: args.policy.policy(),
                retention: args.retention.and_then(proto_duration),
            };
            let request = v1::SetConversationTypeRequest {
                settings: Some(settings),
                ..Default::default()
            };
            client.set_conversation_type(request).await?;
            args.conversation_type
        }
    };
    let request = v1::GetConversationTypeRequest {
        conversation_type,
        ..Default::default()
    };
    let answer = client.conversation_type(request).await?;
    render::conversation_type(output, &answer.settings.unwrap_or_default())?;
    Ok(())
}
