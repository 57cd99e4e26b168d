//! Deliveries in order and on the right channel; addresses that fail, customers
//! who do not want to hear more, machines that talk with machines.

mod scenario;

use std::collections::BTreeMap;

use everturn_engine::decide::{
    self, ActivityToken, DeliveryRef, DeliveryTask, InReplyTo, ReportDelivery, ResendMessage,
    SubmitMessage,
};
use everturn_engine::event::{DeliveryStatus as Status, SuppressReason, TurnCause};
use everturn_engine::limits;
use everturn_engine::policy::{
    AfterCap, ChannelPolicy, OnAutomatic, OnBusy, OnUndeliverable, OptOut, TurnCap, TurnPolicy,
};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::conversation::Conversation;
use everturn_engine::value::{Assignee, Failure, FailureKind, Span};
use everturn_engine::waiting::{self, WaitReason};
use scenario::{Scenario, ask, complete, person, reply, team, texts};

const HOUR: Span = Span::from_secs(3_600);

fn open(policy: TurnPolicy) -> Scenario {
    let mut s = Scenario::with_policy("c1", policy);
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    s
}

fn begin(s: &mut Scenario, sequence: u64) -> Option<(ActivityToken, DeliveryTask)> {
    let attempt = s.conversation().deliveries[&sequence].attempt;
    let identity = "adapter".into();
    let taker = scenario::taker(&identity);
    let begun = s.step(|tx| decide::begin_activity(tx, 0, sequence, attempt, taker));
    let start = begun.ok()?;
    let token = ActivityToken {
        slot: 0,
        activity: sequence,
        attempt,
        epoch: start.epoch,
    };
    Some((token, *start.delivery.expect("is a delivery")))
}

fn accept(s: &mut Scenario, sequence: u64, id: &str) {
    let (token, _) = begin(s, sequence).expect("may start");
    s.must(|tx| decide::accept_delivery(tx, token, id.into()));
}

fn fail(s: &mut Scenario, sequence: u64, non_retryable: bool) {
    let (token, _) = begin(s, sequence).expect("may start");
    let failure = Failure {
        non_retryable,
        ..Failure::new(FailureKind::Application, "Bounced", "no such user")
    };
    s.must(|tx| decide::fail_activity(tx, token, failure, None));
}

fn status(s: &Scenario, sequence: u64) -> Status {
    s.conversation().deliveries[&sequence].status
}

fn wait_of(s: &Scenario, sequence: u64) -> Option<WaitReason> {
    let conversation = s.conversation();
    let delivery = &conversation.deliveries[&sequence];
    waiting::delivery(conversation, delivery).map(|wait| wait.reason)
}

#[test]
fn replies_to_one_address_leave_in_order_however_slow_the_first_is() {
    let mut s = open(TurnPolicy::default());
    s.turn_code(vec![reply("a", "1"), reply("b", "2"), reply("c", "3")]);
    assert_eq!(s.offers(), ["message 2 attempt 1 on deliver.email"]);
    assert!(begin(&mut s, 3).is_none(), "it is held back");
    assert_eq!(wait_of(&s, 3), Some(WaitReason::EarlierDelivery));
    fail(&mut s, 2, false);
    assert!(begin(&mut s, 3).is_none(), "the first one is tried again");
    s.restart();
    assert!(begin(&mut s, 3).is_none());
    s.wait(Span::from_secs(2));
    accept(&mut s, 2, "p2");
    assert_eq!(s.offers()[0], "message 3 attempt 1 on deliver.email");
    accept(&mut s, 3, "p3");
    accept(&mut s, 4, "p4");
}

#[test]
fn a_delivery_holds_back_the_rest_only_so_long() {
    let mut s = open(TurnPolicy::default());
    s.turn_code(vec![reply("a", "1"), reply("b", "2")]);
    fail(&mut s, 2, false);
    s.wait(Span::from_secs(limits::DELIVERY_HOLD_SECONDS - 1));
    assert!(begin(&mut s, 3).is_none());
    s.restart();
    s.wait(Span::from_secs(1));
    assert!(
        s.offers()
            .contains(&"message 3 attempt 1 on deliver.email".to_owned())
    );
    accept(&mut s, 3, "p3");
}

