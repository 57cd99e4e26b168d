//! A root with a clock that the test moves, and what it did in the last step.

#![allow(dead_code, reason = "each test file uses its own part")]

mod build;

use std::collections::BTreeMap;

use everturn_engine::command::Command;
use everturn_engine::decide::{
    self, Accepted, ActivityToken, Completion, Opening, SubmitEvent, SubmitMessage, TaskToken,
};
use everturn_engine::effect::Effect;
use everturn_engine::event::{Event, RunEvent, Slot, SuppressReason};
use everturn_engine::policy::TurnPolicy;
use everturn_engine::rejection::Rejection;
use everturn_engine::state::conversation::Conversation;
use everturn_engine::state::root::Root;
use everturn_engine::state::turn::Turn;
use everturn_engine::text::RootKey;
use everturn_engine::transition::{Context, Output, Transaction};
use everturn_engine::value::{Assignee, AuthorKind, Message, Span, Time, Usage};

pub use build::*;

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

    pub fn opening(&self) -> Opening {
        Opening {
            type_name: "support".into(),
            task_queue: "default".into(),
            policy: self.policy.clone(),
            labels: BTreeMap::new(),
            retention: None,
        }
    }

    pub fn submit(&mut self, provider_id: &str, text: &str) -> Result<Accepted, Rejection> {
        self.submit_by("chat", "", provider_id, text)
    }

    /// Submits by a channel, with the customer's address on it.
    pub fn submit_by(
        &mut self,
        channel: &str,
        address: &str,
        provider_id: &str,
        text: &str,
    ) -> Result<Accepted, Rejection> {
        let message = SubmitMessage {
            opening: self.opening(),
            channel: channel.into(),
            provider_message_id: provider_id.into(),
            author_name: "Ada".into(),
            content: content(text),
            customer_address: address.into(),
            is_automatic: false,
            opt_out: None,
        };
        self.step(|tx| decide::submit_message(tx, message))
    }

    /// Submits a message that has to be accepted.
    pub fn say(&mut self, text: &str) {
        self.submit("", text).expect("accepted");
    }

    pub fn submit_event(
        &mut self,
        event_id: &str,
        event_type: &str,
    ) -> Result<Accepted, Rejection> {
        let event = SubmitEvent {
            opening: self.opening(),
            event_type: event_type.into(),
            event_id: event_id.into(),
            payload: payload("1"),
            addresses: BTreeMap::new(),
            reply_channel: "chat".into(),
        };
        self.step(|tx| decide::submit_event(tx, event))
    }

    /// Submits an event that has to be accepted.
    pub fn happen(&mut self, event_type: &str) {
        self.submit_event("", event_type).expect("accepted");
    }

    /// Carries out a step that has to be accepted.
    pub fn must<T>(&mut self, act: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection>) -> T {
        self.step(act).expect("accepted")
    }

    /// Gives the code of the current turn everything, and completes its task.
    pub fn turn_code(&mut self, commands: Vec<Command>) {
        let slot = self.turn_slot().expect("a turn runs");
        self.run_code(slot, commands).expect("valid");
    }

    pub fn pause(&mut self) {
        self.must(|tx| decide::pause_conversation(tx, "stop".into()));
    }

    pub fn resume(&mut self) {
        self.must(decide::resume_conversation);
    }

    pub fn hand_off(&mut self, assignee: Assignee) {
        let request = hand_off(assignee);
        self.must(|tx| decide::hand_off(tx, request));
    }

    pub fn hand_back(&mut self) {
        self.hand_back_of(0).expect("is handed off");
    }

    /// Hands back the handover of a number; 0: the present one.
    pub fn hand_back_of(&mut self, epoch: u64) -> Result<(), Rejection> {
        let request = decide::HandBack {
            author_name: "Bea".into(),
            epoch,
            ..decide::HandBack::default()
        };
        self.step(|tx| decide::hand_back(tx, request))
    }

    /// A person writes; the answer is the position of the message.
    pub fn write(&mut self, author: &str, text: &str, request: u64) -> Result<u64, Rejection> {
        self.write_with(author, text, |message| message.request = request.into())
            .map(|sent| sent.sequence)
    }

    pub fn write_with(
        &mut self,
        author: &str,
        text: &str,
        change: impl FnOnce(&mut decide::SendHumanMessage),
    ) -> Result<decide::HumanMessageSent, Rejection> {
        let mut message = decide::SendHumanMessage {
            author_name: author.into(),
            content: content(text),
            channel: "".into(),
            request: 0.into(),
            seen_through: 0,
            already_sent: None,
        };
        change(&mut message);
        self.step(|tx| decide::send_human_message(tx, message))
    }

    pub fn close(&mut self) {
        self.close_after(u64::MAX).expect("closes");
    }

    /// Closes it; its content is removed after the retention.
    pub fn close_for(&mut self, retention: Option<Span>) {
        let request = decide::CloseConversation {
            retention,
            unless_after: u64::MAX,
            ..decide::CloseConversation::default()
        };
        self.must(|tx| decide::close_conversation(tx, request));
    }

    /// Closes it, having seen the transcript up to a position.
    pub fn close_after(&mut self, position: u64) -> Result<(), Rejection> {
        let request = decide::CloseConversation {
            reason: "bye".into(),
            unless_after: position,
            ..decide::CloseConversation::default()
        };
        self.step(|tx| decide::close_conversation(tx, request))
    }

    pub fn set_policy(&mut self, change: impl FnOnce(&mut TurnPolicy) + Send + 'static) {
        let update = decide::UpdateConversation {
            labels: BTreeMap::new(),
            addresses: BTreeMap::new(),
            policy: Box::new(change),
            reply_channel: "".into(),
            type_name: "".into(),
            task_queue: "".into(),
            opt_outs: Default::default(),
        };
        self.must(|tx| decide::update_conversation(tx, update));
    }

    /// Starts over from what is stored.
    pub fn restart(&mut self) -> Vec<ActivityToken> {
        self.root = Root::decode(&self.root.encode(), &self.root.values()).expect("reads back");
        self.must(|tx| Ok(decide::resume(tx, decide::Tasks::AreLost)))
    }

    pub fn conversation(&self) -> &Conversation {
        self.root.conversation.as_ref().expect("is one")
    }

    pub fn turn(&self) -> &Turn {
        self.conversation().turn.as_ref().expect("a turn runs")
    }

    /// Texts of the messages that the current turn was started with.
    pub fn turn_texts(&self) -> Vec<String> {
        texts(&self.turn().context.messages)
    }

    /// Types of the events that the current turn was started with.
    pub fn turn_events(&self) -> Vec<String> {
        types(&self.turn().context.events)
    }

    /// What the last step offered.
    pub fn offers(&self) -> Vec<String> {
        let offers = self.effects.iter().filter_map(|effect| match effect {
            Effect::OfferWorkflowTask { slot, .. } => Some(format!("task of {slot}")),
            Effect::OfferActivity {
                slot: 0,
                activity,
                attempt,
                queue,
                ..
            } => Some(format!("message {activity} attempt {attempt} on {queue}")),
            Effect::OfferActivity {
                slot,
                activity,
                attempt,
                ..
            } => Some(format!("activity {slot}/{activity} attempt {attempt}")),
            _ => None,
        });
        offers.collect()
    }

    /// Texts of the messages that a fence kept in, and why.
    pub fn suppressed(&self) -> Vec<(String, SuppressReason)> {
        let suppressed = self.log.iter().filter_map(|(_, event)| match event {
            Event::Run {
                event:
                    RunEvent::MessageSuppressed {
                        content, reason, ..
                    },
                ..
            } => Some((content.text.to_string(), *reason)),
            _ => None,
        });
        suppressed.collect()
    }

    /// Everything in the transcript, with who wrote it.
    pub fn transcript(&self) -> Vec<String> {
        let written = self
            .log
            .iter()
            .filter_map(|(_, event)| event.added_message());
        let line = |m: &Message| {
            let author = match m.author {
                AuthorKind::Customer => "customer",
                AuthorKind::Agent => "agent",
                AuthorKind::Human => "human",
                AuthorKind::System => "system",
            };
            format!("{author}: {}", m.content.text)
        };
        written.map(line).collect()
    }

    /// The last event of a run's journal.
    pub fn last_of(&self, slot: Slot) -> &RunEvent {
        let mut events = self.log.iter().rev().filter_map(|(_, event)| match event {
            Event::Run {
                slot: of, event, ..
            } if *of == slot => Some(event),
            _ => None,
        });
        events.next().expect("has events")
    }

    /// Adds up a completed activity of a run with this use.
    pub fn spend(&mut self, slot: Slot, key: &str, usage: Usage) {
        let token = self.take_activity(slot, key);
        self.must(|tx| decide::complete_activity(tx, token, payload("1"), Some(Box::new(usage))));
    }

    pub fn start(&mut self) -> Slot {
        self.step(|tx| decide::start_workflow(tx, start_request(0)))
            .expect("starts");
        self.root.main.expect("has a main run")
    }

    /// Takes the offered workflow task of a run.
    pub fn begin(&mut self, slot: Slot) -> TaskToken {
        let start = self
            .step(|tx| decide::begin_task(tx, slot, &"w".into()))
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
        self.step(|tx| decide::complete_task(tx, token, Completion::new(seen, commands)))
    }

    /// Starts the only queued activity of a run with this key.
    pub fn take_activity(&mut self, slot: Slot, key: &str) -> ActivityToken {
        let run = &self.root.runs[&slot];
        let found = run.activities.iter().find(|(_, a)| a.key.as_str() == key);
        let (id, attempt) = found.map(|(id, a)| (*id, a.attempt)).expect("is pending");
        let start = self
            .step(|tx| decide::begin_activity(tx, slot, id, attempt, taker(&"worker".into())))
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
        self.step(|tx| decide::complete_activity(tx, token, payload("\"ok\""), None))
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
            Event::HeldMessageSent { message, .. } => Some(message.content.text.to_string()),
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
        RunEvent::ApprovalRequested { .. } => "ApprovalRequested",
        RunEvent::ApprovalDecided { .. } => "ApprovalDecided",
        RunEvent::HandedOff { .. } => "HandedOff",
        RunEvent::HandedBack { .. } => "HandedBack",
        RunEvent::EventsArrived { .. } => "EventsArrived",
        RunEvent::DeliveryChanged { .. } => "DeliveryChanged",
        RunEvent::Paused { .. } => "Paused",
        RunEvent::Resumed => "Resumed",
        RunEvent::MessageHeld { .. } => "MessageHeld",
        RunEvent::CloseRecorded { .. } => "CloseRecorded",
        RunEvent::CommandFailed { .. } => "CommandFailed",
        RunEvent::ProblemRecorded { .. } => "ProblemRecorded",
        RunEvent::NoReplyRecorded { .. } => "NoReplyRecorded",
    }
}
