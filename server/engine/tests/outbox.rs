//! The outbox: committed messages on their way to the customer.

mod scenario;

use everturn_engine::decide::{self, ActivityToken, Completion, DeliveryRef, Taker};
use everturn_engine::effect::Effect;
use everturn_engine::event::{DeliveryStatus as Status, Event, RunEvent};
use everturn_engine::limits;
use everturn_engine::rejection::Rejection;
use everturn_engine::state::delivery::{Delivery, SEND_TIMEOUT};
use everturn_engine::value::{Failure, FailureKind, Span};
use scenario::{Scenario, ask, complete, person, reply};

/// A customer with an address on "email" has written, and a turn runs.
fn open() -> Scenario {
    let mut s = Scenario::new("c1");
    s.submit_by("email", "ada@example.org", "m1", "hello")
        .expect("accepted");
    s
}

/// The turn's reply, message 2, waits for an adapter; the turn goes on.
fn replied() -> Scenario {
    let mut s = open();
    s.turn_code(vec![reply("r", "hi"), ask("more")]);
    s
}

fn delivery(s: &Scenario, sequence: u64) -> &Delivery {
    &s.conversation().deliveries[&sequence]
}

fn begin(s: &mut Scenario, sequence: u64, reconciles: bool) -> Result<ActivityToken, Rejection> {
    let attempt = delivery(s, sequence).attempt;
    let identity = "adapter".into();
    let taker = Taker {
        identity: &identity,
        reconciles,
    };
    let start = s.step(|tx| decide::begin_activity(tx, 0, sequence, attempt, taker))?;
    assert!(
        start.durable_first,
        "the start is on record before it leaves"
    );
    let task = start.delivery.expect("is a delivery");
    assert_eq!(task.address.as_str(), "ada@example.org");
    assert_eq!(task.message.sequence, sequence);
    let key = format!("c1/message-{sequence}");
    assert_eq!(task.idempotency_key.as_str(), key, "the same each time");
    Ok(ActivityToken {
        slot: 0,
        activity: sequence,
        attempt,
        epoch: start.epoch,
    })
}

fn accept(s: &mut Scenario, token: ActivityToken, id: &str) -> Result<(), Rejection> {
    s.step(|tx| decide::accept_delivery(tx, token, id.into()))
}

fn fail(s: &mut Scenario, token: ActivityToken, non_retryable: bool) {
    let failure = Failure {
        non_retryable,
        ..Failure::new(FailureKind::Application, "Bounced", "mailbox full")
    };
    s.must(|tx| decide::fail_activity(tx, token, failure, None));
}

fn lose(s: &mut Scenario, token: ActivityToken) {
    s.must(|tx| {
        decide::lose_activity(tx, 0, token.activity, token.attempt);
        Ok(())
    });
}

fn report(s: &mut Scenario, target: DeliveryRef, status: Status) -> Result<Status, Rejection> {
    s.step(|tx| decide::report_delivery(tx, scenario::receipt(target, status)))
}

/// What the run that sent the message was told.
fn told(s: &Scenario) -> Vec<Status> {
    let told = s.log.iter().filter_map(|(_, event)| match event {
        Event::Run {
            slot: 1,
            event: RunEvent::DeliveryChanged { status, .. },
            ..
        } => Some(*status),
        _ => None,
    });
    told.collect()
}

/// Attempts whose adapters were told by the last step to stop.
fn stopped(s: &Scenario) -> Vec<ActivityToken> {
    let stopped = s.effects.iter().filter_map(|effect| match effect {
        Effect::CancelActivity {
            slot,
            activity,
            attempt,
            epoch,
            fenced: true,
        } => Some(ActivityToken {
            slot: *slot,
            activity: *activity,
            attempt: *attempt,
            epoch: *epoch,
        }),
        _ => None,
    });
    stopped.collect()
}

#[test]
fn a_reply_goes_to_the_queue_of_its_channel_and_comes_back_accepted() {
    let mut s = replied();
    assert_eq!(s.offers(), ["message 2 attempt 1 on deliver.email"]);
    assert_eq!(delivery(&s, 2).status, Status::Pending);
    assert!(!s.root.is_waiting());
    let token = begin(&mut s, 2, false).expect("waits");
    assert_eq!(delivery(&s, 2).status, Status::Sending);
    accept(&mut s, token, "p1").expect("current");
    let done = delivery(&s, 2);
    assert_eq!(done.status, Status::Accepted);
    assert_eq!(done.provider_message_id.as_str(), "p1");
    assert!(done.message.is_none(), "nobody needs it any more");
    assert_eq!(told(&s), [Status::Accepted]);
    assert_eq!(accept(&mut s, token, "p1"), Err(Rejection::Fenced));
}

