//! Conversations: how messages become turns, and what a turn may say.

mod scenario;

use everturn_engine::decide::Completion;
use everturn_engine::effect::Effect;
use everturn_engine::policy::{OnBusy, OnClosed, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::Span;
use scenario::{Scenario, activity, ask, cancel, complete, reply};

fn debounced(quiet_ms: i64, max_messages: u32) -> TurnPolicy {
    TurnPolicy {
        quiet: Span::from_millis(quiet_ms),
        max_wait: Span::from_millis(quiet_ms * 10),
        max_messages,
        ..TurnPolicy::default()
    }
}

fn on_busy(on_busy: OnBusy) -> TurnPolicy {
    TurnPolicy {
        on_busy,
        ..TurnPolicy::default()
    }
}

#[test]
fn the_first_message_opens_the_conversation_and_starts_a_turn() {
    let mut s = Scenario::new("c1");
    let accepted = s.submit("m1", "hello").expect("accepted");
    assert_eq!(accepted.sequence, 1);
    let slot = s.turn_slot().expect("a turn runs");
    assert_eq!(s.root.runs[&slot].workflow_id.as_str(), "c1/turn-1");
    assert!(s.effects.contains(&Effect::OfferWorkflowTask {
        slot,
        queue: "default".into()
    }));
}

#[test]
fn a_duplicate_gets_the_first_answer_and_changes_nothing() {
    let mut s = Scenario::new("c1");
    let first = s.submit("m1", "hello").expect("accepted");
    s.context.now = s.context.now + Span::from_secs(5);
    let events = s.log.len();
    let second = s.submit("m1", "hello").expect("accepted");
    assert_eq!(first, second);
    assert_eq!(s.log.len(), events);
}

#[test]
fn a_reply_joins_the_transcript_and_the_turn_ends() {
    let mut s = Scenario::new("c1");
    s.submit("m1", "hello").expect("accepted");
    let slot = s.turn_slot().expect("a turn runs");
    s.run_code(slot, vec![reply("reply", "hi"), complete()])
        .expect("valid");
    assert_eq!(s.sent(), ["hi"]);
    assert_eq!(s.turn_slot(), None);
    let conversation = s.root.conversation.as_ref().expect("is one");
    assert_eq!(conversation.message_count, 2);
}

#[test]
fn a_burst_becomes_one_turn_with_all_messages_in_order() {
    let mut s = Scenario::with_policy("c1", debounced(500, 0));
    for (id, text) in [("1", "a"), ("2", "b"), ("3", "c")] {
        s.submit(id, text).expect("accepted");
        s.wait(Span::from_millis(300));
        assert_eq!(s.turn_slot(), None);
    }
    s.wait(Span::from_millis(200));
    let conversation = s.root.conversation.as_ref().expect("is one");
    let turn = conversation.turn.as_ref().expect("the burst is over");
    let texts: Vec<_> = turn
        .context
        .messages
        .iter()
        .map(|m| m.content.text.as_str())
        .collect();
    assert_eq!(texts, ["a", "b", "c"]);
    assert_eq!(conversation.turn_count, 1);
}

#[test]
fn a_burst_that_never_ends_is_cut_by_max_wait_and_by_max_messages() {
    let mut s = Scenario::with_policy("c1", debounced(500, 0));
    for index in 0..20 {
        s.submit(&index.to_string(), "x").expect("accepted");
        s.wait(Span::from_millis(400));
    }
    assert!(s.turn_slot().is_some());
    let mut s = Scenario::with_policy("c2", debounced(60_000, 2));
    s.submit("1", "a").expect("accepted");
    assert_eq!(s.turn_slot(), None);
    s.submit("2", "b").expect("accepted");
    assert!(s.turn_slot().is_some());
}

#[test]
fn queue_keeps_a_message_for_the_next_turn() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Queue));
    s.submit("m1", "one").expect("accepted");
    let first = s.turn_slot().expect("a turn runs");
    s.submit("m2", "two").expect("accepted");
    assert_eq!(s.turn_slot(), Some(first));
    s.run_code(first, vec![reply("reply", "1"), complete()])
        .expect("valid");
    let second = s.turn_slot().expect("the next turn runs");
    assert_ne!(first, second);
    assert_eq!(s.root.runs[&second].workflow_id.as_str(), "c1/turn-2");
}

#[test]
fn interrupt_fences_the_stale_turn_and_answers_everything_in_the_next() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Interrupt));
    s.submit("m1", "one").expect("accepted");
    let first = s.turn_slot().expect("a turn runs");
    s.run_code(first, vec![activity("support")]).expect("valid");
    s.submit("m2", "two").expect("accepted");
    assert_eq!(s.turn_slot(), Some(first), "never two turns at once");
    s.run_code(first, vec![reply("reply", "stale"), complete()])
        .expect("valid");
    assert_eq!(s.sent(), Vec::<String>::new());
    assert!(s.journal(first).contains(&"MessageSuppressed"));
    let conversation = s.root.conversation.as_ref().expect("is one");
    let turn = conversation.turn.as_ref().expect("the next turn runs");
    let texts: Vec<_> = turn
        .context
        .messages
        .iter()
        .map(|m| m.content.text.as_str())
        .collect();
    assert_eq!(texts, ["one", "two"]);
}

