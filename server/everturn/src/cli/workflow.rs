//! `everturn workflow`: durable runs, started and observed by id.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use everturn_client::{Client, v1};

use super::arguments::{json_payload, label, proto_duration};
use crate::client_args::ClientArgs;
use crate::config::parse_span;
use crate::exit;
use crate::render::{self, Output};

/// Commands about workflows.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  everturn workflow start order-7 --type order --input '{\"sku\":\"A1\"}' --wait
  everturn workflow show order-7
  everturn workflow history order-7 --output json
  everturn workflow signal order-7 paid --input '{\"amount\":12}'
  everturn workflow pause order-7 --reason 'provider is down'
  everturn workflow resume order-7
  everturn workflow cancel order-7 --reason 'customer changed their mind'
  everturn workflow wait order-7 --timeout 1m")]
pub(crate) struct WorkflowArgs {
    #[command(flatten)]
    client: ClientArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a workflow
    Start(StartArgs),
    /// Show how a run stands and what it waits for
    Show(RunArgs),
    /// List runs, last started first
    List(ListArgs),
    /// Print the journal of a run
    History(HistoryArgs),
    /// Send a signal to an open run
    Signal(SignalArgs),
    /// Let nothing of a run and the runs below it be dispatched
    Pause(StopArgs),
    /// Go on where a paused run stood
    Resume(RunArgs),
    /// Ask an open run to cancel; its code decides how
    Cancel(StopArgs),
    /// Close an open run at once, without asking its code
    Terminate(StopArgs),
    /// Wait until a run is closed and print its result
    Wait(WaitArgs),
    /// Print the state that a run's code has written
    State(RunArgs),
}

#[derive(Args, Debug)]
struct RunArgs {
    /// Workflow id
    workflow_id: String,
    /// Only this very run [default: the latest]
    #[arg(long, value_name = "ID", default_value = "")]
    run_id: String,
}

#[derive(Args, Debug)]
struct StartArgs {
    /// Workflow id
    workflow_id: String,
    /// Workflow type, as workers register it
    #[arg(long = "type", value_name = "TYPE")]
    workflow_type: String,
    /// Its input
    #[arg(long, value_name = "JSON", value_parser = json_payload)]
    input: Option<v1::Payload>,
    /// Task queue of its workflow tasks [default: default]
    #[arg(long, value_name = "NAME", default_value = "")]
    task_queue: String,
    /// Longest time it may take [default: no bound]
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    execution_timeout: Option<Duration>,
    /// Label; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// Makes a repeated start the same start [default: a new one]
    #[arg(long, value_name = "ID", default_value = "")]
    request_id: String,
    /// Wait for the result, as `workflow wait` does
    #[arg(long)]
    wait: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArg {
    Running,
    Completed,
    Failed,
    Canceled,
    Terminated,
    TimedOut,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Only runs of this workflow type
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    workflow_type: String,
    /// Only runs of this status
    #[arg(long)]
    status: Option<StatusArg>,
    /// Only what waits for this reason (`no_worker`, `task_failed`, ...);
    /// repeatable
    #[arg(long, value_name = "REASON", value_parser = render::parse_reason)]
    waiting: Vec<v1::WaitReason>,
    /// Most runs to list
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
}

#[derive(Args, Debug)]
struct HistoryArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Only events after this id
    #[arg(long, value_name = "EVENT_ID", default_value_t = 0)]
    after: u64,
}

#[derive(Args, Debug)]
struct SignalArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Name of the signal
    signal_name: String,
    /// Its input
    #[arg(long, value_name = "JSON", value_parser = json_payload)]
    input: Option<v1::Payload>,
    /// Makes a repeated signal the same signal [default: a new one]
    #[arg(long, value_name = "ID", default_value = "")]
    request_id: String,
}

#[derive(Args, Debug)]
struct StopArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Why, for the code and the record
    #[arg(long, default_value = "")]
    reason: String,
}

#[derive(Args, Debug)]
struct WaitArgs {
    #[command(flatten)]
    run: RunArgs,
    /// Longest wait
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_span)]
    timeout: Duration,
}

/// A request about a run.
macro_rules! request {
    ($request:ident, $run:expr $(, $field:ident: $value:expr)*) => {
        v1::$request {
            workflow_id: $run.workflow_id,
            run_id: $run.run_id,
            $($field: $value,)*
            ..Default::default()
        }
    };
}