#[test]
fn a_failed_attempt_is_repeated_as_long_as_the_message_is_worth_sending() {
    let mut s = replied();
    let mut attempts = 0;
    let mut pause = Span(0);
    while delivery(&s, 2).status == Status::Pending {
        attempts += 1;
        let token = begin(&mut s, 2, false).expect("waits");
        fail(&mut s, token, false);
        let Some(next) = delivery(&s, 2).next_at else {
            break;
        };
        assert_eq!(begin(&mut s, 2, false), Err(Rejection::Stale), "too early");
        pause = next.since(s.context.now);
        s.wait(pause);
        assert_eq!(s.offers().len(), 1);
    }
    assert!(attempts > 280, "{attempts} attempts in a day");
    assert!(pause > Span::from_secs(250) && pause <= Span::from_secs(300));
    let passed = s.context.now.since(delivery(&s, 2).since());
    assert!(passed > Span::from_secs(86_000) && passed <= Span::from_secs(86_400));
    assert_eq!(delivery(&s, 2).status, Status::Failed);
    assert_eq!(delivery(&s, 2).detail.as_str(), "Bounced: mailbox full");
    assert_eq!(told(&s), [Status::Failed]);
}

#[test]
fn a_non_retryable_failure_is_the_end() {
    let mut s = replied();
    let token = begin(&mut s, 2, false).expect("waits");
    fail(&mut s, token, true);
    assert_eq!(delivery(&s, 2).status, Status::Failed);
    s.wait(Span::from_secs(1_000));
    assert_eq!(s.offers(), [""; 0]);
}

#[test]
fn a_lost_attempt_is_unknown_and_never_offered_again() {
    for by_timeout in [false, true] {
        let mut s = replied();
        let token = begin(&mut s, 2, false).expect("waits");
        if by_timeout {
            s.wait(SEND_TIMEOUT);
            assert_eq!(stopped(&s), [token], "its adapter may still be there");
        } else {
            lose(&mut s, token);
            assert_eq!(stopped(&s), [], "nobody is left to be told");
        }
        assert_eq!(delivery(&s, 2).status, Status::Unknown);
        assert_eq!(accept(&mut s, token, "p1"), Err(Rejection::Fenced));
        s.restart();
        s.wait(Span::from_secs(10_000));
        s.pause();
        s.resume();
        assert_eq!(begin(&mut s, 2, true), Err(Rejection::Stale));
        assert_eq!(told(&s), [Status::Unknown]);
        assert!(s.offers().is_empty());
    }
}

#[test]
fn an_attempt_that_is_under_way_over_a_restart_is_expected_back() {
    let mut s = replied();
    let token = begin(&mut s, 2, false).expect("waits");
    assert_eq!(s.restart(), [token]);
    assert_eq!(s.offers(), ["task of 1"; 0]);
    accept(&mut s, token, "p1").expect("it came back");
    assert_eq!(s.restart(), []);
}

#[test]
fn what_was_lost_by_an_adapter_that_reconciles_is_given_to_one_that_does() {
    let mut s = replied();
    let token = begin(&mut s, 2, true).expect("waits");
    lose(&mut s, token);
    assert_eq!(delivery(&s, 2).status, Status::Pending);
    s.wait(Span(0));
    assert_eq!(s.offers(), ["message 2 attempt 2 on deliver.email"]);
    let identity = "adapter".into();
    let taker = Taker {
        identity: &identity,
        reconciles: true,
    };
    let start = s.must(|tx| decide::begin_activity(tx, 0, 2, 2, taker));
    assert!(start.delivery.expect("is a delivery").reconcile);
    assert_eq!(told(&s), []);
}

#[test]
fn an_adapter_that_took_too_long_is_told_to_stop_before_another_is_asked() {
    let mut s = replied();
    let slow = begin(&mut s, 2, true).expect("waits");
    s.wait(SEND_TIMEOUT);
    assert_eq!(stopped(&s), [slow]);
    let told = |e: &Effect| matches!(e, Effect::CancelActivity { .. });
    let offered = |e: &Effect| matches!(e, Effect::OfferActivity { .. });
    let told = s.effects.iter().position(told);
    let offered = s.effects.iter().position(offered);
    assert!(told < offered, "{:?}", s.effects);
}

#[test]
fn what_has_to_be_reconciled_is_unknown_when_the_adapter_at_hand_cannot() {
    let mut s = replied();
    let token = begin(&mut s, 2, true).expect("waits");
    lose(&mut s, token);
    s.wait(Span(0));
    assert_eq!(begin(&mut s, 2, false), Err(Rejection::Stale));
    s.must(|tx| {
        decide::refuse_delivery(tx, 2, 2);
        Ok(())
    });
    assert_eq!(delivery(&s, 2).status, Status::Unknown);
}

#[test]
fn a_second_adapter_is_not_given_what_the_first_may_have() {
    let mut s = replied();
    let first = begin(&mut s, 2, false).expect("waits");
    assert_eq!(begin(&mut s, 2, false), Err(Rejection::Stale));
    s.must(|tx| {
        decide::refuse_delivery(tx, 2, 1);
        Ok(())
    });
    assert_eq!(delivery(&s, 2).status, Status::Unknown);
    assert_eq!(stopped(&s), [first]);
}

