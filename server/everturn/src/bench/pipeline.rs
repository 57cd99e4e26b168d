//! Scenario `pipeline`: workflows of ten activities in a row. One is done when
//! `WaitResult` says so.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use everturn_client::{Client, v1};

use super::Names;
use super::load::Slot;

/// Type of the workflows.
pub(crate) const WORKFLOW_TYPE: &str = "bench-pipeline";
/// Activities of a workflow.
pub(crate) const STEPS_PER_WORKFLOW: u32 = 10;
/// Length of a payload.
const PAYLOAD_BYTES: usize = 200;
/// Longest wait for a workflow.
const RESULT_TIMEOUT: Duration = Duration::from_secs(30);

struct Starter {
    client: Client,
    prefix: String,
    queue: String,
    input: v1::Payload,
    started: u64,
}

/// The slots, after one workflow has run through so that workers are known to
/// be there.
pub(crate) async fn open(
    count: usize,
    client_of: impl Fn(usize) -> Client,
    names: &Names,
) -> anyhow::Result<Vec<Box<dyn Slot>>> {
    let input = everturn_client::json(&"x".repeat(PAYLOAD_BYTES))?;
    let starter = |slot: usize| Starter {
        client: client_of(slot),
        prefix: format!("{}-{slot}", names.prefix),
        queue: names.queue.clone(),
        input: input.clone(),
        started: 0,
    };
    eprintln!("running one workflow");
    let mut first = starter(0);
    first.prefix.push_str("-first");
    first.run().await?;
    Ok((0..count)
        .map(|slot| Box::new(starter(slot)) as Box<dyn Slot>)
        .collect())
}

impl Starter {
    async fn run(&mut self) -> anyhow::Result<()> {
        self.started += 1;
        let workflow_id = format!("{}-{}", self.prefix, self.started);
        let start = v1::StartWorkflowRequest {
            workflow_id: workflow_id.clone(),
            workflow_type: WORKFLOW_TYPE.to_owned(),
            task_queue: self.queue.clone(),
            input: Some(self.input.clone()),
            ..Default::default()
        };
        let run_id = self.client.start_workflow(start).await?.run_id;
        let wait = v1::WaitResultRequest {
            workflow_id,
            run_id,
            ..Default::default()
        };
        let result = self.client.wait_result(wait, RESULT_TIMEOUT).await?;
        anyhow::ensure!(
            result.status() == v1::RunStatus::Completed,
            "a workflow ended as {}: {}",
            result.status().as_str_name(),
            result.failure.unwrap_or_default().message,
        );
        Ok(())
    }
}

impl Slot for Starter {
    fn once(&mut self) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + '_>> {
        Box::pin(self.run())
    }
}
