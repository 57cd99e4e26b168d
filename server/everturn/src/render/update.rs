//! Updates of a watch: one key names the kind; as text, partial outputs are
//! put together to lines.

use std::collections::HashMap;
use std::io;

use everturn_client::v1;
use serde_json::{Value, json};
use v1::watch_conversation_response::Update;

use super::conversation::{because, handover_json, pause_json, turn_status};
use super::message::{author_kind, delivery_json, delivery_text, message_json, message_text};
use super::value::{assignee_text, hex};
use super::{Output, message};

/// A line of partial output is printed at this length, if no end came.
const LINE_BYTES_MAX: usize = 160;

/// Prints updates of one conversation.
pub(crate) struct Updates {
    output: Output,
    lines: OutputLines,
}

impl Updates {
    pub(crate) fn new(output: Output) -> Self {
        Self {
            output,
            lines: OutputLines::default(),
        }
    }

    /// Prints an update.
    pub(crate) fn print(&mut self, update: &Update) -> io::Result<()> {
        if self.output.is_json() {
            return self.output.line(&update_json(update).to_string());
        }
        for line in self.lines.take(update) {
            self.output.line(&format!("   ~ {line}"))?;
        }
        match update {
            Update::Message(it) => message::message(self.output, it),
            other => match note(other) {
                Some(note) => self.output.line(&format!("-- {note}")),
                None => Ok(()),
            },
        }
    }
}

fn cursor_json(cursor: Option<&v1::OutputCursor>) -> Value {
    cursor.map_or(Value::Null, |it| {
        json!({
            "workflow_id": it.workflow_id,
            "key": it.key,
            "attempt": it.attempt,
            "sequence": it.sequence,
        })
    })
}

/// An update as JSON. A piece of output that is not text has `bytes_hex`.
pub(crate) fn update_json(update: &Update) -> Value {
    match update {
        Update::Message(it) => json!({ "message": message_json(it) }),
        Update::CaughtUp(_) => json!({ "caught_up": {} }),
        Update::TurnChanged(it) => json!({ "turn_changed": {
            "number": it.number, "status": turn_status(it.status()) } }),
        Update::Lagged(it) => json!({ "lagged": { "skipped_count": it.skipped_count } }),
        Update::Closed(it) => json!({ "closed": { "reason": it.reason } }),
        Update::OutputDelta(it) => {
            let cursor = cursor_json(it.cursor.as_ref());
            match std::str::from_utf8(&it.data) {
                Ok(text) => json!({ "output_delta": { "cursor": cursor, "text": text } }),
                Err(_) => json!({ "output_delta": {
                    "cursor": cursor, "bytes_hex": hex(&it.data) } }),
            }
        }
        Update::OutputReset(it) => {
            json!({ "output_reset": { "cursor": cursor_json(it.cursor.as_ref()) } })
        }
        Update::OutputEnded(it) => {
            json!({ "output_ended": { "cursor": cursor_json(it.cursor.as_ref()) } })
        }
        Update::Delivery(it) => json!({ "delivery": {
            "message_sequence": it.message_sequence,
            "delivery": delivery_json(it.delivery.as_ref()) } }),
        Update::Changed(it) => json!({ "changed": {
            "pause": pause_json(it.pause.as_ref()),
            "handover": handover_json(it.handover.as_ref()),
            "budget_reached": it.budget_reached } }),
        Update::Typing(it) => json!({ "typing": {
            "author_kind": author_kind(it.author_kind()),
            "author_name": it.author_name,
            "channel": it.channel,
            "is_typing": it.is_typing } }),
    }
}

/// An update on one line; `None` for partial output.
pub(crate) fn note(update: &Update) -> Option<String> {
    Some(match update {
        Update::Message(it) => message_text(it),
        Update::CaughtUp(_) => "up to date, following".to_owned(),
        Update::TurnChanged(it) => format!("turn {} {}", it.number, turn_status(it.status())),
        Update::Lagged(it) => format!("{} changes left out", it.skipped_count),
        Update::Closed(it) => format!("closed{}", because(&it.reason)),
        Update::Delivery(it) => {
            let delivery = it.delivery.clone().unwrap_or_default();
            let (number, text) = (it.message_sequence, delivery_text(&delivery));
            format!("message {number} {text}")
        }
        Update::Changed(it) => changed_text(it),
        Update::Typing(it) => {
            let who = match it.author_name.as_str() {
                "" => author_kind(it.author_kind()),
                name => name.to_owned(),
            };
            let what = if it.is_typing {
                "is typing"
            } else {
                "stopped typing"
            };
            format!("{who} {what}")
        }
        Update::OutputDelta(_) | Update::OutputReset(_) | Update::OutputEnded(_) => return None,
    })
}

