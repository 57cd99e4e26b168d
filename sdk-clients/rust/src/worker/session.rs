//! One worker's side of the `Work` protocol as plain state: credits,
//! acknowledgements, results on their way and results unanswered. No I/O;
//! `take_request` hands out the next batch, `accepted` and `rejected` take
//! the answers in.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use everturn_proto::v1;

use super::activities::{Ended, replacement};
use super::batch::{BATCH_BYTES_MAX, BATCH_RESULTS_MAX, activity_bytes, workflow_bytes};
use super::outputs::Outputs;

struct QueuedActivity {
    result: v1::ActivityResult,
    /// False for a result that is sent again: its slot was granted anew when
    /// the stream began.
    frees_slot: bool,
}

/// What is remembered about a workflow task's result until it is answered.
#[derive(Debug)]
pub(crate) struct Completion {
    /// The run.
    pub run_id: String,
    /// The result, if it closes the run: it may be answered with unread
    /// events and has to be made again.
    pub closing: Option<v1::WorkflowTaskResult>,
}

/// What a rejection asks of the worker.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "taken apart at once")]
pub(crate) enum Rejected {
    /// Nothing: the result was dropped or is on its way again.
    Settled,
    /// The run's cached code no longer matches its journal.
    ForgetRun(String),
    /// The run has to see these events before it can close.
    Unread {
        /// The run.
        run_id: String,
        /// The result that was not taken.
        result: v1::WorkflowTaskResult,
        /// What the run has not seen.
        events: Vec<v1::HistoryEvent>,
    },
}

