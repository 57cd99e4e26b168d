//! States as they are stored: large values apart from the root, by version.

mod scenario;

use everturn_engine::command::Command;
use everturn_engine::policy::{OnBusy, TurnPolicy};
use everturn_engine::state::root::Root;
use scenario::{Scenario, set_entry};

fn long(letter: &str) -> String {
    letter.repeat(3_000)
}

/// A turn that is given what comes.
fn steered() -> Scenario {
    let mut s = Scenario::with_policy(
        "c",
        TurnPolicy {
            on_busy: OnBusy::Steer,
            ..TurnPolicy::default()
        },
    );
    s.say("hello");
    s
}

fn write(entries: [(&str, &str, &str); 2]) -> Vec<Command> {
    let write = |(key, name, letter)| set_entry(key, name, Some(&long(letter)));
    entries.map(write).to_vec()
}

/// The first letters of the state that the conversation has, and of that which
/// its turn was given.
fn letters(root: &Root) -> [String; 2] {
    let conversation = root.conversation.as_ref().expect("it is one");
    let turn = conversation.turn.as_ref().expect("a turn runs");
    [&conversation.state, &turn.context.state].map(|state| {
        let values = state.entries.values();
        values.map(|value| char::from(value.data.0[0])).collect()
    })
}

#[test]
fn the_values_of_a_large_state_are_apart_and_those_of_a_small_one_are_not() {
    let mut s = steered();
    s.turn_code(vec![set_entry("1", "a", Some(&long("x")))]);
    assert_eq!(s.root.values().len(), 0);
    s.say("go on");
    s.turn_code(vec![set_entry("2", "b", Some(&long("y")))]);
    assert_eq!(s.root.values().len(), 2);
    assert!(s.root.encode().len() < 3_000);
    let read = Root::decode(&s.root.encode(), &s.root.values()).expect("it reads back");
    assert_eq!(letters(&read), ["xy", ""]);
    let missing = Root::decode(&s.root.encode(), &Default::default());
    assert!(missing.is_err(), "a value that is missing is an error");
    // What nothing refers to any more is not among them.
    s.say("go on");
    s.turn_code(vec![set_entry("3", "b", None)]);
    assert_eq!(s.root.values().len(), 0);
}

#[test]
fn entries_of_an_earlier_version_are_read_beside_new_ones() {
    let mut s = steered();
    s.turn_code(write([("1", "a", "v"), ("2", "b", "w")]));
    // As they were written before there were versions.
    let conversation = s.root.conversation.as_mut().expect("it is one");
    conversation.state.versions.clear();
    let turn = conversation.turn.as_mut().expect("a turn runs");
    turn.context.state = conversation.state.clone();
    s.say("go on");
    s.turn_code(write([("3", "c", "x"), ("4", "d", "y")]));
    let values = s.root.values();
    assert_eq!(values.len(), 2, "those that have versions are apart");
    let read = Root::decode(&s.root.encode(), &values).expect("it reads back");
    assert_eq!(letters(&read), ["vwxy", "vw"]);
}
