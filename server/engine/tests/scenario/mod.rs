//! A root with a clock that the test moves, and what it did in the last step.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;

use everturn_engine::command::{Command, CommandKind, Draft};
use everturn_engine::decide::{
    self, Accepted, ActivityToken, RunRef, StartWorkflow, SubmitMessage, TaskToken,
};
use everturn_engine::effect::Effect;
use everturn_engine::event::{Event, RunEvent, Slot};
use everturn_engine::policy::{ActivityOptions, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::root::Root;
use everturn_engine::text::RootKey;
use everturn_engine::transition::{Context, Output, Transaction};
use everturn_engine::value::{Blob, MessageContent, Payload, Span, Time};

/// One root under test.
pub struct Scenario {
    pub root: Root,
    pub context: Context,
    /// Everything since the scenario began, with its time.
    pub log: Vec<(Time, Event)>,
    /// Effects of the last step.
    pub effects: Vec<Effect>,
    pub policy: TurnPolicy,
}

impl Scenario {
    pub fn new(id: &str) -> Self {
        Self {
            root: Root::new(RootKey {
                namespace: "default".into(),
                id: id.into(),
            }),
            context: Context {
                now: Time(1_000_000),
                next_epoch: 1 << 32,
                seed: 7,
                task_timeout: Span::from_secs(10),
            },
            log: Vec::new(),
            effects: Vec::new(),
            policy: TurnPolicy::default(),
        }
    }

    pub fn with_policy(id: &str, policy: TurnPolicy) -> Self {
        Self {
            policy,
            ..Self::new(id)
        }
    }

    /// Carries out a step and checks that a rejection leaves no trace.
    pub fn step<T>(
        &mut self,
        act: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        let before = self.root.encode();
        let mut output = Output::default();
        let mut tx = Transaction::new(&mut self.root, &mut self.context, &mut output);
        let outcome = act(&mut tx);
        if outcome.is_err() {
            assert!(output.events.is_empty(), "a rejection recorded events");
            assert_eq!(self.root.encode(), before, "a rejection changed the root");
        }
        let now = self.context.now;
        self.log
            .extend(output.events.iter().map(|event| (now, event.clone())));
        self.effects = output.effects;
        outcome
    }

    pub fn submit(&mut self, provider_id: &str, text: &str) -> Result<Accepted, Rejection> {
        let policy = self.policy;
        self.step(|tx| {
            decide::submit_message(
                tx,
                SubmitMessage {
                    type_name: "support".into(),
                    task_queue: "default".into(),
                    policy,
                    labels: BTreeMap::new(),
                    channel: "chat".into(),
                    provider_message_id: provider_id.into(),
                    author_name: "Ada".into(),
                    content: content(text),
                },
            )
        })
    }

    pub fn start(&mut self) -> Slot {
        self.step(|tx| decide::start_workflow(tx, start_request(0)))
            .expect("starts");
        self.root.main.expect("has a main run")
    }

    /// Takes the offered workflow task of a run.
    pub fn begin(&mut self, slot: Slot) -> TaskToken {
        let start = self
            .step(|tx| decide::begin_task(tx, slot))
            .expect("a task was offered");
        TaskToken {
            slot,
            epoch: start.epoch,
        }
    }

    /// Takes a task, gives the code everything, and completes it.
    pub fn run_code(&mut self, slot: Slot, commands: Vec<Command>) -> Result<(), Rejection> {
        let token = self.begin(slot);
        let seen = self.root.runs[&slot].last_event;
        self.step(|tx| decide::complete_task(tx, token, seen, commands))
    }

    /// Starts the only queued activity of a run with this key.
    pub fn take_activity(&mut self, slot: Slot, key: &str) -> ActivityToken {
        let run = &self.root.runs[&slot];
        let found = run.activities.iter().find(|(_, a)| a.key.as_str() == key);
        let (id, attempt) = found.map(|(id, a)| (*id, a.attempt)).expect("is pending");
        let start = self
            .step(|tx| decide::begin_activity(tx, slot, id, attempt, &"worker".into()))
            .expect("is offered");
        ActivityToken {
            slot,
            activity: id,
            attempt,
            epoch: start.epoch,
        }
    }

    pub fn complete_activity(&mut self, slot: Slot, key: &str) {
        let token = self.take_activity(slot, key);
        self.step(|tx| decide::complete_activity(tx, token, payload("\"ok\"")))
            .expect("is current");
    }

    /// Moves the clock and meets what is due.
    pub fn wait(&mut self, span: Span) {
        self.context.now = self.context.now + span;
        self.step(|tx| {
            decide::meet_deadlines(tx);
            Ok(())
        })
        .expect("cannot be rejected");
    }

    pub fn turn_slot(&self) -> Option<Slot> {
        let conversation = self.root.conversation.as_ref()?;
        conversation.turn.as_ref().map(|turn| turn.slot)
    }

    /// Names of the journal's events, oldest first.
    pub fn journal(&self, slot: Slot) -> Vec<&'static str> {
        let events = self.log.iter().filter_map(|(_, event)| match event {
            Event::Run {
                slot: of, event, ..
            } if *of == slot => Some(name(event)),
            _ => None,
        });
        events.collect()
    }

    /// Texts of the messages that left for the customer.
    pub fn sent(&self) -> Vec<String> {
        let sent = self.log.iter().filter_map(|(_, event)| match event {
            Event::Run {
                event: RunEvent::MessageSent { message, .. },
                ..
            } => Some(message.content.text.to_string()),
            _ => None,
        });
        sent.collect()
    }

    /// Folds the log from nothing: what a restart would see.
    pub fn folded(&self) -> Root {
        let mut root = Root::new(self.root.key.clone());
        for (time, event) in &self.log {
            root.apply(*time, event);
        }
        root
    }
}