/// The state of one worker's session.
pub(crate) struct Session {
    next_result_id: u64,
    credits: v1::CreditGrant,
    acks: Vec<u64>,
    outputs: Outputs,
    activities: VecDeque<QueuedActivity>,
    workflows: VecDeque<(v1::WorkflowTaskResult, bool)>,
    unanswered_activities: HashMap<u64, v1::ActivityResult>,
    unanswered_workflows: HashMap<u64, Completion>,
    ping: u64,
    pong: u64,
    is_draining: bool,
    drain_announced: bool,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self {
            next_result_id: 1,
            credits: v1::CreditGrant::default(),
            acks: Vec::new(),
            outputs: Outputs::default(),
            activities: VecDeque::new(),
            workflows: VecDeque::new(),
            unanswered_activities: HashMap::new(),
            unanswered_workflows: HashMap::new(),
            ping: 0,
            pong: 0,
            is_draining: false,
            drain_announced: false,
        }
    }

    /// A new stream begins with this many free slots: unanswered activity
    /// results are queued again, workflow work of the old stream is dropped.
    pub(crate) fn begin_stream(&mut self, free: v1::CreditGrant) {
        self.credits = if self.is_draining {
            v1::CreditGrant::default()
        } else {
            free
        };
        self.acks.clear();
        self.outputs.restart();
        self.workflows.clear();
        self.unanswered_workflows.clear();
        (self.ping, self.pong) = (0, 0);
        self.drain_announced = false;
        self.activities.clear();
        let mut ids: Vec<u64> = self.unanswered_activities.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let result = self.unanswered_activities[&id].clone();
            self.activities.push_back(QueuedActivity {
                result,
                frees_slot: false,
            });
        }
    }

    /// Tokens of the attempts whose results are not answered.
    pub(crate) fn unanswered_tokens(&self) -> impl Iterator<Item = &Bytes> {
        self.unanswered_activities
            .values()
            .map(|result| &result.task_token)
    }

    /// The attempt is over: its result would be fenced.
    pub(crate) fn forget_activity(&mut self, token: &[u8]) {
        self.outputs.discard(token);
        self.unanswered_activities
            .retain(|_, result| result.task_token != token);
        self.activities
            .retain(|queued| queued.result.task_token != token);
    }

    pub(crate) fn acknowledge(&mut self, delivery_id: u64) {
        self.acks.push(delivery_id);
    }

    /// A part of the output of a running attempt.
    pub(crate) fn output(&mut self, task_token: &Bytes, data: Bytes) {
        self.outputs.add(task_token, data);
    }

    pub(crate) fn activity_ended(&mut self, task_token: Bytes, ended: impl Into<Ended>) {
        let ended = ended.into();
        self.outputs.end(&task_token);
        let result = v1::ActivityResult {
            result_id: self.take_result_id(),
            task_token,
            outcome: Some(match ended.outcome {
                Ok(payload) => v1::activity_result::Outcome::Result(payload),
                Err(failure) => v1::activity_result::Outcome::Failure(failure),
            }),
            usage: ended.usage,
        };
        self.unanswered_activities
            .insert(result.result_id, result.clone());
        self.activities.push_back(QueuedActivity {
            result,
            frees_slot: true,
        });
    }

    /// An attempt ended without anything to report; its slot is free.
    pub(crate) fn activity_dropped(&mut self, task_token: &[u8]) {
        self.outputs.discard(task_token);
        self.slot_freed();
    }

    /// A delivery that came twice: its attempt goes on in the first slot.
    pub(crate) fn slot_freed(&mut self) {
        if !self.is_draining {
            self.credits.activity_count += 1;
        }
    }

    /// A workflow task is done. `frees_slot` is false for a completion that
    /// is made again: its slot was granted with the first one.
    pub(crate) fn workflow_ended(
        &mut self,
        mut result: v1::WorkflowTaskResult,
        run_id: String,
        frees_slot: bool,
    ) {
        result.result_id = self.take_result_id();
        let closing = result
            .commands
            .iter()
            .any(is_closing)
            .then(|| result.clone());
        self.unanswered_workflows
            .insert(result.result_id, Completion { run_id, closing });
        self.workflows.push_back((result, frees_slot));
    }

    fn take_result_id(&mut self) -> u64 {
        let id = self.next_result_id;
        self.next_result_id += 1;
        id
    }

    /// A result is durable; the run that it closed, if it did.
    pub(crate) fn accepted(&mut self, result_id: u64) -> Option<String> {
        if self.unanswered_activities.remove(&result_id).is_some() {
            return None;
        }
        let completion = self.unanswered_workflows.remove(&result_id)?;
        completion.closing.is_some().then_some(completion.run_id)
    }

    /// A result was not taken.
    pub(crate) fn rejected(&mut self, rejection: v1::ResultRejection) -> Rejected {
        let id = rejection.result_id;
        if let Some(result) = self.unanswered_activities.get(&id) {
            if rejection.reason == "PARTITION_MOVED" {
                let result = result.clone();
                self.activities.push_back(QueuedActivity {
                    result,
                    frees_slot: false,
                });
            } else if let Some(refused) = self.unanswered_activities.remove(&id)
                && let Some(mut result) = replacement(refused, &rejection)
            {
                result.result_id = self.take_result_id();
                self.unanswered_activities
                    .insert(result.result_id, result.clone());
                self.activities.push_back(QueuedActivity {
                    result,
                    frees_slot: false,
                });
            }
            return Rejected::Settled;
        }
        let Some(completion) = self.unanswered_workflows.remove(&id) else {
            return Rejected::Settled;
        };
        match completion.closing {
            Some(result) if rejection.reason == "UNREAD_EVENTS" => Rejected::Unread {
                run_id: completion.run_id,
                result,
                events: rejection.unread_events,
            },
            _ => Rejected::ForgetRun(completion.run_id),
        }
    }

    pub(crate) fn queue_ping(&mut self, number: u64) {
        self.ping = number;
    }

    pub(crate) fn answer_ping(&mut self, number: u64) {
        self.pong = number;
    }

    /// Nothing new is taken from here on.
    pub(crate) fn drain(&mut self) {
        self.is_draining = true;
        self.credits = v1::CreditGrant::default();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// True when every result was answered.
    pub(crate) fn is_settled(&self) -> bool {
        self.unanswered_activities.is_empty() && self.unanswered_workflows.is_empty()
    }

    pub(crate) fn has_output(&self) -> bool {
        self.outputs.any_waiting()
            || !self.activities.is_empty()
            || !self.workflows.is_empty()
            || !self.acks.is_empty()
            || self.credits.activity_count > 0
            || self.credits.workflow_count > 0
            || self.ping > 0
            || self.pong > 0
            || (self.is_draining && !self.drain_announced)
    }

    /// The next batch: everything that waits, up to the bounds of a batch.
    pub(crate) fn take_request(&mut self) -> v1::WorkRequest {
        let mut bytes = 0;
        // First: what an attempt said belongs before its end.
        let outputs = self.outputs.take(&mut bytes, BATCH_BYTES_MAX);
        let activity_results = self.take_activities(&mut bytes);
        let workflow_task_results = self.take_workflows(&mut bytes);
        let credits = std::mem::take(&mut self.credits);
        let has_credits = credits.activity_count > 0 || credits.workflow_count > 0;
        self.drain_announced = self.is_draining;
        v1::WorkRequest {
            hello: None,
            credits: has_credits.then_some(credits),
            acked_delivery_ids: std::mem::take(&mut self.acks),
            activity_results,
            workflow_task_results,
            heartbeats: Vec::new(),
            outputs,
            ping: std::mem::take(&mut self.ping),
            pong: std::mem::take(&mut self.pong),
            draining: self.is_draining,
        }
    }

    fn take_activities(&mut self, bytes: &mut usize) -> Vec<v1::ActivityResult> {
        let mut taken = Vec::with_capacity(self.activities.len().min(BATCH_RESULTS_MAX));
        while let Some(queued) = self.activities.front() {
            let size = activity_bytes(&queued.result);
            let is_full = taken.len() == BATCH_RESULTS_MAX || *bytes + size > BATCH_BYTES_MAX;
            let says_more = self.outputs.is_waiting(&queued.result.task_token);
            if (is_full && *bytes > 0) || says_more {
                break;
            }
            *bytes += size;
            let Some(queued) = self.activities.pop_front() else {
                break;
            };
            if queued.frees_slot && !self.is_draining {
                self.credits.activity_count += 1;
            }
            taken.push(queued.result);
        }
        taken
    }

    fn take_workflows(&mut self, bytes: &mut usize) -> Vec<v1::WorkflowTaskResult> {
        let mut taken = Vec::with_capacity(self.workflows.len().min(BATCH_RESULTS_MAX));
        while let Some((result, _)) = self.workflows.front() {
            let size = workflow_bytes(result);
            let is_full = taken.len() == BATCH_RESULTS_MAX || *bytes + size > BATCH_BYTES_MAX;
            if is_full && *bytes > 0 {
                break;
            }
            *bytes += size;
            let Some((result, frees_slot)) = self.workflows.pop_front() else {
                break;
            };
            if frees_slot && !self.is_draining {
                self.credits.workflow_count += 1;
            }
            taken.push(result);
        }
        taken
    }
}

/// Whether a command closes its run.
pub(crate) fn is_closing(command: &v1::Command) -> bool {
    use v1::command::Kind;
    matches!(
        command.kind,
        Some(Kind::CompleteRun(_) | Kind::FailRun(_) | Kind::CancelRun(_))
    )
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
