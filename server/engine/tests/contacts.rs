//! Contacts, imports, merges and typing: customers, not only conversations.

mod scenario;

use everturn_engine::decide::{self, Absorb, Assign, ImportConversation};
use everturn_engine::effect::Effect;
use everturn_engine::policy::{OptOut, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::contact::Contact;
use everturn_engine::text::Text;
use everturn_engine::value::{AuthorKind, Message, Span, Time};
use scenario::{Scenario, complete, content, reply, texts};

fn assign(s: &mut Scenario, assign: Assign) -> (String, String) {
    let contact = s.must(|tx| Ok(decide::assign_contact(tx, assign)));
    (
        contact.conversation.to_string(),
        contact.previous.to_string(),
    )
}

#[test]
fn a_contact_has_one_conversation_until_that_takes_no_messages() {
    let mut s = Scenario::new("~contact:1");
    let (first, _) = assign(&mut s, Assign::Find);
    assert!(first.starts_with("c-"));
    assert_eq!(assign(&mut s, Assign::Find).0, first, "found again");
    let of_another = Assign::Replace {
        of: "other".into(),
        with: None,
    };
    assert_eq!(assign(&mut s, of_another).0, first, "somebody was faster");
    let closed = Assign::Replace {
        of: first.as_str().into(),
        with: None,
    };
    let (second, previous) = assign(&mut s, closed);
    assert_ne!(second, first);
    assert_eq!(previous, first);
    assert_eq!(assign(&mut s, Assign::Claim("c9".into())).0, second);
    assert_eq!(assign(&mut s, Assign::Point("c9".into())).0, "c9");
    let events = s.log.len();
    assert_eq!(assign(&mut s, Assign::Point("c9".into())).1, second);
    assert_eq!(s.log.len(), events, "nothing changed");
    s.restart();
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn an_address_is_one_contact_however_it_is_written() {
    let id = |channel: &str, address: &str| Contact::root_id(&channel.into(), &address.into());
    assert_eq!(
        id("email", "Ada@Example.org"),
        id("email", "ada@example.org")
    );
    assert_ne!(id("chat", "Ada"), id("chat", "ada"), "an id of a provider");
    assert_ne!(id("email", "x"), id("emai", "lx"));
    assert!(!id("email", "ada@example.org").as_str().contains("ada"));
}

fn imported(count: u64, after: u64) -> ImportConversation {
    let s = Scenario::new("");
    let message = |at: u64| Message {
        sequence: 0,
        author: if at.is_multiple_of(2) {
            AuthorKind::Agent
        } else {
            AuthorKind::Customer
        },
        author_name: "Ada".into(),
        channel: "email".into(),
        provider_message_id: format!("m{at}").as_str().into(),
        content: content(&format!("old {at}")),
        time: Time(at.cast_signed()),
        turn: 0,
        address: "ada@example.org".into(),
        is_automatic: false,
        is_note: false,
        change: None,
        origin: None,
    };
    ImportConversation {
        opening: s.opening(),
        addresses: [("email".into(), "ada@example.org".into())].into(),
        reply_channel: "email".into(),
        messages: (after + 1..=after + count).map(message).collect(),
        after,
    }
}

#[test]
fn an_imported_transcript_starts_no_turn_and_is_there_for_the_next_one() {
    let mut s = Scenario::new("c1");
    let import = |s: &mut Scenario, count, after| {
        s.step(|tx| decide::import_conversation(tx, imported(count, after)))
    };
    assert_eq!(import(&mut s, 3, 0), Ok(3));
    assert_eq!(import(&mut s, 3, 0), Ok(3), "the same part again");
    assert_eq!(import(&mut s, 4, 1), Ok(5), "it begins with what is there");
    assert_eq!(s.conversation().message_count, 5);
    assert_eq!(
        import(&mut s, 1, 9),
        Err(Rejection::ConversationExists { messages: 5 }),
        "a part is missing"
    );
    s.wait(Span::from_secs(60));
    assert!(s.turn_slot().is_none());
    assert_eq!(s.conversation().unanswered_since, None);
    let again = s.submit_by("email", "ada@example.org", "m1", "old 1");
    assert_eq!(again.map(|it| it.sequence), Ok(1), "a late webhook");

    s.submit_by("email", "ada@example.org", "m9", "new")
        .expect("accepted");
    assert_eq!(s.turn_texts(), ["new"]);
    let recent = texts(&s.turn().context.recent);
    assert_eq!(recent, ["old 1", "old 2", "old 3", "old 4", "old 5"]);
    assert_eq!(s.turn().reply_channel.as_str(), "email");
    assert_eq!(
        import(&mut s, 1, 5),
        Err(Rejection::ConversationExists { messages: 6 })
    );
    s.restart();
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn an_import_has_a_bound() {
    let mut s = Scenario::new("c1");
    let request = imported(1, 10_000);
    let refused = s.step(|tx| decide::import_conversation(tx, request));
    assert!(matches!(refused, Err(Rejection::LimitExceeded { .. })));
    assert!(!s.root.exists());
}

/// Brings what one conversation holds to another one, page by page.
fn carry(from: &mut Scenario, to: &mut Scenario, page: usize) {
    let id: Text = from.root.key.id.as_str().into();
    let moving = from.must(|tx| Ok(decide::moving(tx)));
    let Some(moving) = moving else {
        return;
    };
    let added = from
        .log
        .iter()
        .filter_map(|(_, event)| event.added_message());
    let messages: Vec<Message> = added.cloned().collect();
    let pages = messages.chunks(page).count().max(1);
    for at in 0..pages {
        let part = messages.chunks(page).nth(at).unwrap_or_default().to_vec();
        let absorb = Absorb {
            from: id.clone(),
            moving: moving.clone(),
            messages: part,
            is_last: at + 1 == pages,
        };
        to.must(|tx| decide::absorb(tx, absorb.clone()));
        to.must(|tx| decide::absorb(tx, absorb.clone()));
    }
    from.must(|tx| {
        decide::end_merge(tx);
        Ok(())
    });
}

#[test]
fn two_conversations_cannot_become_part_of_each_other() {
    let (mut one, mut other) = (Scenario::new("one"), Scenario::new("other"));
    one.say("hello");
    other.say("hello");
    one.must(|tx| decide::expect_merge(tx, &"other".into()));
    other.must(|tx| decide::expect_merge(tx, &"one".into()));
    let refused = one.step(|tx| decide::begin_merge(tx, "other".into()));
    assert_eq!(refused, Err(Rejection::MergeUnderWay));
    other.must(|tx| {
        decide::cancel_merge(tx, &"one".into());
        Ok(())
    });
    merge(&mut other, "one");
    carry(&mut other, &mut one, 10);
    assert!(one.conversation().is_open() && !other.conversation().is_open());
    assert_eq!(one.conversation().message_count, 2);
    merge(&mut one, "third");
    one.restart();
    assert_eq!(one.folded().encode(), one.root.encode());
}

fn merge(from: &mut Scenario, into: &str) {
    from.must(|tx| decide::begin_merge(tx, into.into()));
}

#[test]
fn merged_conversations_have_one_transcript_and_one_mailbox() {
    let quiet = TurnPolicy {
        quiet: Span::from_secs(5),
        max_wait: Span::from_secs(60),
        ..TurnPolicy::default()
    };
    let mut one = Scenario::with_policy("one", quiet);
    one.submit_by("sms", "+1", "s1", "where is it?")
        .expect("accepted");
    one.wait(Span::from_secs(6));
    one.turn_code(vec![reply("r", "on its way"), complete()]);
    one.wait(Span::from_secs(10));
    one.submit_by("sms", "+1", "s2", "when?").expect("accepted");
    one.happen("late");
    let mut other = Scenario::new("other");
    other.context.now = Time(1_000_000) + Span::from_secs(8);
    other
        .submit_by("email", "a@b.c", "e1", "hello")
        .expect("accepted");
    other.turn_code(vec![reply("r", "hi"), complete()]);
    other.wait(Span::from_secs(20));

    merge(&mut one, "other");
    assert!(!one.conversation().is_open());
    assert_eq!(
        one.effects
            .iter()
            .filter(|it| matches!(it, Effect::ConversationClosed { .. }))
            .count(),
        1
    );
    carry(&mut one, &mut other, 2);
    carry(&mut one, &mut other, 2);
    assert_eq!(other.turn_texts(), ["when?"]);
    assert_eq!(other.turn_events(), ["late"]);
    let recent = texts(&other.turn().context.recent);
    assert_eq!(
        recent,
        ["where is it?", "on its way", "hello", "hi"],
        "by time"
    );
    assert_eq!(other.conversation().message_count, 5);
    assert_eq!(other.conversation().addresses.len(), 2);
    let again = other.submit_by("sms", "+1", "s2", "when?");
    assert_eq!(again.map(|it| it.sequence), Ok(5), "it is known here");

    let gone = Err(Rejection::ConversationMerged("other".into()));
    assert_eq!(one.submit_by("sms", "+1", "s3", "?").map(|_| ()), gone);
    assert_eq!(one.step(|tx| decide::begin_merge(tx, "third".into())), gone);
    assert_eq!(
        one.step(|tx| decide::begin_merge(tx, "other".into())),
        Ok(())
    );
    for s in [&mut one, &mut other] {
        s.restart();
        assert_eq!(s.folded().encode(), s.root.encode());
    }
    assert_eq!(one.root.deadlines.next(), None, "it is done");
}

#[test]
fn a_merge_that_was_cut_off_goes_on_by_itself() {
    let mut one = Scenario::new("one");
    one.say("hello");
    merge(&mut one, "other");
    one.restart();
    one.wait(Span::from_secs(11));
    assert!(one.effects.contains(&Effect::Merge));
    assert!(
        one.root.deadlines.next().is_some(),
        "and once more after that"
    );
}

#[test]
fn what_a_running_turn_had_is_answered_in_the_other_one_alone() {
    let mut one = Scenario::new("one");
    one.say("hello");
    assert_eq!(one.turn_texts(), ["hello"]);
    one.happen("late");
    let mut other = Scenario::new("other");
    other.say("hi");
    other.turn_code(vec![reply("r", "hi"), complete()]);
    merge(&mut one, "other");
    assert!(one.turn_slot().is_none());
    assert!(one.conversation().unanswered.is_empty());
    assert_eq!(one.conversation().unanswered_since, None);
    carry(&mut one, &mut other, 10);
    assert_eq!(other.turn_texts(), ["hello"]);
    assert_eq!(other.turn_events(), ["late"]);
    assert_eq!(one.folded().encode(), one.root.encode());
}

#[test]
fn what_was_changed_or_refused_before_a_merge_stays_so() {
    let slow = TurnPolicy {
        quiet: Span::from_secs(5),
        max_wait: Span::from_secs(60),
        ..TurnPolicy::default()
    };
    let mut one = Scenario::with_policy("one", slow);
    one.submit("m1", "order 6").expect("accepted");
    one.submit("m2", "please").expect("accepted");
    for (id, text) in [("m1", Some("order 7")), ("m2", None)] {
        let request = decide::ChangeMessage {
            channel: "chat".into(),
            address: "".into(),
            provider_message_id: id.into(),
            content: text.map(content),
        };
        one.must(|tx| decide::change_message(tx, request));
    }
    let update = decide::UpdateConversation {
        labels: [("shop".into(), "7".into())].into(),
        addresses: Default::default(),
        policy: Box::new(|_| {}),
        reply_channel: "".into(),
        type_name: "".into(),
        task_queue: "".into(),
        opt_outs: [("sms".into(), Some(OptOut::All))].into(),
    };
    one.must(|tx| decide::update_conversation(tx, update));
    let mut other = Scenario::new("other");
    other.say("hi");
    other.turn_code(vec![complete()]);
    other.close();
    merge(&mut one, "other");
    carry(&mut one, &mut other, 1);
    assert_eq!(other.turn_texts(), ["order 7"], "a closed one opens for it");
    let conversation = other.conversation();
    assert_eq!(conversation.opt_outs[&"sms".into()], OptOut::All);
    assert_eq!(other.root.labels[&"shop".into()].as_str(), "7");
    assert_eq!(other.folded().encode(), other.root.encode());
}

#[test]
fn who_types_is_waited_for_but_not_for_ever() {
    let policy = TurnPolicy {
        quiet: Span::from_secs(2),
        max_wait: Span::from_secs(20),
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    let typing = |s: &mut Scenario, is_typing| {
        let events = s.log.len();
        s.must(|tx| decide::submit_typing(tx, true, is_typing));
        assert!(!is_typing || s.log.len() == events, "it is not recorded");
    };
    s.say("hello");
    for _ in 0..5 {
        s.wait(Span::from_secs(1));
        typing(&mut s, true);
    }
    assert!(s.turn_slot().is_none());
    typing(&mut s, false);
    assert_eq!(
        s.turn_texts(),
        ["hello"],
        "who stops has waited long enough"
    );
    s.turn_code(vec![complete()]);

    s.say("one more");
    for _ in 0..25 {
        typing(&mut s, true);
        s.wait(Span::from_secs(1));
    }
    assert_eq!(s.turn_texts(), ["one more"], "at most the longest wait");
    s.turn_code(vec![complete()]);

    s.say("and");
    typing(&mut s, true);
    s.restart();
    s.wait(Span::from_secs(3));
    assert_eq!(s.turn_texts(), ["and"], "after a restart nobody types");
}
