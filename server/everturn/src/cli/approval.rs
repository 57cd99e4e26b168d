//! `everturn approval`: what people are asked to approve.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use everturn_client::{Client, Code, Error, v1};
use serde_json::json;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::arguments::{hex_bytes, json_payload};
use crate::client_args::ClientArgs;
use crate::render::{self, Output};

/// How long lists may lag behind: an approval that is not found is looked up
/// once more after this.
const LIST_LAG: Duration = Duration::from_millis(1_500);

/// Commands about approvals.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  everturn approval list --status pending
  everturn approval show customer-7/turn-3/refund
  everturn approval decide customer-7/turn-3/refund --approve --by Kim
  everturn approval decide customer-7/turn-3/refund --change '{\"amount\":50}' --by Kim
  everturn approval decide customer-7/turn-3/refund --reject --comment 'not ours'

A decision is bound to the arguments that were seen: without --hash they are
those that are shown at the time of the decision.")]
pub(crate) struct ApprovalArgs {
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List approvals, last requested first
    List(ListArgs),
    /// Show what is asked, with the arguments and their hash
    Show(ShowArgs),
    /// Approve, approve with changed arguments, or reject; once
    Decide(DecideArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArg {
    Pending,
    Ended,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Only approvals of this conversation or workflow
    #[arg(long = "of", value_name = "ID", default_value = "")]
    root_id: String,
    /// Only approvals of this status
    #[arg(long)]
    status: Option<StatusArg>,
    /// Most approvals to list
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// Id of the approval
    approval_id: String,
}

#[derive(Args, Debug)]
struct DecideArgs {
    /// Id of the approval
    approval_id: String,
    #[command(flatten)]
    decision: DecisionArgs,
    /// Who decides
    #[arg(long = "by", value_name = "NAME", env = "USER", hide_env_values = true)]
    decider: String,
    /// What they say about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// SHA-256 of the arguments that were seen, as `show` prints it
    #[arg(long, value_name = "HEX", value_parser = hex_bytes)]
    hash: Option<bytes::Bytes>,
    /// Makes a repeated decision the same decision [default: a new one]
    #[arg(long, value_name = "ID", default_value = "")]
    request_id: String,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct DecisionArgs {
    /// Do it
    #[arg(long)]
    approve: bool,
    /// Do it with these arguments instead
    #[arg(long, value_name = "JSON", value_parser = json_payload)]
    change: Option<v1::Payload>,
    /// Do not
    #[arg(long)]
    reject: bool,
}

/// Carries out a command about approvals.
pub(crate) async fn run(args: ApprovalArgs) -> anyhow::Result<ExitCode> {
    let client = args.client.client()?;
    let output = args.client.output();
    match args.command {
        Command::List(args) => list(&client, output, args).await?,
        Command::Show(args) => {
            let approval = find(&client, &args.approval_id).await?;
            render::approval(output, &approval)?;
        }
        Command::Decide(args) => decide(&client, output, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(client: &Client, output: Output, args: ListArgs) -> anyhow::Result<()> {
    let status = match args.status {
        None => v1::ApprovalStatus::Unspecified,
        Some(StatusArg::Pending) => v1::ApprovalStatus::Pending,
        Some(StatusArg::Ended) => v1::ApprovalStatus::Ended,
    };
    let mut request = v1::ListApprovalsRequest {
        root_id: args.root_id,
        status: status.into(),
        ..Default::default()
    };
    let mut left = args.limit;
    while left > 0 {
        request.page_size = u32::try_from(left.min(1_000)).unwrap_or(1_000);
        let page = client.list_approvals(request.clone()).await?;
        for approval in page.approvals.iter().take(left) {
            render::approval_line(output, approval)?;
        }
        left = left.saturating_sub(page.approvals.len());
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

/// Finds an approval by its id, which begins with that of its conversation or
/// workflow.
async fn find(client: &Client, approval_id: &str) -> Result<v1::Approval, Error> {
    if let Some(approval) = look_up(client, approval_id).await? {
        return Ok(approval);
    }
    tokio::time::sleep(LIST_LAG).await;
    let found = look_up(client, approval_id).await?;
    found.ok_or_else(|| unknown(approval_id))
}

async fn look_up(client: &Client, approval_id: &str) -> Result<Option<v1::Approval>, Error> {
    let root_id = approval_id.split('/').next().unwrap_or_default();
    let mut request = v1::ListApprovalsRequest {
        root_id: root_id.to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    loop {
        let page = client.list_approvals(request.clone()).await?;
        let mut approvals = page.approvals.into_iter();
        let found = approvals.find(|it| it.approval_id == approval_id);
        if found.is_some() || page.next_page_token.is_empty() {
            return Ok(found);
        }
        request.page_token = page.next_page_token;
    }
}

fn unknown(approval_id: &str) -> Error {
    let details = ErrorDetails::with_error_info("APPROVAL_NOT_FOUND", "everturn", HashMap::new());
    let text = format!("no approval {approval_id}");
    tonic::Status::with_error_details(Code::NotFound, text, details).into()
}

async fn decide(client: &Client, output: Output, args: DecideArgs) -> anyhow::Result<()> {
    use v1::ApprovalDecision::{Approve, ApproveWithChanges, Reject};
    let decision = match &args.decision {
        DecisionArgs { reject: true, .. } => Reject,
        DecisionArgs {
            change: Some(_), ..
        } => ApproveWithChanges,
        DecisionArgs { .. } => Approve,
    };
    let arguments_hash = match args.hash {
        Some(hash) => hash,
        None => find(client, &args.approval_id).await?.arguments_hash,
    };
    let request = v1::DecideApprovalRequest {
        approval_id: args.approval_id.clone(),
        decision: decision.into(),
        arguments_hash,
        changed_arguments: args.decision.change,
        decider: args.decider,
        comment: args.comment,
        request_id: args.request_id,
        ..Default::default()
    };
    client.decide_approval(request).await?;
    let what = match decision {
        Reject => "rejected",
        ApproveWithChanges => "approved_with_changes",
        _ => "approved",
    };
    output.record(
        || json!({ "approval_id": args.approval_id, "outcome": what }),
        || format!("{} {}", what.replace('_', " "), args.approval_id),
    )?;
    Ok(())
}
