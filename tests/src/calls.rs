//! Requests that many tests make, and whole lists instead of pages.

use std::time::{Duration, Instant};

use everturn_client::{Client, Error, v1};

/// How long a coordinator may be away before a call gives up.
const AWAY_MAX: Duration = Duration::from_secs(90);

/// Repeats a call until the coordinator answers it: whatever a lost connection
/// makes of it carries no reason, and what may be repeated says so.
///
/// # Panics
/// When the answer is a refusal, or when none comes.
pub async fn answered<T, Answer>(what: &str, mut call: impl FnMut() -> Answer) -> T
where
    Answer: Future<Output = Result<T, Error>>,
{
    let begin = Instant::now();
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(error) if error.is_retryable() || error.reason().is_none() => {
                assert!(begin.elapsed() < AWAY_MAX, "{what}: {error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

/// A command of a run.
#[must_use]
pub fn command(key: &str, kind: v1::command::Kind) -> v1::Command {
    v1::Command {
        key: key.to_owned(),
        kind: Some(kind),
    }
}

/// A duration in milliseconds.
#[must_use]
pub fn millis(count: u32) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::from(count / 1_000),
        nanos: i32::try_from(count % 1_000 * 1_000_000).unwrap_or(0),
    }
}

/// A customer's message by the channel "chat".
#[must_use]
pub fn message(
    conversation_id: &str,
    conversation_type: &str,
    provider_message_id: &str,
    text: &str,
) -> v1::SubmitMessageRequest {
    v1::SubmitMessageRequest {
        conversation_id: conversation_id.to_owned(),
        conversation_type: conversation_type.to_owned(),
        channel: "chat".to_owned(),
        provider_message_id: provider_message_id.to_owned(),
        content: Some(everturn_client::text(text)),
        ..Default::default()
    }
}

/// The start of a workflow on the queue "default".
#[must_use]
pub fn start(workflow_id: &str, workflow_type: &str) -> v1::StartWorkflowRequest {
    v1::StartWorkflowRequest {
        workflow_id: workflow_id.to_owned(),
        workflow_type: workflow_type.to_owned(),
        ..Default::default()
    }
}

/// The whole transcript of a conversation.
///
/// # Panics
/// When it cannot be read.
pub async fn transcript(client: &Client, conversation_id: &str) -> Vec<v1::Message> {
    let mut messages = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListMessagesRequest {
            conversation_id: conversation_id.to_owned(),
            page_size: 1_000,
            page_token,
            ..Default::default()
        };
        let page = client.list_messages(request).await;
        let page = page.expect("the transcript can be read");
        messages.extend(page.messages);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return messages;
        }
    }
}

/// Every run of the default namespace.
///
/// # Panics
/// When they cannot be listed.
pub async fn all_runs(client: &Client) -> Vec<v1::WorkflowRun> {
    let mut runs = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListWorkflowsRequest {
            page_size: 1_000,
            page_token,
            ..Default::default()
        };
        let page = client.list_workflows(request).await;
        let page = page.expect("runs can be listed");
        runs.extend(page.runs);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return runs;
        }
    }
}

/// The whole journal of a run; of the latest one without a run id.
///
/// # Panics
/// When it cannot be read.
pub async fn journal(client: &Client, workflow_id: &str, run_id: &str) -> Vec<v1::HistoryEvent> {
    let mut events = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::GetHistoryRequest {
            workflow_id: workflow_id.to_owned(),
            run_id: run_id.to_owned(),
            page_token,
            ..Default::default()
        };
        let page = client.history(request).await;
        let page = page.expect("the journal can be read");
        events.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return events;
        }
    }
}
