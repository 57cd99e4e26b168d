//! What a batch brings: answers to results, tasks to begin, attempts to stop.

use everturn_proto::v1;
use futures::future::FutureExt as _;

use super::{AttemptEnded, Connection, Fetched};
use crate::Error;
use crate::client::Client;
use crate::error::Code;
use crate::payload::failure;
use crate::worker::activities::Attempt;
use crate::worker::session::Rejected;

impl Connection {
    /// Takes one batch in.
    pub(super) async fn take(&mut self, response: v1::WorkResponse) {
        for result_id in response.accepted_result_ids {
            if let Some(run_id) = self.session.accepted(result_id) {
                self.runs.forget(&run_id);
            }
        }
        for rejection in response.rejections {
            tracing::debug!(reason = rejection.reason, "result was not taken");
            match self.session.rejected(rejection) {
                Rejected::Settled => {}
                Rejected::ForgetRun(run_id) => self.runs.forget(&run_id),
                Rejected::Unread {
                    run_id,
                    result,
                    events,
                } => {
                    let again = self.runs.reopen(&run_id, result, &events);
                    self.session.workflow_ended(again, run_id, false);
                }
            }
        }
        for run_id in response.evicted_run_ids {
            self.runs.forget(&run_id);
        }
        for cancel in response.cancels {
            self.running.abort(&cancel.task_token, cancel.fenced);
        }
        for task in response.workflow_tasks {
            self.session.acknowledge(task.delivery_id);
            self.start_workflow_task(task);
        }
        for task in response.activity_tasks {
            self.session.acknowledge(task.delivery_id);
            self.start_activity(task).await;
        }
        if response.ping > 0 {
            self.session.answer_ping(response.ping);
        }
        if response.draining {
            tracing::info!("coordinator is shutting down");
        }
    }

    pub(super) async fn start_activity(&mut self, task: v1::ActivityTask) {
        let token = task.task_token.clone();
        let Some(handler) = self.activities.get(&task.activity_type) else {
            let text = format!("no activity {} is registered", task.activity_type);
            let outcome = Err(failure("ActivityNotRegistered", text));
            self.session.activity_ended(token, outcome);
            return;
        };
        if self.running.contains(&token) {
            self.session.slot_freed();
            return;
        }
        let Attempt { mut future, usage } = handler(task, &self.outputs);
        match futures::poll!(&mut future) {
            std::task::Poll::Ready(outcome) => {
                let ended = AttemptEnded::new(outcome, usage.as_ref());
                self.report(token, Some(ended));
            }
            std::task::Poll::Pending => {
                self.running.push(token, Attempt { future, usage });
            }
        }
    }

    pub(super) fn start_workflow_task(&mut self, mut task: v1::WorkflowTask) {
        let last = task.events.last().map_or(0, |event| event.id);
        if task.last_event_id > last {
            self.fetching
                .push(fetch_journal(self.client.clone(), task).boxed());
        } else {
            self.advance(&mut task);
        }
    }

    pub(super) fn run_fetched(&mut self, task: &mut v1::WorkflowTask, fetched: Result<(), Error>) {
        match fetched {
            Ok(()) => self.advance(task),
            Err(error) => {
                let result = v1::WorkflowTaskResult {
                    task_token: task.task_token.clone(),
                    failure: Some(failure("JournalUnreadable", error.to_string())),
                    ..Default::default()
                };
                self.session
                    .workflow_ended(result, task.run_id.clone(), true);
            }
        }
    }

    pub(super) fn advance(&mut self, task: &mut v1::WorkflowTask) {
        let result = self.runs.advance(task);
        self.session
            .workflow_ended(result, task.run_id.clone(), true);
    }
}

/// Reads the rest of a journal that did not fit into its task.
async fn fetch_journal(client: Client, mut task: v1::WorkflowTask) -> Fetched {
    loop {
        let last = task.events.last().map_or(0, |event| event.id);
        if last >= task.last_event_id {
            return (task, Ok(()));
        }
        let request = v1::GetHistoryRequest {
            workflow_id: task.workflow_id.clone(),
            run_id: task.run_id.clone(),
            after_event_id: last,
            ..Default::default()
        };
        match client.history(request).await {
            Ok(page) if page.events.is_empty() => {
                let text = format!("the journal ends at event {last}");
                return (task, Err(Error::local(Code::DataLoss, text)));
            }
            Ok(page) => {
                let last_event_id = task.last_event_id;
                let wanted = page.events.into_iter();
                task.events
                    .extend(wanted.filter(|event| event.id <= last_event_id));
            }
            Err(error) => return (task, Err(error)),
        }
    }
}
