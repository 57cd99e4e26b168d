//! What the user types.

use std::io::BufRead;

use tokio::sync::mpsc;

/// Lines that wait while the coordinator is away.
const LINES_MAX: usize = 64;

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Nothing.
    Empty,
    /// Send this.
    Say(String),
    /// Show the commands.
    Help,
    /// End.
    Quit,
    /// Something behind a slash that is no command.
    Unknown(String),
}

/// Text of `/help`.
pub(crate) const HELP: &str = "/quit ends, /help shows this; anything else is sent, \
                               // begins a message with a slash";

/// Reads a line.
pub(crate) fn read(text: &str) -> Line {
    let text = text.trim();
    match text {
        "" => Line::Empty,
        "/quit" | "/exit" => Line::Quit,
        "/help" | "/?" => Line::Help,
        text if text.starts_with("//") => Line::Say(text[1..].to_owned()),
        text if text.starts_with('/') => Line::Unknown(text.to_owned()),
        text => Line::Say(text.to_owned()),
    }
}

/// The lines of standard input; the channel closes at its end. Read by a
/// thread of its own that dies with the process: a read cannot be canceled.
pub(crate) fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        for line in split(std::io::stdin().lock()) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Lines; what is not UTF-8 in one is replaced, so that it does not end the
/// input.
fn split(input: impl BufRead) -> impl Iterator<Item = String> {
    let lines = input.split(b'\n').map_while(Result::ok);
    lines.map(|line| String::from_utf8_lossy(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_no_text_does_not_end_the_input() {
        let lines: Vec<String> = split(&b"one\n\xff\ntwo"[..]).collect();
        assert_eq!(lines, ["one", "\u{fffd}", "two"]);
    }

    #[test]
    fn lines_are_messages_unless_they_begin_with_a_slash() {
        assert_eq!(read(" hello \n"), Line::Say("hello".to_owned()));
        assert_eq!(read("  "), Line::Empty);
        assert_eq!(read("/quit"), Line::Quit);
        assert_eq!(read("/help"), Line::Help);
        assert_eq!(read("//etc/passwd"), Line::Say("/etc/passwd".to_owned()));
        assert_eq!(read("/qiut"), Line::Unknown("/qiut".to_owned()));
    }
}
