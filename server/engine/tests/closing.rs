//! The end of a conversation, and what opens it again.

mod scenario;

use everturn_engine::event::{SuppressReason, TurnCause};
use everturn_engine::limits;
use everturn_engine::policy::{OnClosed, OnErased, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::Span;
use scenario::{Scenario, ask, close_conversation, complete, reply, set_state};

const DAY: Span = Span::from_secs(86_400);

fn answered() -> Scenario {
    let mut s = Scenario::new("c1");
    s.submit("m1", "hello").expect("accepted");
    s.turn_code(vec![set_state("w", "1"), reply("r", "hi"), complete()]);
    s
}

#[test]
fn code_closes_the_conversation() {
    let mut s = Scenario::new("c1");
    s.say("thanks, bye");
    let commands = vec![reply("r", "bye"), close_conversation("end"), complete()];
    s.turn_code(commands);
    let conversation = s.conversation();
    assert_eq!(
        conversation.closed.as_ref().map(|r| r.as_str()),
        Some("done")
    );
    assert_eq!(s.sent(), ["bye"]);
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn what_code_says_after_it_has_closed_is_kept_in() {
    let mut s = Scenario::new("c1");
    s.say("thanks, bye");
    s.turn_code(vec![
        close_conversation("end"),
        reply("r", "bye"),
        complete(),
    ]);
    let reason = SuppressReason::ConversationClosed;
    assert_eq!(s.suppressed(), [("bye".to_owned(), reason)]);
}

#[test]
fn a_close_by_code_that_has_not_seen_a_message_does_not_take_place() {
    let mut s = Scenario::new("c1");
    s.say("thanks");
    let token = s.begin(1);
    s.say("one more thing");
    let commands = vec![close_conversation("end"), complete()];
    let completion = everturn_engine::decide::Completion::new(1, commands);
    s.must(|tx| everturn_engine::decide::complete_task(tx, token, completion));
    assert!(s.conversation().is_open());
    assert_eq!(s.turn_texts(), ["one more thing"]);
}

#[test]
fn who_writes_while_an_idle_turn_says_goodbye_is_not_said_goodbye_to() {
    let policy = TurnPolicy {
        idle_timeout: Some(Span::from_secs(60)),
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    s.turn_code(vec![reply("r", "hi"), complete()]);
    s.wait(Span::from_secs(60));
    assert_eq!(s.turn().cause, TurnCause::Idle);
    s.say("I am back");
    let commands = vec![reply("b", "Bye!"), close_conversation("end"), complete()];
    s.turn_code(commands);
    assert_eq!(s.sent(), ["hi"]);
    assert!(s.conversation().is_open());
    assert_eq!(s.turn_texts(), ["I am back"]);
}

#[test]
fn an_ask_of_an_idle_turn_is_answered_and_not_interrupted() {
    let policy = TurnPolicy {
        idle_timeout: Some(Span::from_secs(60)),
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    s.turn_code(vec![reply("r", "hi"), complete()]);
    s.wait(Span::from_secs(60));
    s.turn_code(vec![ask("q")]);
    s.say("I am here");
    assert!(s.turn().interrupted.is_none());
    assert_eq!(s.turn().number, 2);
}

#[test]
fn a_close_by_api_that_has_not_seen_a_message_is_refused() {
    let mut s = answered();
    s.submit("m2", "one more thing").expect("accepted");
    assert_eq!(s.close_after(0), Err(Rejection::MessagesWait { last: 3 }));
    assert_eq!(s.close_after(2), Err(Rejection::MessagesWait { last: 3 }));
    assert_eq!(s.close_after(3), Ok(()));
    let mut s = answered();
    assert_eq!(s.close_after(0), Ok(()), "everything is answered");
    assert_eq!(s.close_after(0), Ok(()), "again");
}

#[test]
fn a_message_reopens_the_conversation_with_everything_in_it() {
    let mut s = answered();
    s.close_for(Some(DAY));
    s.wait(Span::from_secs(60));
    assert_eq!(
        s.submit("m1", "hello").map(|it| it.sequence),
        Ok(1),
        "again"
    );
    assert!(!s.conversation().is_open(), "a duplicate opens nothing");
    s.submit("m2", "it broke again").expect("accepted");
    let turn = s.turn();
    assert_eq!(turn.context.cause, TurnCause::Reopened);
    assert_eq!(turn.context.messages[0].sequence, 3);
    assert!(!turn.proactive);
    assert_eq!(turn.context.recent.len(), 2);
    assert_eq!(turn.context.state.entries.len(), 1);
    s.turn_code(vec![reply("r", "oh"), complete()]);
    s.wait(Span(2 * DAY.0));
    assert!(s.root.tombstone.is_none(), "nothing is erased any more");
    s.submit("m3", "thanks").expect("accepted");
    assert_eq!(s.turn().context.cause, TurnCause::Message, "once");
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn a_conversation_is_not_reopened_for_ever() {
    let mut s = answered();
    s.close();
    s.wait(Span(limits::REOPEN_DAYS * DAY.0 + 1));
    let days = limits::REOPEN_DAYS;
    let late = s.submit("m2", "hello again");
    assert_eq!(late, Err(Rejection::ClosedTooLongAgo { days }));
}

#[test]
fn a_policy_may_refuse_to_reopen() {
    let mut s = answered();
    s.set_policy(|policy| policy.on_closed = OnClosed::Refuse);
    s.close();
    let refused = s.submit("m2", "hello again");
    assert_eq!(refused, Err(Rejection::ConversationClosed));
}

#[test]
fn an_erased_conversation_begins_anew_if_the_policy_says_so() {
    let mut s = answered();
    s.must(everturn_engine::decide::erase_conversation);
    assert_eq!(s.submit("m2", "hi"), Err(Rejection::ConversationErased));
    s.policy.on_erased = OnErased::BeginAnew;
    assert_eq!(s.submit("m2", "hi").map(|it| it.sequence), Ok(1));
    assert_eq!(s.turn_texts(), ["hi"]);
    assert!(s.turn().context.recent.is_empty(), "nothing is remembered");
    s.must(everturn_engine::decide::erase_conversation);
    assert!(s.root.conversation.is_none());
}

#[test]
fn a_conversation_that_its_code_closes_is_erased_after_the_retention_it_began_with() {
    let mut s = Scenario::new("c1");
    let mut opening = s.opening();
    opening.retention = Some(DAY);
    let message = everturn_engine::decide::SubmitMessage {
        opening,
        channel: "chat".into(),
        provider_message_id: "".into(),
        author_name: "".into(),
        content: scenario::content("bye"),
        customer_address: "".into(),
        is_automatic: false,
        opt_out: None,
    };
    s.must(|tx| everturn_engine::decide::submit_message(tx, message));
    s.turn_code(vec![close_conversation("end"), complete()]);
    s.wait(DAY);
    assert!(s.root.tombstone.is_some());
}

#[test]
fn a_wrong_type_and_queue_are_changed_while_it_is_open() {
    let mut s = answered();
    let update = everturn_engine::decide::UpdateConversation {
        labels: Default::default(),
        addresses: Default::default(),
        policy: Box::new(|_| {}),
        reply_channel: "".into(),
        type_name: "sales".into(),
        task_queue: "other".into(),
        opt_outs: Default::default(),
    };
    s.must(|tx| everturn_engine::decide::update_conversation(tx, update));
    let wrong = s.submit("m2", "hello");
    assert!(matches!(wrong, Err(Rejection::TypeMismatch(_))));
    s.must(|tx| {
        let mut message = everturn_engine::decide::SubmitMessage {
            opening: everturn_engine::decide::Opening {
                type_name: "sales".into(),
                task_queue: "".into(),
                policy: TurnPolicy::default(),
                labels: Default::default(),
                retention: None,
            },
            channel: "chat".into(),
            provider_message_id: "".into(),
            author_name: "".into(),
            content: scenario::content("hello"),
            customer_address: "".into(),
            is_automatic: false,
            opt_out: None,
        };
        message.opening.labels.clear();
        everturn_engine::decide::submit_message(tx, message)
    });
    let run = &s.root.runs[&s.turn_slot().expect("a turn runs")];
    let run = (run.type_name.as_str(), run.task_queue.as_str());
    assert_eq!(run, ("sales", "other"));
}
