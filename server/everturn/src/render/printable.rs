//! Text that others wrote, made harmless for a terminal: customers, workers
//! and providers do not move the cursor, set titles or paint over lines.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every control character but line breaks and tabs, and every
/// character that turns the direction of text, written as `\u001b`. JSON that
/// was written stays the same JSON.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.replace("\r\n", "\n").chars() {
        if steers(char) {
            // Writing to a String cannot fail. All of them have four digits.
            let _ = write!(shown, "\\u{:04x}", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal would do something: controls of both sets, and the embeddings, overrides and isolates of
/// Unicode's bidirectional text.
pub(crate) fn steers(char: char) -> bool {
    (char.is_control() && char != '\n' && char != '\t')
        || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_a_terminal_is_shown_instead() {
        for (text, shown) in [
            ("plain ✓ übung\n\tagain", "plain ✓ übung\n\tagain"),
            ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
            ("a\rb", "a\\u000db"),
            ("a\r\nb", "a\nb"),
            ("\u{9b}2J\x7f", "\\u009b2J\\u007f"),
            ("\u{202e}txt.exe", "\\u202etxt.exe"),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::json!({ "text": "a\u{1b}\r\n\u{9b}\u{7f}\u{202e}" });
        let written = printable(&value.to_string()).into_owned();
        let read: serde_json::Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!(read, value);
    }
}