pub fn start_request(request: u64) -> StartWorkflow {
    StartWorkflow {
        type_name: "order".into(),
        task_queue: "default".into(),
        input: payload("{}"),
        execution_timeout: None,
        labels: BTreeMap::new(),
        request,
    }
}

pub fn target(id: &str) -> RunRef {
    RunRef {
        workflow_id: id.into(),
        run_id: None,
    }
}

pub fn payload(text: &str) -> Payload {
    Payload {
        data: Blob(text.to_owned().into_bytes().into()),
        content_type: "".into(),
    }
}

pub fn content(text: &str) -> MessageContent {
    MessageContent {
        text: text.into(),
        data: None,
        attributes: BTreeMap::new(),
    }
}

pub fn command(key: &str, kind: CommandKind) -> Command {
    Command {
        key: key.into(),
        kind,
    }
}

pub fn activity(key: &str) -> Command {
    activity_with(key, ActivityOptions::on("agents".into()))
}

pub fn activity_with(key: &str, options: ActivityOptions) -> Command {
    command(
        key,
        CommandKind::ScheduleActivity {
            activity_type: key.into(),
            input: payload("1"),
            options: Box::new(options),
        },
    )
}

pub fn reply(key: &str, text: &str) -> Command {
    let draft = Draft {
        channel: "".into(),
        author_name: "".into(),
        content: content(text),
    };
    command(key, CommandKind::SendMessage(draft))
}

pub fn ask(key: &str) -> Command {
    command(key, CommandKind::Ask { message: None })
}

pub fn cancel(target: &str) -> Command {
    command(
        "",
        CommandKind::Cancel {
            target: target.into(),
        },
    )
}

pub fn complete() -> Command {
    command(
        "",
        CommandKind::Complete {
            result: payload("null"),
        },
    )
}

fn name(event: &RunEvent) -> &'static str {
    match event {
        RunEvent::Started(_) => "Started",
        RunEvent::ActivityScheduled { .. } => "ActivityScheduled",
        RunEvent::TimerStarted { .. } => "TimerStarted",
        RunEvent::ChildStarted { .. } => "ChildStarted",
        RunEvent::LocalRecorded { .. } => "LocalRecorded",
        RunEvent::MessageSent { .. } => "MessageSent",
        RunEvent::MessageSuppressed { .. } => "MessageSuppressed",
        RunEvent::AskOpened { .. } => "AskOpened",
        RunEvent::StateSet { .. } => "StateSet",
        RunEvent::SignalScheduled { .. } => "SignalScheduled",
        RunEvent::CommandCanceled { .. } => "CommandCanceled",
        RunEvent::Closed { .. } => "Closed",
        RunEvent::ActivityCompleted { .. } => "ActivityCompleted",
        RunEvent::ActivityFailed { .. } => "ActivityFailed",
        RunEvent::TimerFired { .. } => "TimerFired",
        RunEvent::ChildClosed { .. } => "ChildClosed",
        RunEvent::SignalReceived { .. } => "SignalReceived",
        RunEvent::AskAnswered { .. } => "AskAnswered",
        RunEvent::CancelRequested { .. } => "CancelRequested",
        RunEvent::SignalDelivered { .. } => "SignalDelivered",
        RunEvent::TurnInterrupted { .. } => "TurnInterrupted",
        RunEvent::MessagesArrived { .. } => "MessagesArrived",
        RunEvent::ActivityAttemptFailed { .. } => "ActivityAttemptFailed",
    }
}
