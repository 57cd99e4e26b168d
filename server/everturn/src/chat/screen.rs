//! What is shown: updates become text to be written, in one of three looks.
//! On a terminal the last line is kept for what agents are writing at this
//! moment, or for the prompt; everything else scrolls above it.

use everturn_client::v1;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};
use v1::watch_conversation_response::Update;

use super::input::HELP;
use crate::render::{OutputLines, output_name, printable, steers, update_json};

/// Output that is remembered of one activity: more than fits on a line.
const LIVE_BYTES_MAX: usize = 4_096;
/// Back to the beginning of the line, and nothing on it.
const CLEAR: &str = "\r\x1b[K";

/// How things are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// A terminal of so many columns.
    Terminal {
        /// Columns.
        width: usize,
    },
    /// Lines of text.
    Plain,
    /// A JSON object for each update.
    Json,
}

/// What an activity has streamed so far.
struct Live {
    cursor: v1::OutputCursor,
    text: Vec<u8>,
}

/// What is on the screen.
pub(crate) struct Screen {
    look: Look,
    user: String,
    channel: String,
    /// Name of the agents, unless a message has its own.
    agent: String,
    is_typing: bool,
    live: Vec<Live>,
    lines: OutputLines,
    stands: v1::ConversationChanged,
    is_caught_up: bool,
}

