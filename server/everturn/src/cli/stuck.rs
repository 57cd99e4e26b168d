//! `everturn stuck`: what waits longer than it should, worst first.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use everturn_client::{Client, v1};
use serde_json::json;
use v1::WaitReason as Reason;

use crate::client_args::ClientArgs;
use crate::config::parse_span;
use crate::render;

/// Looks at everything that waits in a namespace.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  everturn stuck
  everturn stuck --longer-than 10m --json

Without --longer-than each reason has its own bound: a queue without workers
30 s, a busy one or a worker 10 min, a failing workflow task none, an approval or
a person 1 d. What waits for the customer, for a timer or for a signal is not
stuck. Also listed: task queues that nobody serves and types that nobody
registers although code or open conversations use them. Exit code 0, whatever
was found.")]
pub(crate) struct StuckArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Everything that waits longer than this, whatever the reason
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    longer_than: Option<Duration>,
    /// Most entries to print
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
}

const MINUTES: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(86_400);
/// Reasons that can be a fault, with how long each may take.
const BOUNDS: [(Reason, Duration); 11] = [
    (Reason::TaskSetApart, Duration::ZERO),
    (Reason::TaskFailed, Duration::ZERO),
    (Reason::NotRegistered, Duration::from_secs(10)),
    (Reason::NoWorker, Duration::from_secs(30)),
    (Reason::SignalDelivery, Duration::from_secs(30)),
    (Reason::Unanswered, MINUTES),
    (Reason::BackingOff, MINUTES),
    (Reason::Queued, MINUTES),
    (Reason::Worker, MINUTES),
    (Reason::Budget, DAY),
    (Reason::Approval, DAY),
];
/// Entries of each list that are looked at.
const LOOKED_AT: usize = 100_000;

/// Something that waits too long.
struct Entry {
    id: String,
    overdue: Duration,
    wait: v1::Wait,
}

/// Lists what is stuck.
pub(crate) async fn run(args: StuckArgs) -> anyhow::Result<ExitCode> {
    let client = args.client.client()?;
    let output = args.client.output();
    let queues = client
        .task_queues(v1::ListTaskQueuesRequest::default())
        .await?;
    for queue in &queues.task_queues {
        if queue.unserved_since_time.is_some() || !queue.missing_types.is_empty() {
            output.record(|| render::task_queue(queue), || queue_text(queue))?;
        }
    }
    let mut entries = waiting(&client, args.longer_than).await?;
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.overdue));
    for entry in entries.iter().take(args.limit) {
        output.record(
            || json!({ "id": entry.id, "wait": render::wait(Some(&entry.wait)) }),
            || {
                let since = render::clock(entry.wait.since_time.as_ref());
                format!("{}: {} (since {since})", entry.id, entry.wait.text)
            },
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn queue_text(queue: &v1::TaskQueue) -> String {
    let kind = render::task_kind(queue.kind());
    let mut text = format!("queue {} ({kind} tasks)", queue.task_queue);
    if queue.unserved_since_time.is_some() {
        let since = render::clock(queue.unserved_since_time.as_ref());
        text.push_str(&format!(": no worker since {since}"));
    }
    if !queue.missing_types.is_empty() {
        text.push_str(&format!(": nobody has {}", queue.missing_types.join(", ")));
    }
    text
}

async fn waiting(client: &Client, bound: Option<Duration>) -> anyhow::Result<Vec<Entry>> {
    let reasons: Vec<i32> = BOUNDS.iter().map(|(reason, _)| (*reason).into()).collect();
    let mut entries = Vec::new();
    let mut request = v1::ListConversationsRequest {
        wait_reasons: reasons.clone(),
        page_size: 1_000,
        ..Default::default()
    };
    for _ in 0..LOOKED_AT / 1_000 {
        let page = client.list_conversations(request.clone()).await?;
        let listed = page.conversations.into_iter();
        entries.extend(listed.filter_map(|it| overdue(it.conversation_id, it.wait, bound)));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let mut request = v1::ListWorkflowsRequest {
        wait_reasons: reasons,
        page_size: 1_000,
        ..Default::default()
    };
    for _ in 0..LOOKED_AT / 1_000 {
        let page = client.list_workflows(request.clone()).await?;
        let listed = page.runs.into_iter();
        entries.extend(listed.filter_map(|it| overdue(it.workflow_id, it.wait, bound)));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(entries)
}

/// By how much something waits too long, if it does.
fn overdue(id: String, wait: Option<v1::Wait>, bound: Option<Duration>) -> Option<Entry> {
    let wait = wait?;
    let own = BOUNDS.iter().find(|(reason, _)| *reason == wait.reason());
    let bound = bound.or(own.map(|(_, bound)| *bound))?;
    let since = wait
        .since_time
        .and_then(|at| std::time::SystemTime::try_from(at).ok());
    let waited = since?.elapsed().unwrap_or_default();
    let overdue = waited.checked_sub(bound)?;
    Some(Entry { id, overdue, wait })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(reason: Reason, seconds: u64) -> v1::Wait {
        let at = std::time::SystemTime::now() - Duration::from_secs(seconds);
        v1::Wait {
            reason: reason.into(),
            since_time: Some(at.into()),
            ..Default::default()
        }
    }

    #[test]
    fn each_reason_has_its_own_bound() {
        let is_stuck = |reason, seconds| overdue(String::new(), Some(since(reason, seconds)), None);
        assert!(is_stuck(Reason::NoWorker, 40).is_some());
        assert!(is_stuck(Reason::NoWorker, 5).is_none());
        assert!(is_stuck(Reason::TaskFailed, 1).is_some());
        assert!(is_stuck(Reason::Customer, 1_000_000).is_none());
        let all = Some(Duration::from_secs(10));
        assert!(overdue(String::new(), Some(since(Reason::Customer, 20)), all).is_some());
    }
}
