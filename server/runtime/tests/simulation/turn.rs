//! What the code of a turn does: it drafts, and then answers, or asks first,
//! or hands over first. A pure function of the journal, as replayed code is.
//!
//! Everything it says lists the messages that it has been given and has not
//! spoken of yet, so that the transcript tells what was answered.

use std::collections::BTreeSet;
use std::sync::Arc;

use everturn_engine::command::{
    Ask, CancelRun, Command, CommandKind, CompleteRun, Draft, HandOffConversation, ScheduleActivity,
};
use everturn_engine::event::{RunEvent, SuppressReason};
use everturn_engine::policy::ActivityOptions;
use everturn_engine::value::{Assignee, AuthorKind, Message, MessageContent, Payload, Span};
use everturn_runtime::Entry;

use crate::states;

/// The team that is handed conversations.
pub const TEAM: &str = "desk";

/// What a turn does between its draft and its answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plan {
    Answer,
    Ask,
    HandOff,
}

/// What the journal says so far.
#[derive(Default)]
pub struct Story {
    /// Messages of the customer that the turn was given.
    pub given: BTreeSet<u64>,
    /// Those among them that nothing that was said, or suppressed, lists.
    pub unspoken: BTreeSet<u64>,
    /// Messages listed by what a fence kept in, by fence.
    pub suppressed: Vec<(SuppressReason, Vec<u64>)>,
    /// The conversation was handed over and back in this turn.
    pub handed_back: bool,
    /// Keys of commands that are recorded.
    recorded: BTreeSet<String>,
    /// Steps that ended.
    ended: BTreeSet<String>,
    interrupted: bool,
}

impl Story {
    /// Reads a journal from its begin.
    ///
    /// # Panics
    /// When the turn was heard after it had been superseded.
    pub fn of(entries: &[Arc<Entry>]) -> Self {
        let mut story = Self::default();
        for entry in entries {
            if let Some(turn) = &entry.turn {
                story.give(&turn.context.messages);
            }
            story.read(&entry.event);
        }
        story
    }

    fn read(&mut self, event: &RunEvent) {
        match event {
            RunEvent::ActivityScheduled { key, .. }
            | RunEvent::AskOpened { key, .. }
            | RunEvent::StateSet { key, .. }
            | RunEvent::HandedOff { key } => {
                self.recorded.insert(key.to_string());
            }
            RunEvent::MessageSent { key, message } => {
                assert!(!self.interrupted, "a superseded turn spoke");
                self.recorded.insert(key.to_string());
                self.speak(&listed(&message.content));
            }
            RunEvent::MessageSuppressed {
                key,
                reason,
                content,
                ..
            } => {
                self.recorded.insert(key.to_string());
                let listed = listed(content);
                self.speak(&listed);
                self.suppressed.push((*reason, listed));
            }
            RunEvent::ActivityCompleted { key, .. } => {
                self.ended.insert(key.to_string());
            }
            RunEvent::AskAnswered { key, messages, .. } => {
                self.ended.insert(key.to_string());
                self.give(messages);
            }
            RunEvent::HandedBack { key, messages, .. } => {
                self.ended.insert(key.to_string());
                self.handed_back = true;
                self.give(messages);
            }
            RunEvent::MessagesArrived { messages } => self.give(messages),
            RunEvent::TurnInterrupted { .. } => self.interrupted = true,
            _ => {}
        }
    }

    fn give(&mut self, messages: &[Message]) {
        for message in messages
            .iter()
            .filter(|it| it.author == AuthorKind::Customer)
        {
            if self.given.insert(message.sequence) {
                self.unspoken.insert(message.sequence);
            }
        }
    }

    fn speak(&mut self, listed: &[u64]) {
        self.unspoken.retain(|sequence| !listed.contains(sequence));
    }

    /// The commands that come next. `number` is that of the turn.
    pub fn next(&self, number: u64) -> Vec<Command> {
        let plan = match number % 5 {
            0 => Plan::Ask,
            1 => Plan::HandOff,
            _ => Plan::Answer,
        };
        if self.interrupted {
            // Some code does not notice, and speaks all the same.
            let mut commands = vec![command(
                "",
                CommandKind::CancelRun(CancelRun { failure: None }),
            )];
            if number.is_multiple_of(2) {
                commands.insert(0, self.say("late"));
            }
            return commands;
        }
        if !self.ended.contains("draft") {
            return self.once(vec![states::write(number), schedule("draft")]);
        }
        let first = match plan {
            Plan::Ask => Some(("ask", vec![self.ask()])),
            Plan::HandOff => Some(("person", vec![self.say("wait"), hand_off()])),
            Plan::Answer => None,
        };
        if let Some((key, commands)) = first
            && !self.ended.contains(key)
        {
            return self.once(commands);
        }
        let result = Payload::default();
        vec![
            self.say("reply"),
            command("", CommandKind::Complete(CompleteRun { result })),
        ]
    }

    /// Those that are not recorded.
    fn once(&self, commands: Vec<Command>) -> Vec<Command> {
        let new = |it: &Command| !self.recorded.contains(it.key.as_str());
        commands.into_iter().filter(new).collect()
    }

    fn say(&self, key: &str) -> Command {
        command(key, CommandKind::SendMessage(self.draft()))
    }

    fn ask(&self) -> Command {
        let message = Some(self.draft());
        command(
            "ask",
            CommandKind::Ask(Ask {
                message,
                accepts_earlier: false,
            }),
        )
    }

    fn draft(&self) -> Draft {
        let listed: Vec<String> = self.unspoken.iter().map(u64::to_string).collect();
        Draft {
            channel: Default::default(),
            author_name: Default::default(),
            content: content(&listed.join(" ")),
            change: None,
        }
    }
}

/// The messages that something said lists.
pub fn listed(content: &MessageContent) -> Vec<u64> {
    let words = content.text.as_str().split_whitespace();
    words.map(|it| it.parse().expect("a position")).collect()
}

/// Content with a text.
pub fn content(text: &str) -> MessageContent {
    MessageContent {
        text: text.into(),
        data: None,
        attributes: Default::default(),
        attachments: Vec::new(),
    }
}

fn schedule(key: &str) -> Command {
    let mut options = ActivityOptions::on("default".into());
    options.retry.initial_interval = Span(20_000);
    options.start_to_close = Span(500_000);
    let kind = CommandKind::ScheduleActivity(ScheduleActivity {
        activity_type: "draft".into(),
        input: Payload::default(),
        options: Box::new(options),
    });
    command(key, kind)
}

fn hand_off() -> Command {
    let kind = CommandKind::HandOff(HandOffConversation {
        assignee: Assignee::Team(TEAM.into()),
        reason: "asked for".into(),
        context: None,
    });
    command("person", kind)
}

fn command(key: &str, kind: CommandKind) -> Command {
    Command {
        key: key.into(),
        kind,
    }
}
