//! The world in which random steps are played: a root, a dispatcher's queue
//! and workers.

use everturn_engine::command::Command;
use everturn_engine::decide::{self, ActivityToken, Completion, Taker, TaskToken};
use everturn_engine::event::Slot;
use everturn_engine::policy::TurnPolicy;
use everturn_engine::rejection::Rejection;
use everturn_engine::state::root::Root;
use everturn_engine::transition::Transaction;
use everturn_engine::value::{Assignee, Failure, FailureKind, Span};

use crate::random::model::Model;
use crate::random::steps::Step;
use crate::scenario::{self, Scenario, payload};

/// A task that waits for a worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Offer {
    /// The workflow task of a run.
    Task(Slot),
    /// An attempt: slot, activity, attempt.
    Attempt(Slot, u64, u32),
}

pub struct World {
    pub s: Scenario,
    pub model: Model,
    /// What the log says.
    pub folded: Root,
    /// Events of the log that the model has read.
    pub read: usize,
    /// What was offered and nobody took yet.
    pub queue: Vec<Offer>,
    tasks: Vec<(TaskToken, u64)>,
    attempts: Vec<ActivityToken>,
    pub serial: usize,
}

/// Two channels, one of which has an adapter.
pub fn place(id: u8) -> (&'static str, &'static str) {
    if id.is_multiple_of(2) {
        ("chat", "")
    } else {
        ("email", "ada@example.org")
    }
}

/// Picks one of so many things, if there are any.
pub fn pick(number: u8, count: usize) -> Option<usize> {
    (count > 0).then(|| usize::from(number) % count)
}

impl World {
    pub fn new(policy: TurnPolicy) -> Self {
        let s = Scenario::with_policy("c1", policy);
        Self {
            model: Model::default(),
            folded: Root::new(s.root.key.clone()),
            read: 0,
            queue: Vec::new(),
            tasks: Vec::new(),
            attempts: Vec::new(),
            serial: 0,
            s,
        }
    }

    pub fn play(&mut self, step: Step) {
        match step {
            Step::Submit(id) => {
                let (channel, address) = place(id);
                let _ = self.s.submit_by(channel, address, &id.to_string(), "text");
            }
            Step::SubmitEvent(id) => {
                let _ = self.s.submit_event(&id.to_string(), "late");
            }
            Step::Wait(ms) => self.s.wait(Span::from_millis(ms)),
            Step::Begin(number) => self.begin(number),
            Step::CompleteTask {
                pick,
                commands,
                close,
            } => self.complete_task(pick, &commands, close),
            Step::FailTask(number) => {
                if let Some(index) = pick(number, self.tasks.len()) {
                    let (token, _) = self.tasks.remove(index);
                    self.fail_task(token);
                }
            }
            Step::LoseTask(number) => {
                if let Some(index) = pick(number, self.tasks.len()) {
                    let (token, _) = self.tasks.remove(index);
                    // Only the worker that has it can lose it.
                    let _ = self.s.step(|tx| decide::reoffer_task(tx, token));
                }
            }
            Step::EndAttempt { pick, how, tokens } => self.end_attempt(pick, how, tokens),
            Step::Restart(from_log) => self.restart(from_log),
            other => self.play_from_outside(other),
        }
        self.absorb();
    }

    /// A worker takes what was offered; what must not start does not.
    fn begin(&mut self, number: u8) {
        let Some(index) = pick(number, self.queue.len()) else {
            return;
        };
        match self.queue.remove(index) {
            Offer::Task(slot) => {
                let paused = self.s.root.is_paused(slot);
                if let Ok(start) = self.s.step(|tx| decide::begin_task(tx, slot, &"w".into())) {
                    assert!(!paused, "a task began in a pause");
                    let epoch = start.epoch;
                    self.tasks.push((TaskToken { slot, epoch }, start.through));
                }
            }
            Offer::Attempt(slot, activity, attempt) => {
                let root = &self.s.root;
                let held = if slot == 0 {
                    root.is_paused(0)
                } else {
                    root.holds_activities(slot)
                };
                let identity = "w".into();
                let worker = Taker {
                    identity: &identity,
                    reconciles: number.is_multiple_of(2),
                };
                let begun = self
                    .s
                    .step(|tx| decide::begin_activity(tx, slot, activity, attempt, worker));
                if let Ok(start) = begun {
                    assert!(!held, "an attempt began that must not");
                    self.attempts.push(ActivityToken {
                        slot,
                        activity,
                        attempt,
                        epoch: start.epoch,
                    });
                } else if slot == 0 {
                    self.quietly(|tx| decide::refuse_delivery(tx, activity, attempt));
                }
            }
        }
    }

