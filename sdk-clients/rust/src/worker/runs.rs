//! The cache of live runs and what a workflow task does to it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use everturn_proto::v1;

use super::RunCode;
use super::activities::panicked;
use super::session::is_closing;
use super::state_values::StateValues;
use crate::payload::failure;

pub(crate) type StartRun = Box<dyn Fn(&v1::WorkflowTask) -> RunCode + Send + Sync>;

struct CachedRun {
    code: RunCode,
    seen_event_id: u64,
}

/// Runs that are kept between their tasks.
pub(crate) struct Runs {
    types: HashMap<String, StartRun>,
    cached: HashMap<String, CachedRun>,
    cached_max: usize,
    values: StateValues,
}

impl Runs {
    pub(crate) fn new(
        types: HashMap<String, StartRun>,
        cached_max: usize,
        state_bytes_max: usize,
    ) -> Self {
        Self {
            types,
            cached: HashMap::new(),
            cached_max,
            values: StateValues::new(state_bytes_max),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.cached.clear();
    }

    pub(crate) fn forget(&mut self, run_id: &str) {
        self.cached.remove(run_id);
    }

    /// Runs the code over a task's events and returns what to report.
    pub(crate) fn advance(&mut self, task: &mut v1::WorkflowTask) -> v1::WorkflowTaskResult {
        let mut result = v1::WorkflowTaskResult {
            task_token: task.task_token.clone(),
            ..Default::default()
        };
        if !self.values.complete(&mut task.events) {
            result.needs_full_journal = true;
            return result;
        }
        let Some(mut run) = self.resume(task) else {
            if task.previous_event_id == 0 {
                let text = format!("no workflow type {} is registered", task.workflow_type);
                result.failure = Some(failure("WorkflowNotRegistered", text));
            } else {
                result.needs_full_journal = true;
            }
            return result;
        };
        if let Some(last) = task.events.last() {
            run.seen_event_id = last.id;
        }
        match call(&mut run.code, &task.events) {
            Ok(commands) => {
                result.seen_event_id = run.seen_event_id;
                result.run_cached = self.cached.len() < self.cached_max;
                result.commands = commands;
                if result.run_cached {
                    self.cached.insert(task.run_id.clone(), run);
                }
            }
            Err(failure) => result.failure = Some(failure),
        }
        result
    }

    /// Takes the run out of the cache, or starts its code for a whole
    /// journal. `None` if neither can be done.
    fn resume(&mut self, task: &v1::WorkflowTask) -> Option<CachedRun> {
        let cached = self.cached.remove(&task.run_id);
        if task.previous_event_id == 0 {
            let start = self.types.get(&task.workflow_type)?;
            return Some(CachedRun {
                code: start(task),
                seen_event_id: 0,
            });
        }
        cached.filter(|run| run.seen_event_id <= task.previous_event_id)
    }

    /// Gives a run that could not close the events that it had not seen, and
    /// makes its completion again: what it asked for before, then what it
    /// asks for now, and the close last. A run that is not cached starts over
    /// from its journal.
    pub(crate) fn reopen(
        &mut self,
        run_id: &str,
        mut result: v1::WorkflowTaskResult,
        events: &[v1::HistoryEvent],
    ) -> v1::WorkflowTaskResult {
        let Some(run) = self.cached.get_mut(run_id) else {
            return v1::WorkflowTaskResult {
                task_token: result.task_token,
                needs_full_journal: true,
                ..Default::default()
            };
        };
        if let Some(last) = events.last() {
            run.seen_event_id = last.id;
            result.seen_event_id = last.id;
        }
        match call(&mut run.code, events) {
            Ok(more) => {
                let (closing, mut commands): (Vec<_>, Vec<_>) =
                    result.commands.into_iter().partition(is_closing);
                let closes_anew = more.iter().any(is_closing);
                commands.extend(more);
                if !closes_anew {
                    commands.extend(closing);
                }
                result.commands = commands;
            }
            Err(failure) => {
                self.cached.remove(run_id);
                result.commands.clear();
                result.run_cached = false;
                result.failure = Some(failure);
            }
        }
        result
    }
}

fn call(code: &mut RunCode, events: &[v1::HistoryEvent]) -> Result<Vec<v1::Command>, v1::Failure> {
    catch_unwind(AssertUnwindSafe(|| code(events))).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