/// Carries out a command about workflows.
pub(crate) async fn run(args: WorkflowArgs) -> anyhow::Result<ExitCode> {
    let client = args.client.client()?;
    let output = args.client.output();
    match args.command {
        Command::Start(args) => return start(&client, output, args).await,
        Command::Wait(args) => return wait(&client, output, args.run, args.timeout).await,
        Command::Show(args) => {
            let request = request!(DescribeWorkflowRequest, args);
            render::workflow(output, &client.describe_workflow(request).await?)?;
        }
        Command::List(args) => list(&client, output, args).await?,
        Command::History(args) => history(&client, output, args).await?,
        Command::Signal(args) => signal(&client, output, args).await?,
        Command::Pause(args) => {
            let id = args.run.workflow_id.clone();
            let request = request!(PauseWorkflowRequest, args.run, reason: args.reason);
            client.pause_workflow(request).await?;
            done(output, &id, "paused")?;
        }
        Command::Resume(args) => {
            let id = args.workflow_id.clone();
            let request = request!(ResumeWorkflowRequest, args);
            client.resume_workflow(request).await?;
            done(output, &id, "resumed")?;
        }
        Command::Cancel(args) => {
            let id = args.run.workflow_id.clone();
            let request = request!(CancelWorkflowRequest, args.run, reason: args.reason);
            client.cancel_workflow(request).await?;
            done(output, &id, "cancel requested")?;
        }
        Command::Terminate(args) => {
            let id = args.run.workflow_id.clone();
            let request = request!(TerminateWorkflowRequest, args.run, reason: args.reason);
            client.terminate_workflow(request).await?;
            done(output, &id, "terminated")?;
        }
        Command::State(args) => {
            let request = request!(GetStateRequest, args);
            render::state(output, &client.state(request).await?.state)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn done(output: Output, workflow_id: &str, what: &str) -> std::io::Result<()> {
    output.record(
        || serde_json::json!({ "workflow_id": workflow_id, "outcome": what }),
        || format!("{workflow_id}: {what}"),
    )
}

async fn start(client: &Client, output: Output, args: StartArgs) -> anyhow::Result<ExitCode> {
    let request = v1::StartWorkflowRequest {
        workflow_id: args.workflow_id.clone(),
        workflow_type: args.workflow_type,
        task_queue: args.task_queue,
        input: args.input,
        execution_timeout: args.execution_timeout.and_then(proto_duration),
        labels: args.label.into_iter().collect(),
        request_id: args.request_id,
        ..Default::default()
    };
    let started = client.start_workflow(request).await?;
    output.record(
        || serde_json::json!({ "workflow_id": args.workflow_id, "run_id": started.run_id }),
        || format!("started {} as run {}", args.workflow_id, started.run_id),
    )?;
    if !args.wait {
        return Ok(ExitCode::SUCCESS);
    }
    let run = RunArgs {
        workflow_id: args.workflow_id,
        run_id: started.run_id,
    };
    wait(client, output, run, Duration::from_secs(86_400)).await
}

async fn wait(
    client: &Client,
    output: Output,
    run: RunArgs,
    timeout: Duration,
) -> anyhow::Result<ExitCode> {
    let request = v1::WaitResultRequest {
        workflow_id: run.workflow_id.clone(),
        run_id: run.run_id,
        ..Default::default()
    };
    let result = client.wait_result(request, timeout).await?;
    render::result(output, &run.workflow_id, &result)?;
    Ok(match result.status() {
        v1::RunStatus::Completed => ExitCode::SUCCESS,
        v1::RunStatus::Running => ExitCode::from(5),
        _ => ExitCode::from(exit::RUN_NOT_COMPLETED),
    })
}

async fn list(client: &Client, output: Output, args: ListArgs) -> anyhow::Result<()> {
    let status = match args.status {
        None => v1::RunStatus::Unspecified,
        Some(StatusArg::Running) => v1::RunStatus::Running,
        Some(StatusArg::Completed) => v1::RunStatus::Completed,
        Some(StatusArg::Failed) => v1::RunStatus::Failed,
        Some(StatusArg::Canceled) => v1::RunStatus::Canceled,
        Some(StatusArg::Terminated) => v1::RunStatus::Terminated,
        Some(StatusArg::TimedOut) => v1::RunStatus::TimedOut,
    };
    let mut request = v1::ListWorkflowsRequest {
        workflow_type: args.workflow_type,
        status: status.into(),
        wait_reasons: args.waiting.iter().map(|it| (*it).into()).collect(),
        ..Default::default()
    };
    let mut left = args.limit;
    while left > 0 {
        request.page_size = u32::try_from(left.min(1_000)).unwrap_or(1_000);
        let page = client.list_workflows(request.clone()).await?;
        for run in page.runs.iter().take(left) {
            render::run_line(output, run)?;
        }
        left = left.saturating_sub(page.runs.len());
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

async fn history(client: &Client, output: Output, args: HistoryArgs) -> anyhow::Result<()> {
    let mut request = v1::GetHistoryRequest {
        workflow_id: args.run.workflow_id,
        run_id: args.run.run_id,
        after_event_id: args.after,
        ..Default::default()
    };
    loop {
        let page = client.history(request.clone()).await?;
        for event in &page.events {
            render::event(output, event)?;
        }
        if page.next_page_token.is_empty() {
            return Ok(());
        }
        request.page_token = page.next_page_token;
    }
}

async fn signal(client: &Client, output: Output, args: SignalArgs) -> anyhow::Result<()> {
    let id = args.run.workflow_id.clone();
    let request = v1::SignalWorkflowRequest {
        workflow_id: args.run.workflow_id,
        run_id: args.run.run_id,
        signal_name: args.signal_name,
        input: args.input,
        request_id: args.request_id,
        ..Default::default()
    };
    client.signal_workflow(request).await?;
    Ok(done(output, &id, "signaled")?)
}
