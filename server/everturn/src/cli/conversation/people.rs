//! `everturn conversation hand-off|hand-back|say`: people who take over.

use clap::Args;
use everturn_client::{Client, v1};
use serde_json::json;

use super::done;
use crate::cli::arguments::json_payload;
use crate::render::Output;

#[derive(Args, Debug)]
pub(super) struct HandOffArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Name of the person who takes over; only they may write
    #[arg(long, value_name = "NAME", required_unless_present = "team")]
    person: Option<String>,
    /// Name of the team that takes over; anybody may write
    #[arg(long, value_name = "NAME", conflicts_with = "person")]
    team: Option<String>,
    /// Why, for the one who takes over
    #[arg(long, default_value = "")]
    reason: String,
    /// What they need to know, if more than the transcript
    #[arg(long, value_name = "JSON", value_parser = json_payload)]
    context: Option<v1::Payload>,
}

#[derive(Args, Debug)]
pub(super) struct HandBackArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Who hands it back
    #[arg(
        long,
        value_name = "NAME",
        env = "USER",
        hide_env_values = true,
        default_value = ""
    )]
    name: String,
    /// What the agents should know
    #[arg(long, default_value = "")]
    note: String,
    /// Which handover ends, as `hand-off` has said [default: the present one]
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        hide_default_value = true
    )]
    epoch: u64,
}

#[derive(Args, Debug)]
pub(super) struct SayArgs {
    /// Id of the conversation
    conversation_id: String,
    /// What the person says
    text: String,
    /// Who says it
    #[arg(long, value_name = "NAME", env = "USER", hide_env_values = true)]
    name: String,
    /// Channel to send it by [default: the conversation's reply channel]
    #[arg(long, default_value = "")]
    channel: String,
    /// Structured content beside the text
    #[arg(long, value_name = "JSON", value_parser = json_payload)]
    data: Option<v1::Payload>,
    /// Makes a repeated message the same message [default: a new one]
    #[arg(long, value_name = "ID", default_value = "")]
    request_id: String,
    /// Position of the last message that the person has seen: what the
    /// customer wrote after it is not answered [default: everything is]
    #[arg(
        long,
        value_name = "POSITION",
        default_value_t = 0,
        hide_default_value = true
    )]
    seen_through: u64,
    /// The customer has it already, under this id of the provider: note it and
    /// deliver nothing
    #[arg(long, value_name = "PROVIDER_MESSAGE_ID")]
    already_sent: Option<String>,
}

/// Hands a conversation to a person or team.
pub(super) async fn hand_off(
    client: &Client,
    output: Output,
    args: HandOffArgs,
) -> anyhow::Result<()> {
    use v1::assignee::Kind;
    let kind = args.person.map(Kind::Person);
    let kind = kind.or_else(|| args.team.map(Kind::Team));
    let request = v1::HandOffConversationRequest {
        conversation_id: args.conversation_id.clone(),
        assignee: Some(v1::Assignee { kind }),
        reason: args.reason,
        context: args.context,
        ..Default::default()
    };
    let epoch = client.hand_off(request).await?.handoff_epoch;
    let id = &args.conversation_id;
    output.record(
        || json!({ "conversation_id": id, "handed_off": true, "handoff_epoch": epoch }),
        || format!("handed off {id}: handover {epoch}"),
    )?;
    Ok(())
}

/// Hands a conversation back to the agents.
pub(super) async fn hand_back(
    client: &Client,
    output: Output,
    args: HandBackArgs,
) -> anyhow::Result<()> {
    let request = v1::HandBackConversationRequest {
        conversation_id: args.conversation_id.clone(),
        author_name: args.name,
        note: args.note,
        handoff_epoch: args.epoch,
        ..Default::default()
    };
    client.hand_back(request).await?;
    Ok(done(output, &args.conversation_id, "handed_back")?)
}

/// Sends a person's message.
pub(super) async fn say(client: &Client, output: Output, args: SayArgs) -> anyhow::Result<()> {
    let content = v1::MessageContent {
        text: args.text,
        data: args.data,
        ..Default::default()
    };
    let request = v1::SendHumanMessageRequest {
        conversation_id: args.conversation_id,
        author_name: args.name,
        content: Some(content),
        channel: args.channel,
        request_id: args.request_id,
        seen_through_sequence: args.seen_through,
        already_sent: args
            .already_sent
            .map(|provider_message_id| v1::AlreadySent {
                provider_message_id,
            }),
        ..Default::default()
    };
    let sent = client.send_human_message(request).await?;
    output.record(
        || {
            json!({
                "message_sequence": sent.message_sequence,
                "took_over": sent.took_over,
                "is_echo": sent.is_echo,
            })
        },
        || {
            let more = match (sent.took_over, sent.is_echo) {
                (true, _) => ", and took the conversation over",
                (_, true) => ", which the agents have sent",
                _ => "",
            };
            format!("sent as message {}{more}", sent.message_sequence)
        },
    )?;
    Ok(())
}
