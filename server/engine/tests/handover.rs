//! Handover to a person or team, and back.

mod scenario;

use everturn_engine::decide::{self, Completion};
use everturn_engine::event::{RunEvent, SuppressReason, TurnCause};
use everturn_engine::limits;
use everturn_engine::policy::{OnBusy, OnHumanMessage, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::Span;
use scenario::{Scenario, complete, person, reply, take_over, target, team, texts};

fn on_busy(on_busy: OnBusy) -> TurnPolicy {
    TurnPolicy {
        on_busy,
        ..TurnPolicy::default()
    }
}

/// The messages of the last hand-back that a turn was told of.
fn handed_back(s: &Scenario, slot: u32) -> Vec<String> {
    match s.last_of(slot) {
        RunEvent::HandedBack { messages, .. } => texts(messages),
        other => panic!("not handed back: {other:?}"),
    }
}

#[test]
fn a_hand_off_by_api_interrupts_the_turn_and_marks_both_ends() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.hand_off(person("Bea"));
    assert_eq!(s.journal(1), ["Started", "TurnInterrupted"]);
    s.turn_code(vec![reply("r", "late"), complete()]);
    assert_eq!(
        s.suppressed(),
        [("late".to_owned(), SuppressReason::HumanOwns)]
    );
    s.write("Bea", "I take care", 0).expect("is hers");
    s.hand_back();
    assert_eq!(
        s.transcript(),
        [
            "customer: hello",
            "system: Handed to Bea",
            "human: I take care",
            "system: Handed back"
        ]
    );
    assert_eq!(s.turn_slot(), None, "everything is answered");
}

#[test]
fn a_hand_off_by_command_waits_and_gives_what_was_written_meanwhile() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Interrupt));
    s.say("hello");
    s.turn_code(vec![take_over("human", team("billing"))]);
    assert_eq!(s.journal(1), ["Started", "HandedOff"]);
    s.say("anybody?");
    s.write("Bea", "yes", 0).expect("is the team's");
    s.write("Carl", "me too", 0).expect("is the team's");
    s.say("thanks");
    assert_eq!(s.journal(1), ["Started", "HandedOff"], "not interrupted");
    let request = decide::HandBack {
        author_name: "Bea".into(),
        note: "be nice".into(),
        ..decide::HandBack::default()
    };
    s.must(|tx| decide::hand_back(tx, request));
    assert_eq!(handed_back(&s, 1), ["anybody?", "yes", "me too", "thanks"]);
    let RunEvent::HandedBack {
        key,
        author_name,
        note,
        ..
    } = s.last_of(1)
    else {
        panic!("just checked");
    };
    let told = (key.as_str(), author_name.as_str(), note.as_str());
    assert_eq!(told, ("human", "Bea", "be nice"));
    s.turn_code(vec![reply("r", "we are back"), complete()]);
    assert_eq!(s.sent(), ["we are back"]);
    assert_eq!(s.turn_slot(), None, "\"thanks\" was that turn's to answer");
}

#[test]
fn a_hand_back_gives_the_turn_what_waited_before_the_hand_off_as_well() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Queue));
    s.say("one");
    s.say("two");
    s.turn_code(vec![take_over("human", person("Bea"))]);
    s.say("three");
    s.hand_back();
    assert_eq!(handed_back(&s, 1), ["two", "three"]);
    assert!(s.conversation().mailbox.is_empty());
}

#[test]
fn a_hand_back_loses_nothing_that_is_too_much_for_it() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![take_over("human", person("Bea"))]);
    for index in 0..500 {
        s.say(&index.to_string());
    }
    s.hand_back();
    assert_eq!(handed_back(&s, 1).len(), 500);
    let mut s = Scenario::new("c2");
    s.say("hello");
    s.turn_code(vec![take_over("human", person("Bea"))]);
    for _ in 0..3 {
        s.say(&"x".repeat(limits::BURST_BYTES / 2));
    }
    s.hand_back();
    assert_eq!(handed_back(&s, 1).len(), 1, "the second page");
    assert_eq!(s.turn().answers.len(), 3);
    s.turn_code(vec![reply("r", "ok"), complete()]);
    assert!(s.turn_slot().is_none(), "all of it was answered");
}

#[test]
fn what_came_back_unanswered_is_the_next_turns_if_the_turn_is_interrupted() {
    let mut s = Scenario::with_policy("c1", on_busy(OnBusy::Interrupt));
    s.say("one");
    s.turn_code(vec![take_over("human", person("Bea"))]);
    s.say("two");
    s.write("Bea", "to one and two", 0).expect("is hers");
    s.say("three");
    s.hand_back();
    s.say("four");
    s.turn_code(vec![complete()]);
    assert_eq!(s.turn_texts(), ["three", "four"]);
}

#[test]
fn without_a_turn_a_hand_back_starts_one_only_for_what_nobody_answered() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![reply("r", "hi"), complete()]);
    s.hand_off(person("Bea"));
    s.say("question");
    assert_eq!(s.turn_slot(), None, "agents do not act");
    s.hand_back();
    assert_eq!(s.turn_texts(), ["question"]);
    assert_eq!(s.turn().cause, TurnCause::Message);
    let recent = texts(&s.turn().context.recent);
    assert!(recent.contains(&"Handed to Bea".to_owned()));
}

#[test]
fn the_persons_messages_reach_the_next_turns_context() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.hand_off(person("Bea"));
    s.turn_code(vec![complete()]);
    s.write("Bea", "hi, I am Bea", 0).expect("is hers");
    s.hand_back();
    s.say("one more thing");
    assert_eq!(s.turn_texts(), ["one more thing"]);
    assert_eq!(
        texts(&s.turn().context.recent),
        ["hello", "Handed to Bea", "hi, I am Bea", "Handed back"]
    );
}

