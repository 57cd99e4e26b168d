//! Erasure and retention, and the settings of conversation types.

mod scenario;

use everturn_engine::decide::{self, ActivityToken};
use everturn_engine::effect::Effect;
use everturn_engine::event::{RunStatus, Tombstone};
use everturn_engine::limits;
use everturn_engine::policy::{TurnPolicy, TypeSettings};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::root::Root;
use everturn_engine::value::Span;
use scenario::{
    Scenario, activity, approval, cancel, child, complete, payload, person, reply, set_state,
    start_request, taker, timer,
};

/// Content that must not be found afterwards.
const SECRET: &str = "confidential-7f3a";

fn secret(prefix: &str) -> String {
    format!("{prefix}-{SECRET}")
}

/// A conversation that holds the secret in every place there is.
fn full() -> (Scenario, ActivityToken) {
    let mut s = Scenario::new("c1");
    let address = secret("address");
    s.submit_by("email", &address, &secret("id"), &secret("message"))
        .expect("accepted");
    s.submit_event(&secret("event"), &secret("type"))
        .expect("accepted");
    s.turn_code(vec![
        reply("r", &secret("reply")),
        set_state("s", &secret("state")),
        activity(&secret("activity")),
        approval("a", &secret("arguments"), None),
        child("kid"),
        timer("t", 60),
    ]);
    s.run_code(2, vec![activity(&secret("below"))])
        .expect("valid");
    let running = s.take_activity(1, &secret("activity"));
    s.submit("", &secret("waiting")).expect("accepted");
    s.hand_off(person(&secret("person")));
    s.write(&secret("person"), &secret("human"), 0)
        .expect("is theirs");
    (s, running)
}

fn erase(s: &mut Scenario) -> Result<Tombstone, Rejection> {
    s.step(decide::erase_conversation)
}

fn holds_secret(root: &Root) -> bool {
    let bytes = root.encode();
    bytes.windows(SECRET.len()).any(|w| w == SECRET.as_bytes())
}

#[test]
fn erasing_leaves_a_tombstone_with_counts_and_nothing_of_the_content() {
    let (mut s, _) = full();
    assert!(holds_secret(&s.root));
    let tombstone = erase(&mut s).expect("is there");
    let counts = Tombstone {
        messages: 5,
        runs: 2,
        turns: 1,
    };
    assert_eq!(tombstone, counts);
    assert!(!holds_secret(&s.root));
    assert!(!holds_secret(&s.folded()));
    assert_eq!(s.root.deadlines.next(), None);
    assert!(s.root.is_waiting() && s.root.exists());
}

#[test]
fn erasing_terminates_what_runs_and_tells_the_workers() {
    let (mut s, running) = full();
    erase(&mut s).expect("is there");
    let closed = |slot: u32| {
        let mut effects = s.effects.iter();
        effects.any(|e| matches!(e, Effect::RunClosed { slot: of, .. } if *of == slot))
    };
    assert!(closed(1) && closed(2));
    let canceled = s.effects.iter().any(|effect| {
        matches!(effect, Effect::CancelActivity { fenced: true, epoch, .. }
            if *epoch == running.epoch)
    });
    assert!(canceled);
    assert_eq!(s.effects.last(), Some(&Effect::Erased));
    let late = s.step(|tx| decide::complete_activity(tx, running, payload("1"), None));
    assert_eq!(late, Err(Rejection::Fenced));
    assert!(matches!(
        s.last_of(1),
        everturn_engine::event::RunEvent::Closed {
            status: RunStatus::Terminated,
            ..
        }
    ));
}

