//! `everturn why`: why a conversation or workflow does not go on.

use std::process::ExitCode;

use clap::Args;
use everturn_client::{Client, v1};
use serde_json::{Value, json};

use crate::client_args::ClientArgs;
use crate::render;

/// Asks about one id.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  everturn why customer-7
  everturn why order-7/refund --json

For each thing that waits: why, since when, and what would end it. The first
line is the answer; the others are what is below it, with the stack of code that
is blocked or failed.")]
pub(crate) struct WhyArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Id of a conversation or workflow
    id: String,
}

/// One thing that waits.
struct Line {
    what: String,
    wait: v1::Wait,
    /// Where the code stands or failed, if that is known.
    stack: String,
}

/// Says why.
pub(crate) async fn run(args: WhyArgs) -> anyhow::Result<ExitCode> {
    let client = args.client.client()?;
    let found = match client.conversation(args.id.clone()).await {
        Ok(conversation) => of_conversation(&client, &conversation).await?,
        Err(error) if error.is_not_found() => of_run(&client, &args.id).await?,
        // The id of a run below a root, which no conversation can have.
        Err(_) if args.id.contains('/') => of_run(&client, &args.id).await?,
        Err(error) => return Err(error.into()),
    };
    let output = args.client.output();
    if output.is_json() {
        let waits: Vec<Value> = found.iter().map(line_json).collect();
        output.line(&json!({ "id": args.id, "waits": waits }).to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        output.line(&format!("{}: nothing to do", args.id))?;
    }
    for line in &found {
        output.line(&line_text(line))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn of_conversation(client: &Client, it: &v1::Conversation) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    add(&mut lines, &it.conversation_id, it.wait.as_ref());
    if let Some(turn) = &it.turn {
        lines.extend(of_run(client, &turn.workflow_id).await?);
    }
    lines.extend(deliveries(client, it).await?);
    lines.extend(approvals(client, &it.conversation_id).await?);
    Ok(lines)
}

async fn of_run(client: &Client, workflow_id: &str) -> anyhow::Result<Vec<Line>> {
    let request = v1::DescribeWorkflowRequest {
        workflow_id: workflow_id.to_owned(),
        ..Default::default()
    };
    let described = client.describe_workflow(request).await?;
    let mut lines = Vec::new();
    let run = described.run.as_ref();
    add(
        &mut lines,
        workflow_id,
        run.and_then(|run| run.wait.as_ref()),
    );
    if let (Some(line), Some(failure)) = (lines.last_mut(), &described.workflow_task_failure) {
        line.stack.clone_from(&failure.stack_trace);
    }
    for activity in &described.pending_activities {
        let what = format!("{workflow_id} activity {}", activity.key);
        add(&mut lines, &what, activity.wait.as_ref());
        if let (Some(line), Some(_)) = (lines.last_mut(), &activity.wait) {
            line.stack.clone_from(&activity.blocked_stack);
        }
    }
    Ok(lines)
}

/// Messages at the end of a transcript whose deliveries are looked at.
const LAST_MESSAGES: u64 = 256;

async fn deliveries(client: &Client, it: &v1::Conversation) -> anyhow::Result<Vec<Line>> {
    let request = v1::ListMessagesRequest {
        conversation_id: it.conversation_id.clone(),
        after_sequence: it.message_count.saturating_sub(LAST_MESSAGES),
        page_size: 1_000,
        ..Default::default()
    };
    let page = client.list_messages(request).await?;
    let mut lines = Vec::new();
    for message in &page.messages {
        let delivery = message.delivery.as_ref();
        let what = format!("{} message {}", it.conversation_id, message.sequence);
        add(&mut lines, &what, delivery.and_then(|it| it.wait.as_ref()));
    }
    Ok(lines)
}

async fn approvals(client: &Client, root_id: &str) -> anyhow::Result<Vec<Line>> {
    let request = v1::ListApprovalsRequest {
        root_id: root_id.to_owned(),
        status: v1::ApprovalStatus::Pending.into(),
        ..Default::default()
    };
    let page = client.list_approvals(request).await?;
    let mut lines = Vec::new();
    for approval in &page.approvals {
        let what = format!("approval {}", approval.approval_id);
        add(&mut lines, &what, approval.wait.as_ref());
    }
    Ok(lines)
}

fn add(lines: &mut Vec<Line>, what: &str, wait: Option<&v1::Wait>) {
    if let Some(wait) = wait {
        lines.push(Line {
            what: what.to_owned(),
            wait: wait.clone(),
            stack: String::new(),
        });
    }
}

/// Lines of a stack that are shown to people: where the code stands is at its
/// end in Python, at its beginning in JavaScript.
const STACK_LINES: usize = 12;

fn stack_text(stack: &str) -> String {
    let lines: Vec<&str> = stack.lines().collect();
    let is_innermost_first = lines
        .iter()
        .any(|line| line.trim_start().starts_with("at "));
    let shown = if is_innermost_first {
        &lines[..lines.len().min(STACK_LINES)]
    } else {
        &lines[lines.len().saturating_sub(STACK_LINES)..]
    };
    shown.iter().map(|line| format!("\n    {line}")).collect()
}

fn line_text(line: &Line) -> String {
    let stack = stack_text(&line.stack);
    format!(
        "{}: {} (since {}; ends with {}){stack}",
        line.what,
        line.wait.text,
        render::clock(line.wait.since_time.as_ref()),
        line.wait.ends_with
    )
}

fn line_json(line: &Line) -> Value {
    let mut json = render::wait(Some(&line.wait));
    json["what"] = Value::from(line.what.as_str());
    if !line.stack.is_empty() {
        json["stack"] = Value::from(line.stack.as_str());
    }
    json
}