    /// A step that cannot be rejected.
    fn quietly(&mut self, act: impl FnOnce(&mut Transaction<'_>)) {
        self.s.must(|tx| {
            act(tx);
            Ok(())
        });
    }

    fn complete_task(&mut self, number: u8, commands: &[u8], close: Option<bool>) {
        let Some(index) = pick(number, self.tasks.len()) else {
            return;
        };
        let (token, seen) = self.tasks.remove(index);
        let run = self.s.root.runs.get(&token.slot);
        let is_turn = run.is_some_and(|run| run.turn.is_some());
        let mut batch = Vec::new();
        for kind in commands {
            self.serial += 1;
            batch.push(command(*kind, self.serial, is_turn));
        }
        batch.extend(close.map(|well| {
            if well {
                scenario::complete()
            } else {
                scenario::fail()
            }
        }));
        let mut outcome = self
            .s
            .step(|tx| decide::complete_task(tx, token, Completion::new(seen, batch.clone())));
        if let Err(Rejection::UnreadEvents { .. }) = outcome {
            let all = self.s.root.runs[&token.slot].last_event;
            outcome = self
                .s
                .step(|tx| decide::complete_task(tx, token, Completion::new(all, batch)));
        }
        if let Err(Rejection::CompletionInvalid(_)) = outcome {
            self.fail_task(token);
        }
    }

    fn fail_task(&mut self, token: TaskToken) {
        let failure = Failure::new(FailureKind::Application, "Boom", "");
        let _ = self.s.step(|tx| decide::fail_task(tx, token, failure));
    }

    fn end_attempt(&mut self, number: u8, how: u8, tokens: u8) {
        let Some(index) = pick(number, self.attempts.len()) else {
            return;
        };
        let token = self.attempts.remove(index);
        let usage = Some(Box::new(scenario::tokens(u64::from(tokens), 0)));
        let id = format!("p{}", token.activity);
        let _ = self.s.step(|tx| match how {
            0 | 1 => {
                decide::lose_activity(tx, token.slot, token.activity, token.attempt);
                Ok(())
            }
            2 | 3 => {
                let failure = Failure {
                    non_retryable: how == 3,
                    ..Failure::new(FailureKind::Application, "Boom", "")
                };
                decide::fail_activity(tx, token, failure, usage)
            }
            4 if token.slot == 0 => {
                decide::return_delivery(tx, token.activity, token.attempt);
                Ok(())
            }
            _ if token.slot == 0 => decide::accept_delivery(tx, token, id.into()),
            _ => decide::complete_activity(tx, token, payload("1"), usage),
        });
    }

    /// Offers are gone, workers keep what they have.
    fn restart(&mut self, from_log: bool) {
        self.queue.clear();
        let source = if from_log { &self.folded } else { &self.s.root };
        self.s.root = Root::decode(&source.encode(), &source.values()).expect("reads back");
        // Runs that closed are in the view, not in the root.
        self.folded =
            Root::decode(&self.folded.encode(), &self.folded.values()).expect("reads back");
        let held = self
            .s
            .must(|tx| Ok(decide::resume(tx, decide::Tasks::AreLost)));
        self.attempts.retain(|token| held.contains(token));
        self.tasks.clear();
    }
}

fn command(kind: u8, serial: usize, is_turn: bool) -> Command {
    let key = format!("step-{serial}");
    match kind {
        1 | 2 if is_turn => scenario::reply(&key, &key),
        3 if is_turn => scenario::ask(&key),
        4 if is_turn => scenario::take_over(&key, Assignee::Team("all".into())),
        5 => scenario::timer(&key, 3),
        6 => scenario::cancel(&format!("step-{}", serial.saturating_sub(3))),
        7 => scenario::cancel(&format!("step-{}", serial.saturating_sub(1))),
        8 => {
            let name = ["n", "long", "longer"][serial % 3];
            let value = "v".repeat(serial * 997 % 9_000);
            let is_gone = serial.is_multiple_of(7);
            scenario::set_entry(&key, name, (!is_gone).then_some(&value[..]))
        }
        9 => scenario::approval(&key, "1", None),
        10 => scenario::approval(&key, "1", Some(Span::from_secs(20))),
        11 => scenario::child(&key),
        12 if is_turn => scenario::no_reply(&key),
        13 if is_turn && serial.is_multiple_of(5) => scenario::close_conversation(&key),
        14 if is_turn => scenario::question(&key, &key),
        _ => scenario::activity(&key),
    }
}
