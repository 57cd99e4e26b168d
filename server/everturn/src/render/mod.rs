//! What commands print: text for people, or one JSON object per line with the
//! API's own names.

mod approval;
mod conversation;
mod event;
mod message;
mod policy;
mod printable;
mod update;
mod value;
mod waiting;
mod workflow;

use std::io::{self, Write as _};

use serde_json::Value;

pub(crate) use approval::{approval, approval_line};
pub(crate) use conversation::{conversation, conversation_line};
pub(crate) use event::event;
pub(crate) use message::{delivery_status, message};
pub(crate) use policy::conversation_type;
pub(crate) use printable::{printable, steers};
pub(crate) use update::{OutputLines, Updates, output_name, update_json};
pub(crate) use value::{clock, time};
pub(crate) use waiting::{parse_reason, task_kind, task_queue, wait};
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

    /// Whether programs read it.
    pub(crate) fn is_json(self) -> bool {
        self.is_json
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
    /// sees it. What others wrote into it does not steer the terminal.
    pub(crate) fn line(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(printable(text).as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }
}