impl Screen {
    pub(crate) fn new(look: Look, user: &str, channel: &str) -> Self {
        Self {
            look,
            user: if user.is_empty() { "you" } else { user }.to_owned(),
            channel: channel.to_owned(),
            agent: "agent".to_owned(),
            is_typing: false,
            live: Vec::new(),
            lines: OutputLines::default(),
            stands: v1::ConversationChanged::default(),
            is_caught_up: false,
        }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.look, Look::Terminal { .. })
    }

    /// Takes the name of the agents: the type of the conversation.
    pub(crate) fn name_agent(&mut self, name: &str) {
        if !name.is_empty() {
            name.clone_into(&mut self.agent);
        }
    }

    /// The user may type: there is nothing to wait for before.
    pub(crate) fn ready(&mut self) -> String {
        self.is_caught_up = true;
        self.above(&[])
    }

    /// A remark of this program.
    pub(crate) fn note(&mut self, text: &str) -> String {
        match self.look {
            Look::Json => String::new(),
            Look::Terminal { .. } | Look::Plain => self.above(&[format!("-- {text}")]),
        }
    }

    /// The commands.
    pub(crate) fn help(&mut self) -> String {
        self.note(HELP)
    }

    /// What to write about an update. `is_own`: a message that was typed
    /// here, and is on the terminal already.
    pub(crate) fn update(&mut self, update: &Update, is_own: bool) -> String {
        if self.look == Look::Json {
            return self.plain(&[update_json(update).to_string()]);
        }
        let mut lines = Vec::new();
        if self.look == Look::Plain {
            let outputs = self.lines.take(update);
            lines.extend(outputs.iter().map(|line| format!("   ~ {line}")));
        }
        match update {
            Update::Message(message) => {
                self.said(message.turn);
                if !(is_own && self.is_terminal()) {
                    lines.extend(self.message(message));
                }
            }
            Update::CaughtUp(_) => self.is_caught_up = true,
            Update::TurnChanged(turn) => lines.extend(self.turn(turn.status())),
            Update::Lagged(lagged) => {
                lines.push(format!("-- {} changes left out", lagged.skipped_count));
            }
            Update::Closed(closed) => {
                self.is_typing = false;
                let reason = match closed.reason.as_str() {
                    "" => String::new(),
                    reason => format!(": {reason}"),
                };
                lines.push(format!("-- the conversation is closed{reason}"));
            }
            Update::Delivery(it) => lines.extend(undelivered(it)),
            Update::Changed(changed) => lines.extend(self.changed(changed)),
            Update::Typing(it) if it.author_kind() == v1::AuthorKind::Human => {
                self.is_typing = it.is_typing;
            }
            // The customer is whoever sits here.
            Update::Typing(_) => {}
            Update::OutputDelta(delta) => self.delta(delta),
            Update::OutputReset(reset) => self.forget(reset.cursor.as_ref()),
            // Its text stays until the message comes or the turn ends.
            Update::OutputEnded(_) => return self.plain(&lines),
        }
        self.above(&lines)
    }

    /// Where the conversation stands: updates say only what changes.
    pub(crate) fn stands(&mut self, conversation: &v1::Conversation) -> String {
        self.name_agent(&conversation.conversation_type);
        if self.look == Look::Json {
            return String::new();
        }
        let turn = conversation.turn.as_ref();
        let typing = self.turn(turn.map_or(v1::TurnStatus::Unspecified, v1::Turn::status));
        let changed = v1::ConversationChanged {
            pause: conversation.pause.clone(),
            handover: conversation.handover.clone(),
            budget_reached: conversation.budget_reached,
        };
        let mut lines = self.changed(&changed);
        lines.extend(typing);
        self.above(&lines)
    }

    fn message(&self, message: &v1::Message) -> Vec<String> {
        let content = message.content.clone().unwrap_or_default();
        let name = message.author_name.as_str();
        let author = match (message.author_kind(), name) {
            (v1::AuthorKind::System, _) => {
                return content.text.lines().map(|it| format!("-- {it}")).collect();
            }
            (v1::AuthorKind::Human, "") => "staff".to_owned(),
            (v1::AuthorKind::Human, name) => format!("{name} (staff)"),
            (v1::AuthorKind::Customer, "") => self.user.clone(),
            (v1::AuthorKind::Agent, "") => self.agent.clone(),
            (_, name) => name.to_owned(),
        };
        let place = match message.channel.as_str() {
            channel if channel.is_empty() || channel == self.channel => String::new(),
            channel => format!(" [{channel}]"),
        };
        let mut text = content.text;
        if let Some(data) = &content.data {
            let separator = if text.is_empty() { "" } else { "\n" };
            text.push_str(separator);
            text.push_str(&String::from_utf8_lossy(&data.data));
        }
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let rest = lines.map(|line| format!("    {line}"));
        std::iter::once(format!("{author}{place}: {first}"))
            .chain(rest)
            .collect()
    }

    fn turn(&mut self, status: v1::TurnStatus) -> Option<String> {
        let was_typing = self.is_typing;
        self.is_typing = status == v1::TurnStatus::Running;
        match status {
            v1::TurnStatus::Running => {
                let says = !was_typing && self.look == Look::Plain;
                says.then(|| format!("-- {} is typing…", self.agent))
            }
            v1::TurnStatus::Interrupted => {
                self.live.clear();
                Some(format!("-- {} was interrupted", self.agent))
            }
            v1::TurnStatus::Unspecified => {
                self.live.clear();
                None
            }
            v1::TurnStatus::Asking => None,
        }
    }

    /// Pauses and budgets; a handover has a marker in the transcript.
    fn changed(&mut self, now: &v1::ConversationChanged) -> Vec<String> {
        let before = std::mem::replace(&mut self.stands, now.clone());
        let mut lines = Vec::new();
        match (&before.pause, &now.pause) {
            (None, Some(pause)) if pause.reason.is_empty() => lines.push("-- paused".to_owned()),
            (None, Some(pause)) => lines.push(format!("-- paused: {}", pause.reason)),
            (Some(_), None) => lines.push("-- resumed".to_owned()),
            _ => {}
        }
        match (before.budget_reached, now.budget_reached) {
            (false, true) => {
                lines.push("-- the budget is used up: an approval is waited for".to_owned());
            }
            (true, false) => lines.push("-- the budget was raised".to_owned()),
            _ => {}
        }
        lines
    }

    fn delta(&mut self, delta: &v1::OutputDelta) {
        let cursor = delta.cursor.clone().unwrap_or_default();
        let known = self.live.iter().position(|it| is_same(&it.cursor, &cursor));
        // The one that spoke last is shown first.
        let mut live = match known {
            Some(index) => self.live.remove(index),
            None => Live {
                cursor,
                text: Vec::new(),
            },
        };
        live.text.extend_from_slice(&delta.data);
        let surplus = live.text.len().saturating_sub(LIVE_BYTES_MAX);
        live.text.drain(..surplus);
        self.live.push(live);
    }

    fn forget(&mut self, cursor: Option<&v1::OutputCursor>) {
        if let Some(cursor) = cursor {
            self.live.retain(|it| !is_same(&it.cursor, cursor));
        }
    }

    /// A turn has said what its activities were writing.
    fn said(&mut self, turn: u64) {
        let turn = format!("turn-{turn}");
        let is_of = |it: &Live| it.cursor.workflow_id.split('/').nth(1) == Some(&*turn);
        self.live.retain(|it| !is_of(it));
    }

    /// The lines, above the last one of a terminal, which is written anew.
    fn above(&self, lines: &[String]) -> String {
        let Look::Terminal { width } = self.look else {
            return self.plain(lines);
        };
        // One column stays free: a line that wraps could not be written anew.
        let room = width.saturating_sub(1);
        let last = self.last_line(room);
        format!("{CLEAR}{}{}", self.plain(lines), head(&last, room))
    }

    fn plain(&self, lines: &[String]) -> String {
        // What others wrote does not steer the terminal.
        let lines = lines.iter().map(|line| printable(line));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// What agents are writing, or the prompt.
    fn last_line(&self, room: usize) -> String {
        if let Some(live) = self.live.last() {
            let name = output_name(&live.cursor);
            let text = String::from_utf8_lossy(&live.text);
            let before = format!("{name} … ");
            let room = room.saturating_sub(before.width());
            return format!("{before}{}", tail(&text, room));
        }
        if self.is_typing {
            return format!("{} is typing…", self.agent);
        }
        if !self.is_caught_up {
            return String::new();
        }
        format!("{}> ", self.user)
    }
}

