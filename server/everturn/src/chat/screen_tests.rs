//! What is on the screen after what happened.

use super::*;

fn message(kind: v1::AuthorKind, name: &str, text: &str) -> Update {
    Update::Message(v1::Message {
        author_kind: kind.into(),
        author_name: name.to_owned(),
        channel: "chat".to_owned(),
        content: Some(everturn_client::text(text)),
        turn: u64::from(kind == v1::AuthorKind::Agent),
        ..Default::default()
    })
}

fn turn(status: v1::TurnStatus) -> Update {
    Update::TurnChanged(v1::TurnChanged {
        number: 1,
        status: status.into(),
    })
}

fn cursor() -> Option<v1::OutputCursor> {
    Some(v1::OutputCursor {
        workflow_id: "c-1/turn-1".to_owned(),
        key: "draft".to_owned(),
        ..Default::default()
    })
}

fn delta(text: &'static str) -> Update {
    Update::OutputDelta(v1::OutputDelta {
        cursor: cursor(),
        data: text.into(),
    })
}

fn screen(look: Look) -> Screen {
    let mut screen = Screen::new(look, "Jo", "chat");
    screen.name_agent("support");
    screen
}

/// What is left on the last line of a terminal after it was written.
fn last(written: &str) -> &str {
    written
        .rsplit(['\n'])
        .next()
        .unwrap_or_default()
        .trim_start_matches(CLEAR)
}

#[test]
fn a_terminal_shows_output_in_place_until_the_message_comes() {
    let mut screen = screen(Look::Terminal { width: 20 });
    assert_eq!(screen.ready(), format!("{CLEAR}Jo> "));
    let own = message(v1::AuthorKind::Customer, "Jo", "where is it?");
    assert_eq!(screen.update(&own, true), format!("{CLEAR}Jo> "));
    let typing = screen.update(&turn(v1::TurnStatus::Running), false);
    assert_eq!(typing, format!("{CLEAR}support is typing…"));
    assert_eq!(
        last(&screen.update(&delta("It is\non"), false)),
        "draft … It is on"
    );
    assert_eq!(
        last(&screen.update(&delta(" its way"), false)),
        "draft … on its way"
    );
    let reset = Update::OutputReset(v1::OutputReset { cursor: cursor() });
    assert_eq!(last(&screen.update(&reset, false)), "support is typing…");
    screen.update(&delta("Again"), false);
    let earlier = message(v1::AuthorKind::Human, "Kim", "Hello");
    let shown = screen.update(&earlier, false);
    assert_eq!(last(&shown), "draft … Again", "not what the turn says");
    let ended = Update::OutputEnded(v1::OutputEnded { cursor: cursor() });
    assert_eq!(screen.update(&ended, false), "", "it stays for the moment");
    let reply = message(v1::AuthorKind::Agent, "", "It is on its way.\nSorry!");
    assert_eq!(
        screen.update(&reply, false),
        format!("{CLEAR}support: It is on its way.\n    Sorry!\nsupport is typing…")
    );
    let over = screen.update(&turn(v1::TurnStatus::Unspecified), false);
    assert_eq!(over, format!("{CLEAR}Jo> "));
}

#[test]
fn a_chat_that_begins_late_shows_where_the_conversation_stands() {
    let conversation = v1::Conversation {
        conversation_type: "sales".to_owned(),
        turn: Some(v1::Turn {
            status: v1::TurnStatus::Running.into(),
            ..Default::default()
        }),
        budget_reached: true,
        ..Default::default()
    };
    let mut plain = screen(Look::Plain);
    let budget = "-- the budget is used up: an approval is waited for\n";
    let both = format!("{budget}-- sales is typing…\n");
    assert_eq!(plain.stands(&conversation), both);
    assert_eq!(plain.stands(&conversation), "");
    assert_eq!(screen(Look::Json).stands(&conversation), "");
}