fn changed_text(it: &v1::ConversationChanged) -> String {
    let mut parts = Vec::new();
    if let Some(pause) = &it.pause {
        parts.push(format!("paused{}", because(&pause.reason)));
    }
    if let Some(handover) = &it.handover {
        let who = assignee_text(handover.assignee.as_ref());
        parts.push(format!("handed to {who}{}", because(&handover.reason)));
    }
    if it.budget_reached {
        parts.push("the budget is used up".to_owned());
    }
    if parts.is_empty() {
        parts.push("the agents may act".to_owned());
    }
    parts.join("; ")
}

/// Name of an output for people: the path of its run below the turn, and the
/// step ("support/draft", or "draft" in the turn itself).
pub(crate) fn output_name(cursor: &v1::OutputCursor) -> String {
    // Conversation and turn, then the children.
    let mut path: Vec<&str> = cursor.workflow_id.split('/').skip(2).collect();
    path.push(&cursor.key);
    path.join("/")
}

/// Puts the pieces of partial outputs together to lines.
#[derive(Default)]
pub(crate) struct OutputLines {
    open: HashMap<(String, String), Vec<u8>>,
}

impl OutputLines {
    /// The lines that an update completes, with the names of their outputs.
    pub(crate) fn take(&mut self, update: &Update) -> Vec<String> {
        match update {
            Update::OutputDelta(it) => self.add(it.cursor.as_ref(), &it.data),
            Update::OutputReset(it) => {
                let Some(cursor) = &it.cursor else {
                    return Vec::new();
                };
                self.open.remove(&id(cursor));
                let name = output_name(cursor);
                vec![match cursor.sequence {
                    0 => format!("{name} begins anew (attempt {})", cursor.attempt),
                    piece => format!("{name} goes on behind piece {piece}"),
                }]
            }
            Update::OutputEnded(it) => {
                let cursor = it.cursor.clone().unwrap_or_default();
                let rest = self.open.remove(&id(&cursor)).unwrap_or_default();
                let name = output_name(&cursor);
                let rest = (!rest.is_empty()).then(|| line(&name, &rest));
                rest.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn add(&mut self, cursor: Option<&v1::OutputCursor>, data: &[u8]) -> Vec<String> {
        let cursor = cursor.cloned().unwrap_or_default();
        let name = output_name(&cursor);
        let buffer = self.open.entry(id(&cursor)).or_default();
        buffer.extend_from_slice(data);
        let mut lines = Vec::new();
        while let Some(length) = line_end(buffer) {
            let rest = buffer.split_off(length);
            lines.push(line(&name, buffer));
            *buffer = rest;
        }
        lines
    }
}

fn id(cursor: &v1::OutputCursor) -> (String, String) {
    (cursor.workflow_id.clone(), cursor.key.clone())
}

/// Where the first line ends: behind its newline, or at the last space before
/// it grows too long.
fn line_end(buffer: &[u8]) -> Option<usize> {
    if let Some(newline) = buffer.iter().position(|byte| *byte == b'\n') {
        return Some(newline + 1);
    }
    if buffer.len() < LINE_BYTES_MAX {
        return None;
    }
    let space = buffer.iter().rposition(|byte| *byte == b' ');
    // A character of which a part is still to come stays for the next line.
    let whole = match std::str::from_utf8(buffer) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => buffer.len(),
    };
    space.map(|at| at + 1).or(Some(whole).filter(|at| *at > 0))
}

fn line(name: &str, bytes: &[u8]) -> String {
    format!("{name}: {}", String::from_utf8_lossy(bytes).trim_end())
}

#[cfg(test)]
#[path = "update_tests.rs"]
mod tests;
