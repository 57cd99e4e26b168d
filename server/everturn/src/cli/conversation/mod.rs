//! `everturn conversation`: customers' messages in, replies out, and people in
//! between.

mod customers;
mod messages;
mod people;
mod policy;
mod read;
mod submit;
mod types;
mod update;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use everturn_client::v1;
use serde_json::json;

use super::arguments::proto_duration;
use crate::client_args::ClientArgs;
use crate::config::parse_span;
use crate::render::Output;

/// Commands about conversations.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  everturn conversation submit customer-7 --type support 'where is my parcel?'
  everturn conversation submit-from +4912345 --channel sms --type support 'where is it?'
  everturn conversation merge customer-9 customer-7
  everturn conversation event customer-7 order-delayed --payload '{\"order\":7}'
  everturn conversation watch customer-7
  everturn conversation list --status open --output json
  everturn conversation update customer-7 --on-busy interrupt --debounce 2s
  everturn conversation hand-off customer-7 --team refunds --reason 'large refund'
  everturn conversation say customer-7 --name Kim 'I will look into it.'
  everturn conversation hand-back customer-7 --name Kim --note 'refund is done'
  everturn conversation note customer-7 --name Kim 'calls back at noon'
  everturn conversation resend customer-7 --message 4 --channel sms
  everturn conversation type set support --on-busy steer --retention 30d
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
    Submit(submit::SubmitArgs),
    /// Add a customer's message to the conversation that their address has, or
    /// to a new one
    SubmitFrom(submit::SubmitFromArgs),
    /// Add an event from outside; opens the conversation if there is none
    Event(submit::EventArgs),
    /// Follow a conversation until it is closed
    Watch(read::WatchArgs),
    /// List conversations, last created first
    List(read::ListArgs),
    /// Show a conversation and its transcript
    Show(read::ShowArgs),
    /// Change labels, addresses, reply channel and turn policy
    Update(update::UpdateArgs),
    /// Let nothing of it be dispatched; what arrives is kept
    Pause(PauseArgs),
    /// Go on where it stood when it was paused
    Resume(IdArgs),
    /// Hand it to a person or a team; agents are silent until it is handed back
    HandOff(people::HandOffArgs),
    /// Hand it back to the agents
    HandBack(people::HandBackArgs),
    /// Send a person's message to the customer
    Say(people::SayArgs),
    /// Deliver again a message that did not reach the customer
    Resend(messages::ResendArgs),
    /// Add a note that only staff and agents see
    Note(messages::NoteArgs),
    /// Note that the customer changed a message
    Edit(messages::EditArgs),
    /// Note that the customer took a message back
    Retract(messages::WhichArgs),
    /// Say that the customer is typing, or somebody of the staff
    Typing(customers::TypingArgs),
    /// Say that an address is the customer's of this conversation
    Link(customers::LinkArgs),
    /// Make it part of another conversation of the same customer
    Merge(customers::MergeArgs),
    /// Open it with a transcript from elsewhere; no turn starts
    Import(customers::ImportArgs),
    /// Close a conversation
    Close(CloseArgs),
    /// Remove its content for good; a tombstone with counts stays
    Erase(EraseArgs),
    /// What conversations of a type begin with
    #[command(subcommand)]
    Type(types::TypeCommand),
}

#[derive(Args, Debug)]
struct IdArgs {
    /// Id of the conversation
    conversation_id: String,
}

#[derive(Args, Debug)]
struct PauseArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Why, for the record
    #[arg(long, default_value = "")]
    reason: String,
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
    /// Position of the last message that you have seen: only a later one that
    /// waits for an answer keeps it open [default: any such message does]
    #[arg(
        long,
        value_name = "POSITION",
        default_value_t = 0,
        hide_default_value = true
    )]
    unless_after: u64,
    /// Close it whatever waits for an answer
    #[arg(long, conflicts_with = "unless_after")]
    force: bool,
}

#[derive(Args, Debug)]
struct EraseArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Why, for the log; not kept
    #[arg(long, default_value = "")]
    reason: String,
    /// Needed: nothing brings the content back
    #[arg(long, required = true)]
    yes: bool,
}

/// Carries out a command about conversations.
pub(crate) async fn run(args: ConversationArgs) -> anyhow::Result<ExitCode> {
    let client = args.client.client()?;
    let output = args.client.output();
    match args.command {
        Command::Submit(args) => submit::message(&client, output, args).await?,
        Command::SubmitFrom(args) => submit::message_from(&client, output, args).await?,
        Command::Event(args) => submit::event(&client, output, args).await?,
        Command::Watch(args) => read::watch(&client, output, args).await?,
        Command::List(args) => read::list(&client, output, args).await?,
        Command::Show(args) => read::show(&client, output, args).await?,
        Command::Update(args) => update::update(&client, output, args).await?,
        Command::HandOff(args) => people::hand_off(&client, output, args).await?,
        Command::HandBack(args) => people::hand_back(&client, output, args).await?,
        Command::Say(args) => people::say(&client, output, args).await?,
        Command::Resend(args) => messages::resend(&client, output, args).await?,
        Command::Note(args) => messages::note(&client, output, args).await?,
        Command::Edit(args) => messages::edit(&client, output, args).await?,
        Command::Retract(args) => messages::retract(&client, output, args).await?,
        Command::Typing(args) => customers::typing(&client, output, args).await?,
        Command::Link(args) => customers::link(&client, output, args).await?,
        Command::Merge(args) => customers::merge(&client, output, args).await?,
        Command::Import(args) => customers::import(&client, output, args).await?,
        Command::Type(command) => types::run(&client, output, command).await?,
        Command::Pause(args) => {
            let request = v1::PauseConversationRequest {
                conversation_id: args.conversation_id.clone(),
                reason: args.reason,
                ..Default::default()
            };
            client.pause_conversation(request).await?;
            done(output, &args.conversation_id, "paused")?;
        }
        Command::Resume(args) => {
            let request = v1::ResumeConversationRequest {
                conversation_id: args.conversation_id.clone(),
                ..Default::default()
            };
            client.resume_conversation(request).await?;
            done(output, &args.conversation_id, "resumed")?;
        }
        Command::Close(args) => {
            let request = v1::CloseConversationRequest {
                conversation_id: args.conversation_id.clone(),
                reason: args.reason,
                grace: args.grace.and_then(proto_duration),
                unless_after: if args.force {
                    u64::MAX
                } else {
                    args.unless_after
                },
                ..Default::default()
            };
            client.close_conversation(request).await?;
            done(output, &args.conversation_id, "closed")?;
        }
        Command::Erase(args) => erase(&client, output, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what was done: `{"conversation_id": …, "paused": true}`.
fn done(output: Output, conversation_id: &str, what: &str) -> std::io::Result<()> {
    output.record(
        || json!({ "conversation_id": conversation_id, what: true }),
        || format!("{} {conversation_id}", what.replace('_', " ")),
    )
}

async fn erase(
    client: &everturn_client::Client,
    output: Output,
    args: EraseArgs,
) -> anyhow::Result<()> {
    let request = v1::EraseConversationRequest {
        conversation_id: args.conversation_id.clone(),
        reason: args.reason,
        ..Default::default()
    };
    let erased = client.erase_conversation(request).await?;
    let (messages, runs) = (erased.message_count, erased.run_count);
    output.record(
        || {
            json!({
                "conversation_id": args.conversation_id,
                "erased": true,
                "message_count": messages,
                "run_count": runs,
            })
        },
        || {
            let id = &args.conversation_id;
            format!("erased {id}: {messages} messages, journals of {runs} runs")
        },
    )?;
    Ok(())
}
