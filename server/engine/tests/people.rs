//! People who just write: here, elsewhere, late, twice, or not at all.

mod scenario;

use everturn_engine::decide::{self, HumanMessageSent};
use everturn_engine::event::{ApprovalOutcome, DeliveryStatus, RunEvent, TurnCause};
use everturn_engine::policy::{AfterHandoff, HandoffTimeout, OnHumanMessage, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::request::Request;
use everturn_engine::value::{Assignee, Span};
use scenario::{Scenario, approval, complete, payload, person, reply, take_over, team, texts};

fn with(on_human_message: OnHumanMessage) -> Scenario {
    let policy = TurnPolicy {
        on_human_message,
        ..TurnPolicy::default()
    };
    Scenario::with_policy("c1", policy)
}

#[test]
fn a_person_who_just_writes_takes_over_and_interrupts_the_turn() {
    let mut s = with(OnHumanMessage::TakeOver);
    s.say("hello");
    let sent = s.write_with("Bea", "I am on it", |_| {}).expect("is sent");
    assert!(sent.took_over);
    let handover = s.conversation().handover.as_ref().expect("is hers");
    assert_eq!(handover.assignee, person("Bea"));
    s.turn_code(vec![reply("r", "an answer"), complete()]);
    assert_eq!(s.sent(), [""; 0], "the agents are silent");
    let again = s.write_with("Bea", "done", |_| {}).expect("is sent");
    assert!(!again.took_over, "it is hers already");
    assert_eq!(s.conversation().unanswered_since, None);
    let other = s.write("Carl", "me too", 0);
    assert_eq!(other, Err(Rejection::WrongAssignee("Bea".to_owned())));
}

#[test]
fn a_policy_may_keep_the_conversation_with_the_agents_or_refuse() {
    let mut s = with(OnHumanMessage::Keep);
    s.say("hello");
    let sent = s.write_with("Bea", "by the way", |_| {}).expect("is sent");
    assert!(!sent.took_over && s.conversation().handover.is_none());
    assert!(s.turn().interrupted.is_none());
    let mut s = with(OnHumanMessage::Refuse);
    s.say("hello");
    assert_eq!(s.write("Bea", "hi", 0), Err(Rejection::NotHandedOff));
}

/// A conversation whose replies go out by an adapter.
fn delivered() -> Scenario {
    let mut s = Scenario::new("c1");
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    s
}

#[test]
fn what_was_written_elsewhere_takes_over_and_is_not_delivered_again() {
    let mut s = delivered();
    let elsewhere = |message: &mut decide::SendHumanMessage| {
        message.already_sent = Some("p9".into());
    };
    let sent = s.write_with("Bea", "done", elsewhere).expect("is noted");
    assert!(sent.took_over && !sent.is_echo);
    let delivery = &s.conversation().deliveries[&sent.sequence];
    assert_eq!(delivery.status, DeliveryStatus::Accepted);
    assert!(!s.offers().iter().any(|offer| offer.contains("deliver")));
    let again = s.write_with("Bea", "done", elsewhere).expect("is known");
    assert_eq!(again, sent, "the first answer");
    let receipt = decide::DeliveryRef::ProviderId("p9".into());
    let read = DeliveryStatus::Read;
    let stands = s.must(|tx| decide::report_delivery(tx, scenario::receipt(receipt, read)));
    assert_eq!(stands, read);
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn an_echo_of_what_our_adapter_has_sent_changes_nothing() {
    for tells_first in [true, false] {
        let mut s = delivered();
        s.turn_code(vec![reply("r", "hi"), complete()]);
        let identity = "w".into();
        let taker = scenario::taker(&identity);
        let start = s.must(|tx| decide::begin_activity(tx, 0, 2, 1, taker));
        let token = decide::ActivityToken {
            slot: 0,
            activity: 2,
            attempt: 1,
            epoch: start.epoch,
        };
        if !tells_first {
            s.must(|tx| decide::accept_delivery(tx, token, "p2".into()));
        }
        let before = s.log.len();
        let echo = s.write_with("inbox", "hi", |message| {
            message.already_sent = Some("p2".into());
        });
        let expected = HumanMessageSent {
            sequence: 2,
            took_over: false,
            is_echo: true,
        };
        assert_eq!(echo, Ok(expected));
        assert_eq!(s.log.len(), before);
        if tells_first {
            s.must(|tx| decide::accept_delivery(tx, token, "p2".into()));
        }
    }
}

#[test]
fn a_message_that_crosses_a_persons_reply_is_not_answered_by_it() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.hand_off(person("Bea"));
    s.turn_code(vec![complete()]);
    s.say("and my other order?");
    let seen = |message: &mut decide::SendHumanMessage| message.seen_through = 2;
    s.write_with("Bea", "your order is on its way", seen)
        .expect("is sent");
    assert_eq!(texts(&s.conversation().mailbox), ["and my other order?"]);
    assert!(s.conversation().unanswered_since.is_some());
    s.hand_back();
    assert_eq!(s.turn_texts(), ["and my other order?"]);
}

#[test]
fn a_person_who_has_seen_a_part_of_a_turns_messages_has_not_answered_it() {
    let mut s = with(OnHumanMessage::Keep);
    s.say("one");
    let seen = |message: &mut decide::SendHumanMessage| message.seen_through = 1;
    s.write_with("Bea", "hi", seen).expect("is sent");
    assert!(s.turn().relieved, "one was all of it");
}

#[test]
fn a_repeated_hand_back_gets_its_first_answer() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let epoch = s.must(|tx| decide::hand_off(tx, scenario::hand_off(person("Bea"))));
    assert_eq!(epoch, 1);
    let back = |s: &mut Scenario, fingerprint| {
        let request = decide::HandBack {
            request: Request {
                hash: 7,
                fingerprint,
            },
            ..decide::HandBack::default()
        };
        s.step(|tx| decide::hand_back(tx, request))
    };
    assert_eq!(back(&mut s, 1), Ok(()));
    assert_eq!(back(&mut s, 1), Ok(()), "again");
    assert_eq!(back(&mut s, 2), Err(Rejection::RequestIdReused));
    assert_eq!(s.hand_back_of(epoch), Ok(()), "that one is over");
    assert_eq!(s.hand_back_of(0), Err(Rejection::NotHandedOff));
}

