//! Reads what is durable: transcripts, runs and their journals, page by page.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use everturn_client::v1;

use crate::stage::Stage;

/// Lists may lag behind by the flush interval.
const LIST_TIMEOUT: Duration = Duration::from_secs(15);
const LIST_EVERY: Duration = Duration::from_millis(200);

/// A run and its journal.
pub struct Journal {
    /// The run.
    pub run: v1::WorkflowRun,
    /// Its events, oldest first.
    pub events: Vec<v1::HistoryEvent>,
}

impl Journal {
    /// Id of the conversation or top-level workflow that it belongs to.
    pub fn root(&self) -> &str {
        self.run.workflow_id.split('/').next().unwrap_or_default()
    }
}

/// What a message says.
pub fn words(message: &v1::Message) -> &str {
    message
        .content
        .as_ref()
        .map_or("", |content| content.text.as_str())
}

/// A whole transcript.
pub async fn transcript(stage: &Stage, id: &str) -> Result<Vec<v1::Message>> {
    let mut request = v1::ListMessagesRequest {
        conversation_id: id.to_owned(),
        ..Default::default()
    };
    let mut messages = Vec::new();
    loop {
        let page = stage.client().list_messages(request.clone()).await?;
        messages.extend(page.messages);
        if page.next_page_token.is_empty() {
            return Ok(messages);
        }
        request.page_token = page.next_page_token;
    }
}

/// The journals of all runs, once the list has caught up: as many turns as
/// were started, and no run open.
pub async fn journals(stage: &Stage, turns: u64) -> Result<Vec<Journal>> {
    let mut journals = Vec::new();
    for run in runs(stage, turns).await? {
        let events = events(stage, &run).await?;
        journals.push(Journal { run, events });
    }
    Ok(journals)
}

async fn runs(stage: &Stage, turns: u64) -> Result<Vec<v1::WorkflowRun>> {
    let begin = Instant::now();
    loop {
        let runs = list_runs(stage).await?;
        let is_turn = |run: &&v1::WorkflowRun| {
            run.parent_workflow_id.is_empty() && run.workflow_type == "support"
        };
        let listed = runs.iter().filter(is_turn).count() as u64;
        let open = runs
            .iter()
            .filter(|run| run.status() == v1::RunStatus::Running)
            .count();
        if listed >= turns && open == 0 {
            return Ok(runs);
        }
        if begin.elapsed() > LIST_TIMEOUT {
            bail!("{listed} of {turns} turns are listed and {open} runs are still open");
        }
        tokio::time::sleep(LIST_EVERY).await;
    }
}

async fn list_runs(stage: &Stage) -> Result<Vec<v1::WorkflowRun>> {
    let mut request = v1::ListWorkflowsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let mut runs = Vec::new();
    loop {
        let page = stage.client().list_workflows(request.clone()).await?;
        runs.extend(page.runs);
        if page.next_page_token.is_empty() {
            return Ok(runs);
        }
        request.page_token = page.next_page_token;
    }
}

async fn events(stage: &Stage, run: &v1::WorkflowRun) -> Result<Vec<v1::HistoryEvent>> {
    let mut request = v1::GetHistoryRequest {
        workflow_id: run.workflow_id.clone(),
        run_id: run.run_id.clone(),
        ..Default::default()
    };
    let mut events = Vec::new();
    loop {
        let page = stage
            .client()
            .history(request.clone())
            .await
            .with_context(|| format!("cannot read the journal of {}", run.workflow_id))?;
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return Ok(events);
        }
        request.page_token = page.next_page_token;
    }
}