#[test]
fn an_adapter_is_told_that_the_message_it_has_was_erased() {
    let mut s = Scenario::new("c1");
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    s.turn_code(vec![reply("r", "hi"), reply("q", "there"), complete()]);
    let adapter = "adapter".into();
    let start = s.must(|tx| decide::begin_activity(tx, 0, 2, 1, taker(&adapter)));
    erase(&mut s).expect("is there");
    let canceled = s.effects.iter().filter_map(|effect| match effect {
        Effect::CancelActivity {
            slot: 0,
            activity,
            epoch,
            fenced: true,
            ..
        } => Some((*activity, *epoch)),
        _ => None,
    });
    assert!(canceled.eq([(2, start.epoch)]), "{:?}", s.effects);
}

#[test]
fn what_the_view_has_yet_to_show_is_erased_as_well() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    for index in 0..=limits::ENDED_APPROVALS {
        let key = format!("a{index}");
        let asked = approval(&key, &secret("arguments"), None);
        s.turn_code(vec![asked, cancel(&key)]);
    }
    assert_eq!(s.root.forgotten_approvals.len(), 1);
    erase(&mut s).expect("is there");
    let everything = format!("{:?}", s.root);
    assert!(!everything.contains(SECRET), "{everything}");
}

#[test]
fn erasing_again_gives_the_same_answer_and_records_nothing() {
    let (mut s, _) = full();
    let first = erase(&mut s);
    let events = s.log.len();
    assert_eq!(erase(&mut s), first);
    s.close_for(None);
    assert_eq!(s.log.len(), events);
    s.restart();
    assert_eq!(erase(&mut s), first);
}

#[test]
fn the_id_of_an_erased_conversation_is_not_used_again() {
    let (mut s, _) = full();
    erase(&mut s).expect("is there");
    let erased = Err(Rejection::ConversationErased);
    assert_eq!(s.submit("new", "hello"), erased);
    assert_eq!(s.submit_event("new", "late"), erased);
    let started = s.step(|tx| decide::start_workflow(tx, start_request(0)));
    assert!(matches!(started, Err(Rejection::TypeMismatch(_))));
    let paused = s.step(|tx| decide::pause_conversation(tx, "".into()));
    assert_eq!(paused, Err(Rejection::ConversationErased));
}

#[test]
fn only_a_conversation_is_erased() {
    let mut s = Scenario::new("w1");
    assert_eq!(erase(&mut s), Err(Rejection::ConversationNotFound));
    s.start();
    assert_eq!(erase(&mut s), Err(Rejection::ConversationNotFound));
}

#[test]
fn a_closed_conversation_is_erased_after_its_retention() {
    let (mut s, _) = full();
    let day = Some(Span::from_secs(86_400));
    s.close_for(day);
    s.close_for(Some(Span(1)));
    s.wait(Span::from_secs(600));
    s.restart();
    s.wait(Span::from_secs(86_400 - 601));
    assert!(s.root.tombstone.is_none());
    s.wait(Span::from_secs(1));
    assert!(s.root.tombstone.is_some());
    assert!(!holds_secret(&s.root));
}

#[test]
fn without_a_retention_a_closed_conversation_is_kept() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![complete()]);
    s.close();
    assert_eq!(s.root.deadlines.next(), None);
    s.wait(Span::from_secs(100 * 366 * 86_400));
    assert!(s.root.conversation.is_some());
}

#[test]
fn settings_are_kept_once_and_read_back() {
    let mut s = Scenario::new("settings");
    let settings = TypeSettings {
        policy: TurnPolicy {
            idle_timeout: Some(Span::from_secs(60)),
            ..TurnPolicy::default()
        },
        retention: Some(Span::from_secs(86_400)),
    };
    for _ in 0..2 {
        let settings = settings.clone();
        s.must(|tx| {
            decide::set_type(tx, settings);
            Ok(())
        });
    }
    assert_eq!(s.log.len(), 1);
    s.restart();
    assert_eq!(s.root.settings.as_deref(), Some(&settings));
    assert!(s.root.exists());
    let refused = s.submit("", "this is no conversation");
    assert!(matches!(refused, Err(Rejection::TypeMismatch(_))));
}
