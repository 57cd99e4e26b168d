//! `everturn delivery`: what providers say about delivered messages.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use everturn_client::v1;
use serde_json::json;

use crate::client_args::ClientArgs;
use crate::render;

/// Commands about deliveries.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  everturn delivery report customer-7 --message 4 --status delivered
  everturn delivery report customer-7 --provider-id SM123 --status failed --detail 'no such number'

Receipts may come in any order and repeatedly: the status only moves forward.")]
pub(crate) struct DeliveryArgs {
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report what a provider said about a message
    Report(ReportArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArg {
    /// The provider took it.
    Accepted,
    /// It reached the customer.
    Delivered,
    /// The customer has read it.
    Read,
    /// It will not reach the customer.
    Failed,
}

#[derive(Args, Debug)]
struct ReportArgs {
    /// Id of the conversation
    conversation_id: String,
    /// Position of the message in the transcript
    #[arg(long, value_name = "SEQUENCE", required_unless_present = "provider_id")]
    message: Option<u64>,
    /// Id that the provider gave the message
    #[arg(long, value_name = "ID", conflicts_with = "message")]
    provider_id: Option<String>,
    /// Channel of the message, where ids are not unique among channels
    /// [default: any]
    #[arg(long, default_value = "")]
    channel: String,
    /// What became of it
    #[arg(long)]
    status: StatusArg,
    /// What the provider said
    #[arg(long, value_name = "TEXT", default_value = "")]
    detail: String,
}

/// Carries out a command about deliveries.
pub(crate) async fn run(args: DeliveryArgs) -> anyhow::Result<ExitCode> {
    use v1::report_delivery_request::Target;
    let client = args.client.client()?;
    let Command::Report(report) = args.command;
    let status = match report.status {
        StatusArg::Accepted => v1::DeliveryStatus::Accepted,
        StatusArg::Delivered => v1::DeliveryStatus::Delivered,
        StatusArg::Read => v1::DeliveryStatus::Read,
        StatusArg::Failed => v1::DeliveryStatus::Failed,
    };
    let target = report.message.map(Target::MessageSequence);
    let target = target.or_else(|| report.provider_id.map(Target::ProviderMessageId));
    let request = v1::ReportDeliveryRequest {
        conversation_id: report.conversation_id,
        target,
        status: status.into(),
        detail: report.detail,
        channel: report.channel,
        ..Default::default()
    };
    let answer = client.report_delivery(request).await?;
    let status = render::delivery_status(answer.status());
    args.client.output().record(
        || json!({ "status": status }),
        || format!("the delivery is {status}"),
    )?;
    Ok(ExitCode::SUCCESS)
}