#[test]
fn an_attempt_that_never_left_goes_back_into_its_queue() {
    let mut s = replied();
    begin(&mut s, 2, false).expect("waits");
    s.must(|tx| {
        decide::return_delivery(tx, 2, 1);
        Ok(())
    });
    s.wait(Span(0));
    assert_eq!(s.offers(), ["message 2 attempt 2 on deliver.email"]);
    begin(&mut s, 2, false).expect("waits");
}

#[test]
fn receipts_only_move_forward() {
    let mut s = replied();
    let token = begin(&mut s, 2, false).expect("waits");
    accept(&mut s, token, "p1").expect("current");
    let by_id = || DeliveryRef::ProviderId("p1".into());
    assert_eq!(report(&mut s, by_id(), Status::Read), Ok(Status::Read));
    let events = s.log.len();
    for late in [
        Status::Delivered,
        Status::Failed,
        Status::Accepted,
        Status::Read,
    ] {
        assert_eq!(report(&mut s, by_id(), late), Ok(Status::Read));
    }
    assert_eq!(s.log.len(), events);
    assert_eq!(told(&s), [Status::Accepted, Status::Read]);
    let unknown = Err(Rejection::DeliveryNotFound);
    let other = DeliveryRef::ProviderId("p2".into());
    assert_eq!(report(&mut s, other, Status::Read), unknown);
    let inbound = DeliveryRef::Sequence(1);
    assert_eq!(report(&mut s, inbound, Status::Read), unknown);
    let mut none = Scenario::new("c2");
    let missing = Err(Rejection::ConversationNotFound);
    let target = DeliveryRef::Sequence(1);
    assert_eq!(report(&mut none, target, Status::Read), missing);
}

#[test]
fn a_receipt_settles_what_was_unknown() {
    let mut s = replied();
    let token = begin(&mut s, 2, false).expect("waits");
    lose(&mut s, token);
    let target = DeliveryRef::Sequence(2);
    let settled = report(&mut s, target, Status::Delivered);
    assert_eq!(settled, Ok(Status::Delivered));
    assert_eq!(told(&s), [Status::Unknown, Status::Delivered]);
}

#[test]
fn a_receipt_that_overtakes_the_adapter_stands_and_the_id_is_still_learned() {
    let mut s = replied();
    let token = begin(&mut s, 2, false).expect("waits");
    let target = DeliveryRef::Sequence(2);
    let ahead = report(&mut s, target, Status::Delivered);
    assert_eq!(ahead, Ok(Status::Delivered));
    accept(&mut s, token, "p1").expect("says what the id is");
    assert_eq!(delivery(&s, 2).status, Status::Delivered);
    assert_eq!(told(&s), [Status::Delivered]);
    let by_id = DeliveryRef::ProviderId("p1".into());
    assert_eq!(report(&mut s, by_id, Status::Read), Ok(Status::Read));
    assert_eq!(accept(&mut s, token, "p2"), Err(Rejection::Fenced));
    s.wait(SEND_TIMEOUT);
    assert_eq!(delivery(&s, 2).status, Status::Read);
}

#[test]
fn only_an_open_run_is_told_of_its_messages() {
    let mut s = open();
    s.turn_code(vec![reply("r", "hi"), complete()]);
    let token = begin(&mut s, 2, false).expect("waits");
    accept(&mut s, token, "p1").expect("current");
    assert_eq!(told(&s), []);
    s.hand_off(person("Bea"));
    let sequence = s.write("Bea", "hi, I am Bea", 0).expect("is hers");
    assert_eq!(s.offers(), ["message 4 attempt 1 on deliver.email"]);
    let token = begin(&mut s, sequence, false).expect("waits");
    accept(&mut s, token, "p2").expect("current");
    assert_eq!(s.journal(1), ["Started", "MessageSent", "Closed"]);
}

#[test]
fn only_so_many_deliveries_are_under_way_and_remembered() {
    let mut s = open();
    let over = limits::DELIVERIES + 1;
    let replies = |count: usize| {
        let keys = (0..count).map(|index| format!("r{index}"));
        keys.map(|key| reply(&key, "x")).collect::<Vec<_>>()
    };
    let token = s.begin(1);
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, replies(over))));
    assert!(matches!(s.last_of(1), RunEvent::CommandFailed { .. }));
    s.hand_off(person("Bea"));
    let refused = s.write("Bea", "one more", 0);
    assert!(matches!(refused, Err(Rejection::LimitExceeded { .. })));
    let first = begin(&mut s, 2, false).expect("waits");
    accept(&mut s, first, "p1").expect("current");
    s.write("Bea", "one more", 0).expect("has room");
    assert_eq!(s.conversation().deliveries.len(), limits::DELIVERIES);
    let forgotten = report(&mut s, DeliveryRef::Sequence(2), Status::Read);
    assert_eq!(forgotten, Err(Rejection::DeliveryNotFound));
}
