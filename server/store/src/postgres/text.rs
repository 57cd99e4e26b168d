//! Texts as PostgreSQL can store them: it has no character 0, and a key that
//! code gave to a step may hold one. It is written as the character 26
//! (substitute) and "0", that one as itself twice.

use std::borrow::Cow;
use std::sync::Arc;

const SUBSTITUTE: char = '\u{1a}';

/// As it is stored.
pub(super) fn write(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', SUBSTITUTE]) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => written.extend([SUBSTITUTE, '0']),
            SUBSTITUTE => written.extend([SUBSTITUTE, SUBSTITUTE]),
            other => written.push(other),
        }
    }
    Cow::Owned(written)
}

/// As it was before it was stored.
pub(super) fn read(stored: &str) -> Arc<str> {
    if !stored.contains(SUBSTITUTE) {
        return stored.into();
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        if character != SUBSTITUTE {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('0') => text.push('\0'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_most_are_stored_as_they_are() {
        for text in [
            "",
            "order-7",
            "\0",
            "a\0b\u{1a}c\u{1a}0\u{1a}\u{1a}",
            "\u{1a}0",
            "😀\n",
        ] {
            let written = write(text);
            assert!(!written.contains('\0'));
            assert_eq!(&*read(&written), text);
        }
        assert!(matches!(write("order-7"), Cow::Borrowed(_)));
    }
}
