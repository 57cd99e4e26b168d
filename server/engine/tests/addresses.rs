//! Channels and addresses: where a reply goes, and whether an adapter delivers
//! it.

mod scenario;

use std::collections::BTreeMap;

use everturn_engine::command::CommandKind;
use everturn_engine::decide::{self, UpdateConversation};
use everturn_engine::limits;
use everturn_engine::rejection::Rejection;
use scenario::{Scenario, complete, payload, reply};

/// A customer with an address on "email" has written, and a turn runs.
fn open() -> Scenario {
    let mut s = Scenario::new("c1");
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    s
}

#[test]
fn an_empty_address_of_an_event_is_none() {
    let mut s = Scenario::new("c1");
    let event = |addresses: &[(&str, &str)]| {
        let addresses = addresses.iter();
        decide::SubmitEvent {
            opening: Scenario::new("c1").opening(),
            event_type: "late".into(),
            event_id: "".into(),
            payload: payload("1"),
            addresses: addresses.map(|(c, a)| ((*c).into(), (*a).into())).collect(),
            reply_channel: "email".into(),
        }
    };
    let empty = event(&[("email", "")]);
    s.must(|tx| decide::submit_event(tx, empty));
    s.turn_code(vec![reply("r", "it is late"), complete()]);
    assert!(s.conversation().deliveries.is_empty(), "it goes nowhere");
    let known = event(&[("email", "ada@example.org")]);
    s.must(|tx| decide::submit_event(tx, known));
    let empty = event(&[("email", "")]);
    s.must(|tx| decide::submit_event(tx, empty));
    let kept = s.conversation().addresses.get(&"email".into());
    assert_eq!(
        kept.map(|address| address.as_str()),
        Some("ada@example.org")
    );
}

#[test]
fn a_message_without_an_address_for_its_channel_is_not_delivered() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![reply("r", "hi"), complete()]);
    assert!(s.conversation().deliveries.is_empty());
    assert!(s.root.is_waiting());
}

#[test]
fn the_channel_of_the_messages_is_replied_by_unless_code_says_so() {
    let mut s = open();
    s.submit_by("sms", "+49", "m2", "now by phone")
        .expect("accepted");
    let mut by_sms = reply("b", "two");
    if let CommandKind::SendMessage(draft) = &mut by_sms.kind {
        draft.channel = "sms".into();
    }
    s.turn_code(vec![reply("a", "one"), by_sms]);
    assert_eq!(
        s.offers(),
        [
            "message 3 attempt 1 on deliver.email",
            "message 4 attempt 1 on deliver.sms"
        ]
    );
}

#[test]
fn messages_that_are_only_read_do_not_count_as_deliveries() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    let keys = (0..300).map(|index| format!("r{index}"));
    s.turn_code(keys.map(|key| reply(&key, "x")).collect());
    assert_eq!(s.conversation().message_count, 301);
}

#[test]
fn addresses_are_set_and_removed_by_channel_and_bounded() {
    let mut s = open();
    let update = |s: &mut Scenario, pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        let request = UpdateConversation {
            labels: BTreeMap::new(),
            addresses: pairs.collect(),
            policy: Box::new(|_| {}),
            reply_channel: "sms".into(),
            type_name: "".into(),
            task_queue: "".into(),
            opt_outs: Default::default(),
        };
        s.step(|tx| decide::update_conversation(tx, request))
    };
    update(&mut s, &[("email", ""), ("sms", "+49")]).expect("valid");
    s.turn_code(vec![reply("r", "hi")]);
    assert_eq!(s.offers(), ["message 2 attempt 1 on deliver.sms"]);
    let many: Vec<String> = (0..limits::ADDRESSES).map(|i| i.to_string()).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|c| (c.as_str(), "x")).collect();
    let refused = update(&mut s, &many);
    assert!(matches!(refused, Err(Rejection::LimitExceeded { .. })));
}
