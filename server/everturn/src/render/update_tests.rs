//! What updates look like.

use super::*;

fn cursor(workflow_id: &str, attempt: u32, sequence: u64) -> Option<v1::OutputCursor> {
    Some(v1::OutputCursor {
        workflow_id: workflow_id.to_owned(),
        key: "draft".to_owned(),
        attempt,
        sequence,
    })
}

fn delta(workflow_id: &str, data: impl Into<bytes::Bytes>) -> Update {
    Update::OutputDelta(v1::OutputDelta {
        cursor: cursor(workflow_id, 1, 1),
        data: data.into(),
    })
}

#[test]
fn outputs_become_lines_with_names() {
    let mut lines = OutputLines::default();
    let child = "c-1/turn-2/support";
    assert!(lines.take(&delta(child, "Your par")).is_empty());
    assert_eq!(lines.take(&delta("c-1/turn-2", "Hi\nthere")), ["draft: Hi"]);
    assert_eq!(
        lines.take(&delta(child, "cel is late.\n\nSorry")),
        ["support/draft: Your parcel is late.", "support/draft: "]
    );
    let ended = Update::OutputEnded(v1::OutputEnded {
        cursor: cursor(child, 1, 2),
    });
    assert_eq!(lines.take(&ended), ["support/draft: Sorry"]);
    assert!(lines.take(&ended).is_empty());
    let reset = Update::OutputReset(v1::OutputReset {
        cursor: cursor("c-1/turn-2", 2, 0),
    });
    assert_eq!(lines.take(&reset), ["draft begins anew (attempt 2)"]);
}

#[test]
fn a_long_line_is_cut_between_words_or_characters() {
    let mut lines = OutputLines::default();
    let words = "word ".repeat(40);
    let cut = lines.take(&delta("c-1/turn-2", words.clone()));
    assert_eq!(cut.len(), 1);
    assert_eq!(cut[0], format!("draft: {}", words.trim_end()));
    let dense = "ü".repeat(LINE_BYTES_MAX);
    let cut = lines.take(&delta("c-1/turn-2", dense.clone()));
    assert_eq!(cut, [format!("draft: {dense}")]);
}

#[test]
fn a_long_line_is_not_cut_within_a_character() {
    let mut lines = OutputLines::default();
    let mut data = "\u{2603}".repeat(60).into_bytes();
    let rest = data.split_off(170);
    let cut = lines.take(&delta("c/turn-1/write", data)).concat();
    let end = lines.take(&delta("c/turn-1/write", [rest, b"\n".to_vec()].concat()));
    let text = cut + &end.concat();
    assert!(!text.contains('\u{fffd}'), "{text}");
    assert_eq!(text.matches('\u{2603}').count(), 60);
}

#[test]
fn every_change_is_one_line() {
    let changed = |it: v1::ConversationChanged| note(&Update::Changed(it)).expect("a line");
    let handover = v1::Handover {
        assignee: Some(v1::Assignee {
            kind: Some(v1::assignee::Kind::Person("Kim".to_owned())),
        }),
        reason: "large refund".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        changed(v1::ConversationChanged {
            handover: Some(handover),
            budget_reached: true,
            ..Default::default()
        }),
        "handed to Kim: large refund; the budget is used up"
    );
    assert_eq!(
        changed(v1::ConversationChanged::default()),
        "the agents may act"
    );
    let delivery = Update::Delivery(v1::MessageDelivery {
        message_sequence: 4,
        delivery: Some(v1::DeliveryState {
            status: v1::DeliveryStatus::Read.into(),
            ..Default::default()
        }),
    });
    assert_eq!(note(&delivery).expect("a line"), "message 4 read");
    let typing = |author_name: &str, is_typing| {
        let typing = v1::Typing {
            author_kind: v1::AuthorKind::Customer.into(),
            author_name: author_name.to_owned(),
            is_typing,
            ..Default::default()
        };
        note(&Update::Typing(typing)).expect("a line")
    };
    assert_eq!(typing("", true), "customer is typing");
    assert_eq!(typing("Kim", false), "Kim stopped typing");
}

#[test]
fn json_names_the_kind_and_keeps_bytes() {
    assert_eq!(
        update_json(&delta("c-1/turn-2", "Hi")),
        json!({ "output_delta": { "text": "Hi", "cursor": {
            "workflow_id": "c-1/turn-2", "key": "draft", "attempt": 1, "sequence": 1 } } })
    );
    let bytes = update_json(&delta("c-1/turn-2", vec![0xff]));
    assert_eq!(bytes["output_delta"]["bytes_hex"], "ff");
    let changed = update_json(&Update::Changed(v1::ConversationChanged::default()));
    assert_eq!(changed["changed"]["budget_reached"], false);
}
