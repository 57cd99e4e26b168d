//! What customers and providers name: ids, names, addresses, annotations. It
//! follows rules of its own (RFC 5322 lets a line have 998 bytes, and folds
//! them), so nothing of it is refused: control characters become spaces, and
//! what is too long is cut.

use std::collections::{BTreeMap, HashMap};

use everturn_engine::hash::stable_hash;
use everturn_engine::limits;
use everturn_engine::text::Text;
use everturn_engine::value::MessageContent;
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};
use crate::incoming::message::content_with;

/// What ends a text that was cut.
const CUT: &str = "\u{2026}";
/// Attribute that names what was cut.
const CUT_ATTRIBUTE: &str = "everturn.cut";

/// A name, an address or a note of a provider.
pub(crate) fn text(value: &str) -> Text {
    bounded(value, limits::OUTSIDE_BYTES).0
}

/// What a provider says about a delivery.
pub(crate) fn detail(value: &str) -> Text {
    bounded(value, limits::REASON_BYTES).0
}

/// An id: one that is cut ends with a hash of the whole, so that two long ones
/// are not taken for one.
pub(crate) fn id(value: &str) -> Text {
    let (text, is_cut) = bounded(value, limits::OUTSIDE_BYTES);
    if !is_cut {
        return text;
    }
    let hash = format!("#{:016x}", stable_hash(&[value.as_bytes()]));
    let end = value.floor_char_boundary(limits::OUTSIDE_BYTES - hash.len());
    format!("{}{hash}", clean(&value[..end])).into()
}

/// What a message from outside says: text, data or attachments.
pub(crate) fn outside_content(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::MessageContent>,
) -> MessageContent {
    content_with(checker, path, value, |_, _, attributes| {
        annotations(attributes)
    })
}

/// Annotations: those that fit, and which were cut.
fn annotations(attributes: HashMap<String, String>) -> BTreeMap<Text, Text> {
    let mut cut = Vec::new();
    let sorted: BTreeMap<String, String> = attributes.into_iter().collect();
    let mut kept = BTreeMap::new();
    for (key, value) in sorted {
        let (name, name_is_cut) = bounded(&key, limits::ID_BYTES);
        let (text, value_is_cut) = bounded(&value, limits::OUTSIDE_BYTES);
        let full = kept.len() + 1 >= limits::LABELS;
        if name.as_str().is_empty() || full {
            cut.push(name);
            continue;
        }
        if name_is_cut || value_is_cut {
            cut.push(name.clone());
        }
        kept.insert(name, text);
    }
    if !cut.is_empty() {
        let names: Vec<&str> = cut.iter().map(Text::as_str).collect();
        let names = bounded(&names.join(","), limits::OUTSIDE_BYTES).0;
        kept.insert(CUT_ATTRIBUTE.into(), names);
    }
    kept
}

/// A text without control characters, of at most so many bytes; whether it was
/// cut.
fn bounded(value: &str, max_bytes: usize) -> (Text, bool) {
    let is_cut = value.len() > max_bytes;
    if !is_cut {
        return (clean(value).into(), false);
    }
    let end = value.floor_char_boundary(max_bytes - CUT.len());
    (format!("{}{CUT}", clean(&value[..end])).into(), true)
}

/// Control characters become spaces; a folded line is one space.
fn clean(value: &str) -> String {
    if !value.chars().any(char::is_control) {
        return value.to_owned();
    }
    let words = value.split(char::is_control).map(str::trim);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_customers_really_send_is_let_in() {
        let subject = "\u{417}\u{430}".repeat(65);
        assert_eq!(text(&subject).as_str(), subject);
        let name = "\u{738b}".repeat(90);
        assert_eq!(text(&name).as_str(), name);
        assert_eq!(text("Ada\r\n Lovelace").as_str(), "Ada Lovelace");
        let message_id = format!("<{}@example.org>", "x".repeat(800));
        assert_eq!(id(&message_id).as_str(), message_id);
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_character() {
        let long = "\u{738b}".repeat(1_000);
        let cut = text(&long);
        assert!(cut.as_str().len() <= limits::OUTSIDE_BYTES);
        assert!(cut.as_str().ends_with(CUT));
        let (one, other) = (id(&format!("{long}1")), id(&format!("{long}2")));
        assert_ne!(one, other);
        assert_eq!(one, id(&format!("{long}1")), "the same each time");
        assert!(one.as_str().len() <= limits::OUTSIDE_BYTES);
    }

    #[test]
    fn annotations_that_do_not_fit_are_named() {
        let attributes = (0..100).map(|it| (format!("key-{it:03}"), "x".to_owned()));
        let kept = annotations(attributes.collect());
        assert_eq!(kept.len(), limits::LABELS);
        assert!(kept[&CUT_ATTRIBUTE.into()].as_str().contains("key-099"));
        let long = HashMap::from([("subject".to_owned(), "x".repeat(3_000))]);
        assert_eq!(annotations(long)[&CUT_ATTRIBUTE.into()].as_str(), "subject");
        let none = HashMap::from([(String::new(), "x".to_owned())]);
        assert!(!annotations(none).contains_key(&Text::default()));
    }
}