#[test]
fn a_late_hand_back_takes_nothing_from_the_new_owner() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let first = s.must(|tx| decide::hand_off(tx, scenario::hand_off(person("Bea"))));
    let second = s.must(|tx| decide::hand_off(tx, scenario::hand_off(person("Carl"))));
    let late = s.hand_back_of(first);
    assert_eq!(late, Err(Rejection::HandoffChanged { epoch: second }));
    assert_eq!(s.hand_back_of(second), Ok(()));
    s.hand_off(team("desk"));
    let late = s.hand_back_of(second);
    assert_eq!(late, Err(Rejection::HandoffChanged { epoch: 3 }));
}

#[test]
fn a_persons_repeated_message_gets_its_first_answer_after_a_close() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    assert_eq!(s.write("Bea", "bye", 5), Ok(3));
    s.close();
    assert_eq!(s.write("Bea", "bye", 5), Ok(3));
    assert_eq!(s.write("Bea", "bye", 6), Err(Rejection::ConversationClosed));
}

#[test]
fn everything_that_was_written_meanwhile_comes_back_in_pages() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![take_over("h", person("Bea"))]);
    let large = "x".repeat(400_000);
    for number in 0..150 {
        s.say(&format!("question {number}"));
        let text = if number % 50 == 0 { &large } else { "ok" };
        s.write("Bea", text, 0).expect("is sent");
    }
    s.say("one more");
    s.hand_back();
    let pages = s.log.iter().filter_map(|(_, event)| match event {
        everturn_engine::event::Event::Run {
            event: RunEvent::HandedBack {
                messages, has_more, ..
            },
            ..
        } => Some((messages, *has_more)),
        _ => None,
    });
    let pages: Vec<_> = pages.collect();
    let more: Vec<bool> = pages.iter().map(|(_, has_more)| *has_more).collect();
    assert_eq!(more, [true, false]);
    let positions = pages.iter().flat_map(|(page, _)| page.iter());
    let positions: Vec<u64> = positions.map(|m| m.sequence).collect();
    let expected: Vec<u64> = (3..=303).collect();
    assert_eq!(positions, expected, "whole and in order");
    assert!(s.turn().hand_off.is_none());
    assert_eq!(texts(&s.turn().answers), ["one more"], "its to answer");
}