#[test]
fn a_persons_message_answers_the_messages_but_not_the_events_of_a_turn() {
    let mut s = Scenario::new("c1");
    s.happen("late");
    s.say("where is it?");
    s.hand_off(person("Bea"));
    s.write("Bea", "on its way", 0).expect("is hers");
    s.turn_code(vec![complete()]);
    s.hand_back();
    assert_eq!(s.turn_texts(), [""; 0]);
    assert_eq!(s.turn_events(), ["late"]);
}

#[test]
fn only_the_assignee_writes_and_only_while_it_is_handed_off() {
    let policy = TurnPolicy {
        on_human_message: OnHumanMessage::Refuse,
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    let missing = Err(Rejection::ConversationNotFound);
    assert_eq!(s.write("Bea", "hi", 0), missing);
    s.say("hello");
    assert_eq!(s.write("Bea", "hi", 0), Err(Rejection::NotHandedOff));
    s.hand_off(person("Bea"));
    let wrong = Err(Rejection::WrongAssignee("Bea".into()));
    assert_eq!(s.write("Carl", "hi", 0), wrong);
    s.hand_off(team("billing"));
    assert_eq!(s.write("Carl", "hi", 0), Ok(4));
    s.hand_back();
    assert_eq!(s.write("Bea", "hi", 0), Err(Rejection::NotHandedOff));
    s.close();
    assert_eq!(s.write("Bea", "hi", 0), Err(Rejection::ConversationClosed));
}

#[test]
fn a_persons_message_with_the_same_request_is_sent_once() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.hand_off(person("Bea"));
    let first = s.write("Bea", "hi", 99);
    assert_eq!(first, Ok(3));
    let events = s.log.len();
    assert_eq!(s.write("Bea", "hi", 99), first);
    s.hand_back();
    assert_eq!(s.write("Bea", "hi", 99), first, "also when it is over");
    assert_eq!(s.log.len(), events + 1);
}

#[test]
fn handing_off_again_changes_the_assignee_and_not_to_the_same_one() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.hand_off(person("Bea"));
    s.say("still there?");
    let events = s.log.len();
    s.hand_off(person("Bea"));
    assert_eq!(s.log.len(), events);
    s.hand_off(team("billing"));
    let handover = s.conversation().handover.as_ref().expect("handed off");
    assert_eq!(handover.assignee, team("billing"));
    assert_eq!(texts(&handover.messages), ["still there?"]);
    assert_eq!(s.transcript()[3], "system: Handed to team billing");
}

#[test]
fn a_superseded_turn_hands_nothing_off() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.hand_off(person("Bea"));
    s.turn_code(vec![take_over("human", team("billing"))]);
    let journal = ["Started", "TurnInterrupted", "HandedOff", "HandedBack"];
    assert_eq!(s.journal(1), journal);
    let handover = s.conversation().handover.as_ref().expect("handed off");
    assert_eq!(handover.assignee, person("Bea"));
}

#[test]
fn a_turn_of_a_paused_conversation_may_hand_off() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let token = s.begin(1);
    s.pause();
    s.must(|tx| {
        decide::complete_task(
            tx,
            token,
            Completion::new(1, vec![take_over("h", person("Bea"))]),
        )
    });
    assert!(s.conversation().handover.is_some());
    assert_eq!(s.journal(1), ["Started", "HandedOff"]);
}

#[test]
fn a_turn_waits_for_one_hand_back_at_a_time() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let token = s.begin(1);
    let twice = vec![
        take_over("a", person("Bea")),
        take_over("b", person("Carl")),
    ];
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, twice)));
    assert!(matches!(s.last_of(1), RunEvent::CommandFailed { .. }));
    s.hand_off(person("Carl"));
    assert_eq!(
        s.journal(1),
        ["Started", "HandedOff", "CommandFailed"],
        "it still waits"
    );
    s.hand_back();
    s.turn_code(vec![take_over("c", person("Carl"))]);
    s.hand_back();
    assert_eq!(s.journal(1)[3..], ["HandedBack", "HandedOff", "HandedBack"]);
}

#[test]
fn a_turn_that_ends_while_it_waits_leaves_the_conversation_with_the_person() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![take_over("human", person("Bea"))]);
    s.must(|tx| decide::terminate_workflow(tx, &target("c1/turn-1"), &"".into()));
    s.say("hello?");
    assert_eq!(s.turn_slot(), None);
    s.hand_back();
    assert_eq!(s.turn_texts(), ["hello", "hello?"]);
}

#[test]
fn events_wait_until_the_agents_have_it_again() {
    let policy = TurnPolicy {
        on_event: OnBusy::Steer,
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    s.turn_code(vec![take_over("human", person("Bea"))]);
    s.happen("late");
    assert_eq!(s.journal(1), ["Started", "HandedOff"]);
    s.hand_back();
    assert_eq!(s.journal(1)[2..], ["HandedBack", "EventsArrived"]);
}

#[test]
fn the_typed_errors_of_handing_off_and_back() {
    let mut s = Scenario::new("c1");
    let off = |s: &mut Scenario| {
        let request = scenario::hand_off(person("Bea"));
        s.step(|tx| decide::hand_off(tx, request))
    };
    let back = |s: &mut Scenario| s.step(|tx| decide::hand_back(tx, decide::HandBack::default()));
    assert_eq!(off(&mut s), Err(Rejection::ConversationNotFound));
    s.say("hello");
    assert_eq!(back(&mut s), Err(Rejection::NotHandedOff));
    s.close();
    assert_eq!(off(&mut s), Err(Rejection::ConversationClosed));
    assert_eq!(back(&mut s), Err(Rejection::ConversationClosed));
    s.wait(Span::from_secs(10));
    assert_eq!(s.turn_slot(), None);
}
