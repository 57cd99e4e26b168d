//! Edits and retractions: before, during and after the turn.

mod scenario;

use everturn_engine::command::{CommandKind, Draft};
use everturn_engine::decide::{self, ChangeMessage, Changed};
use everturn_engine::event::RunEvent;
use everturn_engine::policy::{OnBusy, OnEdit, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::{Change, Span};
use scenario::{Scenario, activity, command, complete, reply};

fn change(s: &mut Scenario, id: &str, text: Option<&str>) -> Result<Changed, Rejection> {
    let request = ChangeMessage {
        channel: "chat".into(),
        address: "".into(),
        provider_message_id: id.into(),
        content: text.map(scenario::content),
    };
    s.step(|tx| decide::change_message(tx, request))
}

fn debounced() -> Scenario {
    let policy = TurnPolicy {
        quiet: Span::from_secs(5),
        max_wait: Span::from_secs(60),
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.submit("m1", "order 6").expect("accepted");
    s.submit("m2", "please").expect("accepted");
    s
}

#[test]
fn what_is_edited_before_the_turn_is_what_the_turn_is_given() {
    let mut s = debounced();
    let changed = Changed {
        sequence: 1,
        changed_by: 3,
    };
    assert_eq!(change(&mut s, "m1", Some("order 7")), Ok(changed));
    assert_eq!(change(&mut s, "m1", Some("order 7")), Ok(changed), "again");
    assert_eq!(
        s.submit("m1", "order 6").map(|it| it.sequence),
        Ok(1),
        "came again"
    );
    s.restart();
    s.wait(Span::from_secs(5));
    assert_eq!(s.turn_texts(), ["order 7", "please"]);
    assert_eq!(s.conversation().message_count, 3);
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn what_is_taken_back_before_the_turn_starts_none() {
    let mut s = debounced();
    change(&mut s, "m1", None).expect("is there");
    change(&mut s, "m2", None).expect("is there");
    assert_eq!(
        change(&mut s, "m2", None).map(|it| it.changed_by),
        Ok(4),
        "again"
    );
    assert_eq!(
        change(&mut s, "m2", Some("no")).map(|it| it.changed_by),
        Ok(4)
    );
    s.wait(Span::from_secs(60));
    assert!(s.turn_slot().is_none());
    assert_eq!(s.conversation().unanswered_since, None);
    assert!(s.root.is_waiting());
}

#[test]
fn what_a_turn_has_changes_as_its_policy_says_for_a_message() {
    for on_busy in [OnBusy::Queue, OnBusy::Interrupt, OnBusy::Steer] {
        let policy = TurnPolicy {
            on_busy,
            ..TurnPolicy::default()
        };
        let mut s = Scenario::with_policy("c1", policy);
        s.submit("m1", "order 6").expect("accepted");
        s.turn_code(vec![activity("a")]);
        change(&mut s, "m1", Some("order 7")).expect("is there");
        if on_busy == OnBusy::Steer {
            let RunEvent::MessagesArrived { messages } = s.last_of(1) else {
                panic!("it was not told");
            };
            assert_eq!(messages[0].change, Some(Change::Edit(1)));
            continue;
        }
        assert_eq!(s.turn().interrupted.is_some(), on_busy == OnBusy::Interrupt);
        s.complete_activity(1, "a");
        s.turn_code(vec![complete()]);
        let messages = &s.turn().context.messages;
        let last = messages.last().expect("is told");
        assert_eq!(
            (last.change, last.content.text.as_str()),
            (Some(Change::Edit(1)), "order 7")
        );
        if on_busy == OnBusy::Interrupt {
            assert_eq!(s.turn_texts(), ["order 7", "order 7"], "both say it");
        }
    }
}

#[test]
fn what_is_changed_after_the_turn_is_on_record_and_starts_one_if_the_policy_says_so() {
    let mut s = Scenario::new("c1");
    s.submit("m1", "order 6").expect("accepted");
    s.turn_code(vec![reply("r", "done"), complete()]);
    change(&mut s, "m1", Some("order 7")).expect("is there");
    assert!(s.turn_slot().is_none());
    let recent = &s.conversation().recent;
    assert_eq!(recent.back().and_then(|m| m.change), Some(Change::Edit(1)));
    s.set_policy(|policy| policy.on_edit = OnEdit::Turn);
    change(&mut s, "m1", None).expect("is there");
    assert_eq!(
        s.turn().context.messages[0].change,
        Some(Change::Retract(1))
    );
    let unknown = change(&mut s, "m9", None);
    assert_eq!(unknown, Err(Rejection::MessageNotFound));
}

#[test]
fn code_changes_what_it_has_sent() {
    let mut s = Scenario::new("c1");
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    let edit = |key: &str, of| {
        let draft = Draft {
            channel: "".into(),
            author_name: "".into(),
            content: scenario::content("hi there"),
            change: Some(Change::Edit(of)),
        };
        command(key, CommandKind::SendMessage(draft))
    };
    s.turn_code(vec![reply("a", "hi"), edit("b", 2), edit("c", 1)]);
    let RunEvent::CommandFailed { failure, .. } = s.last_of(1) else {
        panic!("a customer's message is not ours to edit");
    };
    assert_eq!(failure.type_name.as_str(), "COMMAND_INVALID");
    let deliver = |s: &mut Scenario, sequence, id: &str| {
        let identity = "w".into();
        let taker = scenario::taker(&identity);
        let start = s.must(|tx| decide::begin_activity(tx, 0, sequence, 1, taker));
        let token = decide::ActivityToken {
            slot: 0,
            activity: sequence,
            attempt: 1,
            epoch: start.epoch,
        };
        s.must(|tx| decide::accept_delivery(tx, token, id.into()));
        start
            .delivery
            .expect("is a delivery")
            .changed_provider_message_id
    };
    assert_eq!(deliver(&mut s, 2, "p2").as_str(), "");
    assert_eq!(
        deliver(&mut s, 3, "p3").as_str(),
        "p2",
        "after what it changes"
    );
}