fn is_same(one: &v1::OutputCursor, other: &v1::OutputCursor) -> bool {
    one.workflow_id == other.workflow_id && one.key == other.key
}

/// A message that will not arrive, or nobody knows whether it did.
fn undelivered(it: &v1::MessageDelivery) -> Option<String> {
    let delivery = it.delivery.as_ref()?;
    let what = match delivery.status() {
        v1::DeliveryStatus::Failed => "could not be delivered",
        v1::DeliveryStatus::Unknown => "may not have been delivered",
        _ => return None,
    };
    let detail = match delivery.detail.as_str() {
        "" => String::new(),
        detail => format!(": {detail}"),
    };
    Some(format!("-- message {} {what}{detail}", it.message_sequence))
}

/// The end of a text that fits into so many columns, on one line and without
/// control characters.
fn tail(text: &str, room: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut one_line = words.join(" ");
    one_line.retain(|it| !steers(it));
    let fitting = columns(one_line.char_indices().rev()).take_while(|(_, width)| *width <= room);
    let begin = fitting.last().map_or(one_line.len(), |(at, _)| at);
    one_line[begin..].trim_start().to_owned()
}

/// The beginning of a text that fits into so many columns.
fn head(text: &str, room: usize) -> &str {
    let end = columns(text.char_indices()).find(|(_, width)| *width > room);
    end.map_or(text, |(at, _)| &text[..at])
}

/// Where characters stand, and the columns up to and with them: some take two,
/// some none.
fn columns(chars: impl Iterator<Item = (usize, char)>) -> impl Iterator<Item = (usize, usize)> {
    chars.scan(0, |columns, (at, char)| {
        *columns += char.width().unwrap_or(0);
        Some((at, *columns))
    })
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
