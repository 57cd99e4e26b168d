//! What commands print: text for people, or one JSON object per line with the
//! API's own names.

mod conversation;
mod event;
mod value;
mod workflow;

use std::io::{self, Write as _};

use serde_json::Value;

pub(crate) use conversation::{conversation, conversation_line, message, update};
pub(crate) use event::event;
pub(crate) use value::time;
pub(crate) use workflow::{result, run_line, state, workflow};

/// Standard output in one of its two forms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Prints one record in the form that was asked for.
    pub(crate) fn record(
        self,
        json: impl FnOnce() -> Value,
        text: impl FnOnce() -> String,
    ) -> io::Result<()> {
        if self.is_json {
            self.line(&json().to_string())
        } else {
            self.line(&text())
        }
    }

    /// Prints a line and hands it on at once, so that a reader of a stream
    /// sees it.
    pub(crate) fn line(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }
}