#[test]
fn other_channels_are_not_held_back() {
    let mut s = open(TurnPolicy::default());
    s.submit_by("sms", "+49", "m2", "me too").expect("accepted");
    s.turn_code(vec![reply("a", "1"), complete()]);
    s.turn_code(vec![reply("b", "2"), complete()]);
    assert!(begin(&mut s, 3).is_some() && begin(&mut s, 4).is_some());
}

#[test]
fn a_reply_goes_by_the_channel_of_the_messages_that_it_answers() {
    let mut s = open(TurnPolicy::default());
    let token = s.begin(1);
    s.submit_by("sms", "+49", "m2", "and by the way")
        .expect("accepted");
    let completion = decide::Completion::new(1, vec![reply("a", "to the mail"), complete()]);
    s.must(|tx| decide::complete_task(tx, token, completion));
    s.turn_code(vec![reply("b", "to the text"), complete()]);
    let channel = |sequence| s.conversation().deliveries[&sequence].channel.to_string();
    assert_eq!(
        (channel(3), channel(4)),
        ("email".to_owned(), "sms".to_owned())
    );
}

#[test]
fn an_answer_that_comes_by_another_channel_is_replied_to_there() {
    let steering = TurnPolicy {
        on_busy: OnBusy::Steer,
        ..TurnPolicy::default()
    };
    for policy in [TurnPolicy::default(), steering] {
        let steers = policy.on_busy == OnBusy::Steer;
        let mut s = open(policy);
        s.turn_code(if steers { Vec::new() } else { vec![ask("q")] });
        s.submit_by("sms", "+49", "m2", "number 7")
            .expect("accepted");
        s.turn_code(vec![reply("a", "thanks"), complete()]);
        assert_eq!(s.conversation().deliveries[&3].channel.as_str(), "sms");
    }
}

