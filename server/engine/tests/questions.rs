//! Asks: what answers a question, and what becomes of one that cannot leave.

mod scenario;

use everturn_engine::decide::{self, Completion};
use everturn_engine::event::RunEvent;
use everturn_engine::policy::{FrequencyCap, OnBusy, QuietHours, TurnPolicy};
use everturn_engine::value::{Failure, Span, Time};
use scenario::{Scenario, ask, ask_with, cancel, complete, person, question, reply, texts};

const HOUR: Span = Span::from_secs(3_600);

/// What answered the last ask: texts, and how many came before the question.
fn answer(s: &Scenario) -> (Vec<String>, u32) {
    match s.last_of(1) {
        RunEvent::AskAnswered {
            messages, earlier, ..
        } => (texts(messages), *earlier),
        other => panic!("no answer: {other:?}"),
    }
}

fn failure(s: &Scenario) -> &Failure {
    match s.last_of(1) {
        RunEvent::CommandFailed { failure, .. } => failure,
        other => panic!("no failure: {other:?}"),
    }
}

#[test]
fn what_was_written_before_the_question_does_not_answer_it() {
    for on_busy in [OnBusy::Queue, OnBusy::Steer] {
        let policy = TurnPolicy {
            on_busy,
            quiet: Span::from_secs(2),
            max_wait: Span::from_secs(20),
            ..TurnPolicy::default()
        };
        let mut s = Scenario::with_policy("c1", policy);
        s.say("cancel my order");
        s.wait(Span::from_secs(2));
        let token = s.begin(1);
        s.say("yes, please");
        let commands = vec![question("q", "Which one?")];
        s.must(|tx| decide::complete_task(tx, token, Completion::new(1, commands)));
        s.wait(Span::from_secs(60));
        assert!(s.turn().ask.is_some(), "nobody has answered");
        s.say("number 7");
        s.wait(Span::from_secs(1));
        s.say("the blue one");
        s.wait(Span::from_secs(1));
        assert!(s.turn().ask.is_some(), "the burst is not over");
        s.wait(Span::from_secs(1));
        let all = ["yes, please", "number 7", "the blue one"].map(str::to_owned);
        assert_eq!(answer(&s), (all.to_vec(), 1));
    }
}

#[test]
fn who_accepts_earlier_messages_gets_them_at_once() {
    let mut s = Scenario::new("c1");
    s.say("cancel my order");
    let token = s.begin(1);
    s.say("number 7");
    let commands = vec![ask_with("q", Some("Which one?"), true)];
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, commands)));
    assert_eq!(answer(&s), (vec!["number 7".to_owned()], 0));
}

#[test]
fn what_was_written_before_a_question_that_is_taken_back_is_the_next_turns() {
    let mut s = Scenario::new("c1");
    s.say("one");
    let token = s.begin(1);
    s.say("two");
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, vec![ask("q")])));
    s.must(|tx| decide::cancel_workflow(tx, &scenario::target("c1/turn-1"), "".into()));
    s.turn_code(vec![cancel("q"), complete()]);
    assert_eq!(s.turn_texts(), ["two"]);
}

#[test]
fn a_question_over_the_frequency_cap_fails() {
    let policy = TurnPolicy {
        frequency_cap: Some(FrequencyCap {
            max_messages: 1,
            window: HOUR,
        }),
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.happen("tick");
    s.turn_code(vec![reply("r", "hello"), question("q", "are you there?")]);
    let failure = failure(&s);
    assert_eq!(failure.type_name.as_str(), "QUESTION_SUPPRESSED");
    let details = failure.details.as_ref().expect("says which");
    assert_eq!(&details.data.0[..], br#"{"reason":"FREQUENCY_CAP"}"#);
    assert!(s.turn().ask.is_none());
    s.turn_code(vec![complete()]);
    s.say("yes");
    assert_eq!(s.turn_texts(), ["yes"], "a turn of its own, no answer");
}

#[test]
fn a_question_while_a_person_owns_the_conversation_fails() {
    for command in [question("q", "Which one?"), ask("q")] {
        let mut s = Scenario::new("c1");
        s.say("hello");
        let commands = vec![scenario::take_over("h", person("Bea")), command];
        s.turn_code(commands);
        let details = failure(&s).details.as_ref().expect("says which");
        assert_eq!(&details.data.0[..], br#"{"reason":"HUMAN_OWNS"}"#);
    }
}

fn nightly() -> TurnPolicy {
    TurnPolicy {
        quiet_hours: Some(QuietHours {
            time_zone: "UTC".into(),
            start_minute: 0,
            end_minute: 8 * 60,
        }),
        ..TurnPolicy::default()
    }
}

/// A turn that an event started before midnight asks after it.
fn asked_at_night() -> Scenario {
    let mut s = Scenario::with_policy("c1", nightly());
    s.context.now = Time(23 * HOUR.0);
    s.happen("late");
    s.context.now = Time(25 * HOUR.0);
    s.turn_code(vec![question("q", "keep it?")]);
    assert!(s.turn().ask_is_held);
    s
}

#[test]
fn a_question_that_quiet_hours_hold_opens_when_it_leaves() {
    let mut s = asked_at_night();
    s.wait(Span(7 * HOUR.0));
    assert_eq!(s.sent(), ["keep it?"]);
    s.restart();
    s.say("yes");
    assert_eq!(answer(&s), (vec!["yes".to_owned()], 0));
}

#[test]
fn a_customer_who_writes_at_night_is_asked_and_has_not_answered() {
    let mut s = asked_at_night();
    s.say("hello?");
    assert_eq!(s.transcript(), ["customer: hello?", "agent: keep it?"]);
    assert!(s.turn().ask.is_some());
    s.say("yes");
    let both = ["hello?", "yes"].map(str::to_owned);
    assert_eq!(answer(&s), (both.to_vec(), 1));
}

#[test]
fn a_held_question_that_is_taken_back_never_leaves() {
    let mut s = asked_at_night();
    s.must(|tx| decide::cancel_workflow(tx, &scenario::target("c1/turn-1"), "".into()));
    s.turn_code(vec![cancel("q"), complete()]);
    s.wait(Span(20 * HOUR.0));
    assert_eq!(s.sent(), [""; 0]);
}