#[test]
fn a_request_id_that_comes_with_something_else_is_refused() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![approval("a", "1", None), approval("b", "1", None)]);
    let hash = |id: &str| s.root.approvals[&id.into()].arguments_hash().to_vec();
    let (a, b) = ("c1/turn-1/a", "c1/turn-1/b");
    let decision = |id: &str, outcome, fingerprint| decide::DecideApproval {
        approval_id: id.into(),
        outcome,
        arguments_hash: hash(id),
        changed_arguments: Some(payload("2")),
        changed_budget: None,
        decider: "Bea".into(),
        comment: "".into(),
        request: Request {
            hash: 9,
            fingerprint,
        },
    };
    let first = decision(a, ApprovalOutcome::Approved, 1);
    let opposite = decision(a, ApprovalOutcome::Rejected, 2);
    let other = decision(b, ApprovalOutcome::Approved, 3);
    let decide = |s: &mut Scenario, it: &decide::DecideApproval| {
        s.step(|tx| decide::decide_approval(tx, it.clone()))
    };
    assert_eq!(decide(&mut s, &first), Ok(()));
    assert_eq!(decide(&mut s, &first), Ok(()), "again");
    assert_eq!(decide(&mut s, &opposite), Err(Rejection::RequestIdReused));
    assert_eq!(decide(&mut s, &other), Err(Rejection::RequestIdReused));
    s.restart();
    assert_eq!(decide(&mut s, &opposite), Err(Rejection::RequestIdReused));
}

#[test]
fn the_id_of_a_message_or_event_that_says_something_else_is_refused() {
    let mut s = delivered();
    let edited = s.submit_by("email", "ada@example.org", "m1", "hello!");
    assert_eq!(edited, Err(Rejection::MessageIdReused { sequence: 1 }));
    let elsewhere = s.submit_by("email", "bob@example.org", "m1", "hi");
    assert_eq!(elsewhere.map(|it| it.sequence), Ok(2), "another chat");
    s.submit_event("e1", "late").expect("accepted");
    let event = decide::SubmitEvent {
        opening: s.opening(),
        event_type: "late".into(),
        event_id: "e1".into(),
        payload: payload("2"),
        addresses: Default::default(),
        reply_channel: "".into(),
    };
    let other = s.step(|tx| decide::submit_event(tx, event));
    assert_eq!(other, Err(Rejection::EventIdReused { sequence: 1 }));
}

fn timing_out(then: AfterHandoff) -> Scenario {
    let policy = TurnPolicy {
        handoff_timeout: Some(HandoffTimeout {
            after: Span::from_secs(1_800),
            then,
        }),
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    s.turn_code(vec![complete()]);
    s.say("anybody?");
    s.hand_off(team("desk"));
    s.turn_code(vec![complete()]);
    s
}

#[test]
fn a_handover_that_nobody_takes_up_goes_back_to_the_agents() {
    let mut s = timing_out(AfterHandoff::HandBack);
    s.restart();
    s.wait(Span::from_secs(1_799));
    assert!(s.conversation().handover.is_some());
    s.wait(Span::from_secs(1));
    assert_eq!(s.turn_texts(), ["anybody?"]);
}

#[test]
fn a_handover_that_nobody_takes_up_goes_to_another_team() {
    let mut s = timing_out(AfterHandoff::HandOff(team("night")));
    s.wait(Span::from_secs(1_800));
    let handover = s.conversation().handover.as_ref().expect("is theirs");
    assert_eq!(handover.assignee, Assignee::Team("night".into()));
    s.wait(Span::from_secs(9_999));
    assert_eq!(s.conversation().handoffs, 2, "and stays there");
}

#[test]
fn a_handover_that_nobody_takes_up_becomes_an_event() {
    let mut s = timing_out(AfterHandoff::Event("untaken".into()));
    s.wait(Span::from_secs(1_800));
    assert_eq!(s.turn().cause, TurnCause::Message);
    assert_eq!(s.turn_events(), ["untaken"]);
}

#[test]
fn a_handover_in_which_somebody_has_written_stays() {
    let mut s = timing_out(AfterHandoff::HandBack);
    s.write("Bea", "here", 0).expect("is sent");
    s.restart();
    s.wait(Span::from_secs(9_999));
    assert!(s.conversation().handover.is_some());
}