#[test]
fn each_attempt_goes_to_the_present_address() {
    let mut s = open(TurnPolicy::default());
    s.turn_code(vec![reply("a", "1"), complete()]);
    fail(&mut s, 2, false);
    s.submit_by("email", "ada@new.example", "m2", "my new address")
        .expect("accepted");
    s.wait(Span::from_secs(2));
    let (_, task) = begin(&mut s, 2).expect("may start");
    assert_eq!(task.address.as_str(), "ada@new.example");
    let delivery = &s.conversation().deliveries[&2];
    assert_eq!(delivery.address.as_str(), "ada@new.example");
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn an_adapter_is_told_what_it_answers() {
    let mut s = Scenario::new("c1");
    let mail = |s: &mut Scenario, id: &str, subject: &str| {
        let mut content = scenario::content("hello");
        content.attributes = BTreeMap::from([("subject".into(), subject.into())]);
        let message = SubmitMessage {
            opening: s.opening(),
            channel: "email".into(),
            provider_message_id: id.into(),
            author_name: "".into(),
            content,
            customer_address: "ada@example.org".into(),
            is_automatic: false,
            opt_out: None,
        };
        s.must(|tx| decide::submit_message(tx, message));
    };
    mail(&mut s, "<1@ada>", "My order");
    s.turn_code(vec![reply("a", "1"), complete()]);
    accept(&mut s, 2, "<2@shop>");
    mail(&mut s, "<3@ada>", "Re: My order");
    s.turn_code(vec![reply("a", "2"), complete()]);
    let (_, task) = begin(&mut s, 4).expect("may start");
    let expected = InReplyTo {
        provider_message_ids: vec!["<3@ada>".into()],
        subject: "Re: My order".into(),
        references: ["<1@ada>", "<2@shop>", "<3@ada>"].map(Into::into).to_vec(),
    };
    assert_eq!(task.in_reply_to, expected);
}

#[test]
fn a_thread_keeps_its_first_message_and_its_last_ones() {
    let mut s = Scenario::new("c1");
    for number in 0..limits::THREAD_REFERENCES + 10 {
        let id = format!("<{number}@ada>");
        s.submit_by("email", "ada@example.org", &id, "hi")
            .expect("accepted");
    }
    let references = &s.conversation().threads[&"email".into()].references;
    assert_eq!(references.len(), limits::THREAD_REFERENCES);
    assert_eq!(references[0].as_str(), "<0@ada>");
    assert_eq!(references[1].as_str(), "<11@ada>");
}

fn undeliverable(then: OnUndeliverable) -> Scenario {
    let channel = ChannelPolicy {
        on_undeliverable: then,
        ..ChannelPolicy::default()
    };
    let mut s = open(TurnPolicy {
        channels: BTreeMap::from([("email".into(), channel)]),
        ..TurnPolicy::default()
    });
    s.submit_by("sms", "+49", "m2", "hello?").expect("accepted");
    s.turn_code(vec![reply("a", "1"), complete()]);
    s.turn_code(vec![complete()]);
    fail(&mut s, 3, true);
    let failed = &s.conversation().failed_addresses[&"email".into()];
    assert_eq!(failed.address.as_str(), "ada@example.org");
    s
}

#[test]
fn a_permanent_failure_marks_the_address_until_somebody_writes_from_it() {
    let mut s = undeliverable(OnUndeliverable::Nothing);
    assert_eq!(status(&s, 3), Status::Failed);
    s.submit_by("email", "ada@example.org", "m3", "I am back")
        .expect("accepted");
    assert!(s.conversation().failed_addresses.is_empty());
}

#[test]
fn a_message_that_cannot_be_delivered_goes_by_the_next_channel() {
    let mut s = undeliverable(OnUndeliverable::NextChannel);
    assert_eq!(s.offers(), ["message 3 attempt 2 on deliver.sms"]);
    let (token, task) = begin(&mut s, 3).expect("may start");
    assert_eq!(task.address.as_str(), "+49");
    s.must(|tx| decide::accept_delivery(tx, token, "p3".into()));
    assert_eq!(status(&s, 3), Status::Accepted);
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn a_message_that_cannot_be_delivered_is_handed_over_or_becomes_an_event() {
    let s = undeliverable(OnUndeliverable::HandOff(team("desk")));
    let handover = s.conversation().handover.as_ref().expect("is theirs");
    let reason = handover.reason.as_str();
    assert!(reason.ends_with("Bounced: no such user"), "{reason}");
    let s = undeliverable(OnUndeliverable::Event("bounced".into()));
    assert_eq!(s.turn_events(), ["bounced"]);
}

#[test]
fn a_message_is_sent_again_on_request() {
    let mut s = undeliverable(OnUndeliverable::Nothing);
    let resend = |s: &mut Scenario, channel: &str, request: u64| {
        let request = ResendMessage {
            sequence: 3,
            channel: channel.into(),
            request: request.into(),
        };
        s.step(|tx| decide::resend_message(tx, request))
    };
    assert!(matches!(
        resend(&mut s, "fax", 0),
        Err(Rejection::NotResendable(_))
    ));
    assert_eq!(resend(&mut s, "sms", 7), Ok(()));
    assert_eq!(resend(&mut s, "sms", 7), Ok(()), "again");
    assert!(matches!(
        resend(&mut s, "", 0),
        Err(Rejection::NotResendable(_))
    ));
    assert_eq!(s.conversation().deliveries[&3].attempt, 2);
    accept(&mut s, 3, "p3");
    assert!(matches!(
        resend(&mut s, "", 0),
        Err(Rejection::NotResendable(_))
    ));
}

fn report(s: &mut Scenario, channel: &str, id: &str, status: Status) -> Result<Status, Rejection> {
    let receipt = ReportDelivery {
        target: DeliveryRef::ProviderId(id.into()),
        channel: channel.into(),
        status: Some(status),
        detail: "says the provider".into(),
    };
    s.step(|tx| decide::report_delivery(tx, receipt))
}

#[test]
fn a_receipt_belongs_to_a_channel_and_an_id() {
    let mut s = open(TurnPolicy::default());
    s.submit_by("sms", "+49", "m2", "me too").expect("accepted");
    s.turn_code(vec![reply("a", "1"), complete()]);
    s.turn_code(vec![reply("b", "2"), complete()]);
    accept(&mut s, 3, "77");
    accept(&mut s, 4, "77");
    assert_eq!(
        report(&mut s, "email", "77", Status::Read),
        Ok(Status::Read)
    );
    assert_eq!(
        (status(&s, 3), status(&s, 4)),
        (Status::Read, Status::Accepted)
    );
    let unknown = report(&mut s, "email", "78", Status::Read);
    assert_eq!(unknown, Err(Rejection::DeliveryNotFound));
}

#[test]
fn a_receipt_that_comes_before_the_id_is_kept_for_its_message() {
    let mut s = open(TurnPolicy::default());
    s.turn_code(vec![reply("a", "1"), complete()]);
    let (token, _) = begin(&mut s, 2).expect("may start");
    assert_eq!(
        report(&mut s, "email", "p2", Status::Delivered),
        Ok(Status::Delivered)
    );
    assert_eq!(status(&s, 2), Status::Sending);
    s.restart();
    s.must(|tx| decide::accept_delivery(tx, token, "p2".into()));
    assert_eq!(status(&s, 2), Status::Delivered);
    assert_eq!(s.folded().encode(), s.root.encode());
}

#[test]
fn a_receipt_without_a_name_changes_nothing() {
    let mut s = open(TurnPolicy::default());
    s.turn_code(vec![reply("a", "1"), complete()]);
    accept(&mut s, 2, "p2");
    let receipt = ReportDelivery {
        target: DeliveryRef::ProviderId("p2".into()),
        channel: "email".into(),
        status: None,
        detail: "code 4711".into(),
    };
    let stands = s.must(|tx| decide::report_delivery(tx, receipt));
    assert_eq!(stands, Status::Accepted);
}

fn opted_out(s: &mut Scenario, opt_out: Option<OptOut>) {
    let message = SubmitMessage {
        opening: s.opening(),
        channel: "email".into(),
        provider_message_id: "".into(),
        author_name: "".into(),
        content: scenario::content("STOP"),
        customer_address: "ada@example.org".into(),
        is_automatic: false,
        opt_out: Some(opt_out),
    };
    s.must(|tx| decide::submit_message(tx, message));
}

#[test]
fn who_opts_out_is_not_written_to_first() {
    let mut s = open(TurnPolicy::default());
    s.turn_code(vec![complete()]);
    opted_out(&mut s, Some(OptOut::Proactive));
    s.turn_code(vec![reply("a", "as you wish"), complete()]);
    assert_eq!(s.sent(), ["as you wish"], "an answer");
    s.happen("sale");
    s.turn_code(vec![reply("a", "buy!"), complete()]);
    assert_eq!(
        s.suppressed(),
        [("buy!".to_owned(), SuppressReason::OptedOut)]
    );
}

#[test]
fn who_wants_nothing_gets_nothing_until_they_say_so() {
    let mut s = open(TurnPolicy::default());
    s.turn_code(vec![complete()]);
    opted_out(&mut s, Some(OptOut::All));
    s.turn_code(vec![reply("a", "sorry"), complete()]);
    assert_eq!(
        s.suppressed(),
        [("sorry".to_owned(), SuppressReason::OptedOut)]
    );
    s.hand_off(person("Bea"));
    let refused = s.write("Bea", "sorry", 0);
    assert_eq!(refused, Err(Rejection::OptedOut("email".to_owned())));
    opted_out(&mut s, None);
    assert!(s.conversation().opt_outs.is_empty());
    assert!(s.write("Bea", "hello", 0).is_ok());
}

fn automatic(s: &mut Scenario, address: &str, is_automatic: bool) {
    let message = SubmitMessage {
        opening: s.opening(),
        channel: "email".into(),
        provider_message_id: "".into(),
        author_name: "".into(),
        content: scenario::content("I am out of the office"),
        customer_address: address.into(),
        is_automatic,
        opt_out: None,
    };
    s.must(|tx| decide::submit_message(tx, message));
}

#[test]
fn a_machines_message_is_in_the_transcript_and_starts_no_turn() {
    let mut s = open(TurnPolicy {
        own_addresses: vec!["support@shop.example".into()],
        ..TurnPolicy::default()
    });
    s.turn_code(vec![reply("a", "1"), complete()]);
    automatic(&mut s, "ada@example.org", true);
    automatic(&mut s, "support@shop.example", false);
    assert!(s.turn_slot().is_none());
    let conversation: &Conversation = s.conversation();
    assert_eq!(conversation.message_count, 4);
    assert_eq!(conversation.unanswered_since, None);
    assert_eq!(
        conversation.addresses[&"email".into()].as_str(),
        "ada@example.org"
    );
    let recent = texts(&conversation.recent);
    assert_eq!(recent.len(), 4);
    s.set_policy(|policy| policy.on_automatic = OnAutomatic::Turn);
    automatic(&mut s, "ada@example.org", true);
    assert_eq!(s.turn().cause, TurnCause::Message);
}

/// Two machines talk until they must not.
fn talk(then: AfterCap) -> Scenario {
    let mut s = open(TurnPolicy {
        turn_cap: TurnCap {
            turns: 3,
            window: HOUR,
            then,
        },
        ..TurnPolicy::default()
    });
    for number in 0..4 {
        s.turn_code(vec![reply("a", &number.to_string()), complete()]);
        s.wait(Span::from_secs(60));
        s.submit_by("email", "ada@example.org", "", "thank you")
            .expect("accepted");
        if s.turn_slot().is_none() {
            break;
        }
    }
    s
}

#[test]
fn two_machines_do_not_talk_for_ever() {
    let mut s = talk(AfterCap::Wait);
    assert_eq!(s.sent(), ["0", "1", "2"]);
    let wait = waiting::conversation(&s.root).expect("waits");
    assert_eq!(
        (wait.reason, wait.detail.as_str()),
        (WaitReason::TurnCap, "3 turns in 3600 s")
    );
    s.restart();
    s.wait(Span(HOUR.0 - 181_000_000));
    assert!(s.turn_slot().is_none());
    s.wait(Span::from_secs(1));
    assert_eq!(
        s.turn_texts(),
        ["thank you"],
        "the first one is an hour ago"
    );
    let s = talk(AfterCap::HandOff(Assignee::Team("desk".into())));
    let handover = s.conversation().handover.as_ref().expect("is theirs");
    assert!(
        handover
            .reason
            .as_str()
            .starts_with("3 turns in a short while")
    );
}

#[test]
fn the_cap_can_be_lifted() {
    let mut s = talk(AfterCap::Wait);
    s.set_policy(|policy| policy.turn_cap.turns = 0);
    assert_eq!(s.turn_texts(), ["thank you"]);
}

#[test]
fn a_note_is_in_the_transcript_and_answers_nobody() {
    let mut s = open(TurnPolicy::default());
    let note = |s: &mut Scenario| {
        let note = decide::AddNote {
            author_name: "Bea".into(),
            content: scenario::content("a difficult customer"),
            request: 7.into(),
        };
        s.step(|tx| decide::add_note(tx, note))
    };
    assert_eq!(note(&mut s), Ok(2));
    assert_eq!(note(&mut s), Ok(2), "again");
    assert!(s.conversation().deliveries.is_empty());
    assert!(s.conversation().unanswered_since.is_some());
    s.turn_code(vec![reply("a", "1"), complete()]);
    s.say("thanks");
    assert!(
        s.turn().context.recent.iter().any(|m| m.is_note),
        "agents see it"
    );
    assert_eq!(s.folded().encode(), s.root.encode());
}