#[test]
fn a_pipe_gets_whole_lines() {
    let mut screen = screen(Look::Plain);
    let mut text = screen.ready();
    let ended = Update::OutputEnded(v1::OutputEnded { cursor: cursor() });
    for update in [
        message(v1::AuthorKind::Customer, "Jo", "where is it?"),
        turn(v1::TurnStatus::Running),
        turn(v1::TurnStatus::Running),
        delta("It is "),
        delta("on\nits way"),
        ended,
        message(v1::AuthorKind::Agent, "sales", "It is on its way."),
        turn(v1::TurnStatus::Unspecified),
        message(v1::AuthorKind::System, "", "handed to Kim"),
        message(v1::AuthorKind::Human, "Kim", "Hello"),
    ] {
        text.push_str(&screen.update(&update, true));
    }
    assert_eq!(
        text,
        "Jo: where is it?\n-- support is typing…\n   ~ draft: It is on\n   ~ draft: its way\n\
         sales: It is on its way.\n-- handed to Kim\nKim (staff): Hello\n"
    );
}

#[test]
fn changes_are_told_once() {
    let mut screen = screen(Look::Plain);
    let paused = v1::ConversationChanged {
        pause: Some(v1::Pause {
            reason: "audit".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let handed = v1::ConversationChanged {
        handover: Some(v1::Handover {
            assignee: Some(v1::Assignee {
                kind: Some(v1::assignee::Kind::Person("Kim".to_owned())),
            }),
            ..Default::default()
        }),
        budget_reached: true,
        ..Default::default()
    };
    let mut tell =
        |changed: &v1::ConversationChanged| screen.update(&Update::Changed(changed.clone()), false);
    assert_eq!(tell(&paused), "-- paused: audit\n");
    assert_eq!(tell(&paused), "");
    assert_eq!(
        tell(&handed),
        "-- resumed\n-- the budget is used up: an approval is waited for\n",
        "the handover has a marker"
    );
    assert_eq!(
        tell(&v1::ConversationChanged::default()),
        "-- the budget was raised\n"
    );
}

#[test]
fn only_a_delivery_that_went_wrong_is_told() {
    let mut screen = screen(Look::Plain);
    let mut tell = |status: v1::DeliveryStatus| {
        let delivery = v1::DeliveryState {
            status: status.into(),
            detail: "mailbox full".to_owned(),
            ..Default::default()
        };
        let update = v1::MessageDelivery {
            message_sequence: 4,
            delivery: Some(delivery),
        };
        screen.update(&Update::Delivery(update), false)
    };
    assert_eq!(tell(v1::DeliveryStatus::Delivered), "");
    assert_eq!(
        tell(v1::DeliveryStatus::Failed),
        "-- message 4 could not be delivered: mailbox full\n"
    );
}

#[test]
fn what_others_write_does_not_steer_the_terminal() {
    let mut screen = screen(Look::Terminal { width: 60 });
    screen.ready();
    let said = message(v1::AuthorKind::Customer, "Jo", "a\x1b[2Jb\rc\u{9b}K");
    assert_eq!(
        screen.update(&said, false),
        format!("{CLEAR}Jo: a\\u001b[2Jb\\u000dc\\u009bK\nJo> ")
    );
    let closed = v1::ConversationClosed {
        reason: "\x1b]0;x\x07".to_owned(),
    };
    let shown = screen.update(&Update::Closed(closed), false);
    assert!(
        !shown.trim_start_matches(CLEAR).contains('\x1b'),
        "{shown:?}"
    );
}

#[test]
fn control_characters_do_not_reach_the_last_line() {
    assert_eq!(tail("a\x1b[31mb\tc", 20), "a[31mb c");
    assert_eq!(tail("übung macht", 5), "macht");
}

#[test]
fn the_last_line_never_wraps() {
    assert_eq!(tail("返金は完了しました", 7), "ました");
    let mut screen = screen(Look::Terminal { width: 12 });
    screen.ready();
    let shown = screen.update(&delta("返金は完了しました"), false);
    assert_eq!(last(&shown), "draft … た");
    let typing = screen.update(&turn(v1::TurnStatus::Unspecified), false);
    assert_eq!(last(&typing), "Jo> ");
    screen.name_agent("very-long-support");
    let typing = screen.update(&turn(v1::TurnStatus::Running), false);
    assert_eq!(last(&typing), "very-long-s");
}