#[test]
fn an_interrupted_turn_that_does_not_end_is_terminated_after_its_grace() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Interrupt));
    s.submit("m1", "one").expect("accepted");
    let first = s.turn_slot().expect("a turn runs");
    s.submit("m2", "two").expect("accepted");
    s.wait(Span::from_secs(10));
    assert!(!s.root.runs[&first].status.is_open());
    assert!(s.turn_slot().is_some_and(|slot| slot != first));
}

#[test]
fn steer_delivers_into_the_running_turn_which_cannot_close_unread() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Steer));
    s.submit("m1", "one").expect("accepted");
    let slot = s.turn_slot().expect("a turn runs");
    let token = s.begin(slot);
    let seen = s.root.runs[&slot].last_event;
    s.submit("m2", "two").expect("accepted");
    let done = || vec![reply("reply", "1"), complete()];
    let refused = s.step(|tx| {
        everturn_engine::decide::complete_task(tx, token, Completion::new(seen, done()))
    });
    assert_eq!(refused, Err(Rejection::UnreadEvents { after: seen }));
    let all = s.root.runs[&slot].last_event;
    s.step(|tx| everturn_engine::decide::complete_task(tx, token, Completion::new(all, done())))
        .expect("everything is read");
    assert_eq!(s.turn_slot(), None);
}

#[test]
fn the_next_message_answers_an_ask_whatever_the_policy_says() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Interrupt));
    s.submit("m1", "cancel my order").expect("accepted");
    let slot = s.turn_slot().expect("a turn runs");
    s.run_code(slot, vec![reply("q", "which one?"), ask("order")])
        .expect("valid");
    s.submit("m2", "number 7").expect("accepted");
    assert_eq!(s.turn_slot(), Some(slot));
    assert_eq!(*s.journal(slot).last().expect("has events"), "AskAnswered");
}

#[test]
fn an_answer_that_comes_together_with_the_cancel_of_its_ask_is_not_lost() {
    let mut s = Scenario::new("c1");
    s.submit("m1", "hello").expect("accepted");
    let slot = s.turn_slot().expect("a turn runs");
    s.run_code(slot, vec![ask("order")]).expect("valid");
    // The code gives up waiting while the answer arrives.
    s.step(|tx| {
        everturn_engine::decide::signal_workflow(
            tx,
            everturn_engine::decide::SignalWorkflow {
                target: scenario::target("c1/turn-1"),
                name: "give-up".into(),
                input: scenario::payload("1"),
                request: 0.into(),
            },
        )
    })
    .expect("open");
    let token = s.begin(slot);
    let seen = s.root.runs[&slot].last_event;
    s.submit("m2", "number 7").expect("accepted");
    s.step(|tx| {
        everturn_engine::decide::complete_task(
            tx,
            token,
            Completion::new(seen, vec![cancel("order"), complete()]),
        )
    })
    .expect("the messages go back");
    let conversation = s.root.conversation.as_ref().expect("is one");
    let turn = conversation.turn.as_ref().expect("a new turn takes them");
    assert_eq!(turn.number, 2);
    assert_eq!(turn.context.messages[0].content.text.as_str(), "number 7");
}

#[test]
fn a_closed_conversation_takes_nothing_and_sends_nothing() {
    let policy = TurnPolicy {
        on_closed: OnClosed::Refuse,
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.submit("m1", "hello").expect("accepted");
    let slot = s.turn_slot().expect("a turn runs");
    s.close_after(1).expect("is open");
    assert_eq!(s.submit("m2", "more"), Err(Rejection::ConversationClosed));
    assert_eq!(s.submit("m1", "hello").map(|a| a.sequence), Ok(1));
    s.run_code(slot, vec![reply("reply", "late"), complete()])
        .expect("valid");
    assert_eq!(s.sent(), Vec::<String>::new());
    assert_eq!(s.turn_slot(), None);
}

#[test]
fn a_type_is_required_to_open_and_must_stay_the_same() {
    let mut s = Scenario::new("c1");
    s.start();
    assert!(matches!(
        s.submit("m1", "x"),
        Err(Rejection::TypeMismatch(_))
    ));
}

#[test]
fn a_run_does_not_forget_what_it_has_seen_when_a_completion_says_less() {
    let mut s = Scenario::new("c1");
    s.submit("m1", "hello").expect("accepted");
    s.turn_code(vec![ask("q")]);
    s.say("answer");
    s.turn_code(Vec::new());
    let signal = everturn_engine::decide::SignalWorkflow {
        target: scenario::target("c1/turn-1"),
        name: "go".into(),
        input: scenario::payload("1"),
        request: 0.into(),
    };
    s.must(|tx| everturn_engine::decide::signal_workflow(tx, signal));
    let token = s.begin(1);
    s.must(|tx| {
        everturn_engine::decide::complete_task(tx, token, Completion::new(1, vec![cancel("q")]))
    });
    assert!(s.conversation().mailbox.is_empty(), "the answer was read");
    assert_eq!(s.folded().encode(), s.root.encode());
}
