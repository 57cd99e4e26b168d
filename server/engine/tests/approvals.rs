//! Approvals: bound to what is approved, decided once, or expired, or
//! withdrawn.

mod scenario;

use everturn_engine::decide::{self, Completion, DecideApproval};
use everturn_engine::event::{ApprovalOutcome, RunEvent};
use everturn_engine::limits;
use everturn_engine::rejection::Rejection;
use everturn_engine::value::{Payload, Span};
use scenario::{Scenario, approval, cancel, child, complete, payload, reply, target, timer};

const HOUR: Span = Span::from_secs(3600);

fn decision(s: &Scenario, id: &str, outcome: ApprovalOutcome) -> DecideApproval {
    let hash = s.root.approvals.get(&id.into());
    DecideApproval {
        approval_id: id.into(),
        outcome,
        arguments_hash: hash.map_or_else(Vec::new, |a| a.arguments_hash().to_vec()),
        changed_arguments: None,
        changed_budget: None,
        decider: "Bea".into(),
        comment: "fine".into(),
        request: 0.into(),
    }
}

fn decide(s: &mut Scenario, decision: DecideApproval) -> Result<(), Rejection> {
    s.step(|tx| decide::decide_approval(tx, decision))
}

fn approve(s: &mut Scenario, id: &str) -> Result<(), Rejection> {
    let decision = decision(s, id, ApprovalOutcome::Approved);
    decide(s, decision)
}

/// The last notification of a run: outcome, decider and arguments.
fn told(s: &Scenario, slot: u32) -> (ApprovalOutcome, String, Option<Payload>) {
    match s.last_of(slot) {
        RunEvent::ApprovalDecided { decided, .. } => (
            decided.outcome,
            decided.decider.to_string(),
            decided.arguments.clone(),
        ),
        other => panic!("not decided: {other:?}"),
    }
}

fn asked(arguments: &str, expires_after: Option<Span>) -> Scenario {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    s.run_code(slot, vec![approval("refund", arguments, expires_after)])
        .expect("valid");
    s
}

#[test]
fn a_run_does_not_end_before_its_code_was_given_what_a_person_decided() {
    let mut s = Scenario::new("w1");
    s.start();
    let commands = vec![approval("refund", "1", None), timer("remind", 5)];
    s.run_code(1, commands).expect("valid");
    s.wait(Span::from_secs(5));
    let token = s.begin(1);
    let seen = s.root.runs[&1].last_event;
    approve(&mut s, "w1/refund").expect("waits");
    let refused =
        s.step(|tx| decide::complete_task(tx, token, Completion::new(seen, vec![complete()])));
    assert_eq!(refused, Err(Rejection::UnreadEvents { after: seen }));
    s.must(|tx| decide::complete_task(tx, token, Completion::new(seen + 1, vec![complete()])));
}

#[test]
fn an_approval_is_named_after_its_run_and_key_and_wakes_the_code() {
    let mut s = asked("{\"amount\":900}", None);
    let open = &s.root.approvals[&"w1/refund".into()];
    assert_eq!((open.slot, open.key.as_str()), (1, "refund"));
    assert_eq!(open.workflow_id.as_str(), "w1");
    approve(&mut s, "w1/refund").expect("waits");
    assert_eq!(s.offers(), ["task of 1"]);
    let arguments = Some(payload("{\"amount\":900}"));
    let approved = (ApprovalOutcome::Approved, "Bea".to_owned(), arguments);
    assert_eq!(told(&s, 1), approved);
    let journal = ["Started", "ApprovalRequested", "ApprovalDecided"];
    assert_eq!(s.journal(1), journal);
}

#[test]
fn a_decision_is_bound_to_the_hash_of_the_arguments() {
    let mut s = asked("{\"amount\":900}", None);
    let mut stale = decision(&s, "w1/refund", ApprovalOutcome::Approved);
    stale.arguments_hash[0] ^= 1;
    assert_eq!(decide(&mut s, stale), Err(Rejection::ApprovalChanged));
    let mut short = decision(&s, "w1/refund", ApprovalOutcome::Rejected);
    short.arguments_hash.pop();
    assert_eq!(decide(&mut s, short), Err(Rejection::ApprovalChanged));
    // SHA-256 of the three bytes "abc", FIPS 180-4.
    let s = asked("abc", None);
    let hash = s.root.approvals[&"w1/refund".into()].arguments_hash();
    assert_eq!(hash[..4], [0xba, 0x78, 0x16, 0xbf]);
}

#[test]
fn changed_arguments_are_what_is_approved() {
    let mut s = asked("{\"amount\":900}", None);
    let mut changed = decision(&s, "w1/refund", ApprovalOutcome::ApprovedWithChanges);
    changed.changed_arguments = Some(payload("{\"amount\":100}"));
    decide(&mut s, changed).expect("waits");
    let (outcome, _, arguments) = told(&s, 1);
    assert_eq!(outcome, ApprovalOutcome::ApprovedWithChanges);
    assert_eq!(arguments, Some(payload("{\"amount\":100}")));
}

#[test]
fn a_rejection_approves_nothing() {
    let mut s = asked("1", None);
    let rejected = decision(&s, "w1/refund", ApprovalOutcome::Rejected);
    decide(&mut s, rejected).expect("waits");
    let rejected = (ApprovalOutcome::Rejected, "Bea".to_owned(), None);
    assert_eq!(told(&s, 1), rejected);
}

#[test]
fn an_approval_is_decided_once_but_the_same_request_is_answered() {
    let mut s = asked("1", None);
    let mut first = decision(&s, "w1/refund", ApprovalOutcome::Approved);
    first.request = 5.into();
    decide(&mut s, first.clone()).expect("waits");
    let events = s.log.len();
    assert_eq!(decide(&mut s, first), Ok(()));
    assert_eq!(s.log.len(), events);
    let second = decision(&s, "w1/refund", ApprovalOutcome::Rejected);
    assert_eq!(decide(&mut s, second), Err(Rejection::ApprovalDecided));
}

#[test]
fn an_unknown_approval_is_not_found() {
    let mut s = asked("1", None);
    let missing = Err(Rejection::ApprovalNotFound);
    assert_eq!(approve(&mut s, "w1/other"), missing);
    assert_eq!(
        decide::approval_root(&"w1/refund".into())
            .root_id()
            .as_str(),
        "w1"
    );
}

#[test]
fn expiry_is_an_outcome_and_too_late_to_decide() {
    let mut s = asked("1", Some(HOUR));
    s.wait(Span(HOUR.0 - 1));
    assert_eq!(s.journal(1).len(), 2);
    s.wait(Span(1));
    let expired = (ApprovalOutcome::Expired, String::new(), None);
    assert_eq!(told(&s, 1), expired);
    let late = Err(Rejection::ApprovalExpired);
    assert_eq!(approve(&mut s, "w1/refund"), late);
}

#[test]
fn an_approval_that_is_due_to_expire_is_not_decided_before_the_deadline_is_met() {
    let mut s = asked("1", Some(HOUR));
    s.context.now = s.context.now + HOUR;
    let late = Err(Rejection::ApprovalExpired);
    assert_eq!(approve(&mut s, "w1/refund"), late);
}

#[test]
fn a_decision_in_time_stops_the_expiry() {
    let mut s = asked("1", Some(HOUR));
    s.restart();
    assert!(s.root.deadlines.next().is_some());
    approve(&mut s, "w1/refund").expect("waits");
    assert_eq!(s.root.deadlines.next(), None);
}

#[test]
fn closing_a_run_withdraws_what_it_asked() {
    let mut s = asked("1", Some(HOUR));
    s.must(|tx| decide::terminate_workflow(tx, &target("w1"), &"".into()));
    let ended = s.root.approvals[&"w1/refund".into()].ended.as_ref();
    let outcome = ended.map(|ended| ended.decided.outcome);
    assert_eq!(outcome, Some(ApprovalOutcome::Withdrawn));
    let late = Err(Rejection::ApprovalDecided);
    assert_eq!(approve(&mut s, "w1/refund"), late);
    assert_eq!(s.root.deadlines.next(), None);
}

#[test]
fn the_code_takes_a_request_back_and_is_told() {
    let mut s = asked("1", None);
    let signal = decide::SignalWorkflow {
        target: target("w1"),
        name: "go".into(),
        input: payload("1"),
        request: 0.into(),
    };
    s.must(|tx| decide::signal_workflow(tx, signal));
    s.run_code(1, vec![cancel("refund")]).expect("valid");
    assert_eq!(s.journal(1)[3..], ["CommandCanceled", "ApprovalDecided"]);
    assert_eq!(told(&s, 1).0, ApprovalOutcome::Withdrawn);
    // Canceled again, there is nothing to take back.
    s.run_code(1, vec![cancel("refund")]).expect("valid");
    assert_eq!(s.journal(1)[5..], ["CommandCanceled"]);
}

#[test]
fn the_approval_of_a_child_belongs_to_its_root() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![child("sales")]);
    s.run_code(2, vec![approval("refund", "1", None)])
        .expect("valid");
    approve(&mut s, "c1/turn-1/sales/refund").expect("waits");
    assert_eq!(told(&s, 2).0, ApprovalOutcome::Approved);
    assert_eq!(s.journal(1).len(), 2, "only the child is told");
}

#[test]
fn no_run_takes_the_place_of_another_run_s_approval() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let commands = vec![
        child("x"),
        approval("x/y", "1", None),
        approval("x/z", "1", None),
    ];
    s.run_code(slot, commands).expect("valid");
    let token = s.begin(2);
    let commands = vec![approval("y", "2", None)];
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, commands)));
    assert!(matches!(s.last_of(2), RunEvent::CommandFailed { .. }));
    approve(&mut s, "w1/x/y").expect("waits");
    assert_eq!(told(&s, slot).2, Some(payload("1")));
    // Once it is decided the id is free, and means the other run's.
    approve(&mut s, "w1/x/z").expect("waits");
    s.run_code(2, vec![approval("z", "2", None)])
        .expect("valid");
    s.run_code(slot, vec![cancel("x/z")]).expect("valid");
    approve(&mut s, "w1/x/z").expect("waits");
    assert_eq!(told(&s, 2).2, Some(payload("2")));
}

#[test]
fn a_turn_may_wait_for_an_approval_while_the_customer_writes() {
    let mut s = Scenario::new("c1");
    s.say("refund me");
    s.turn_code(vec![approval("refund", "1", None)]);
    s.say("hello?");
    approve(&mut s, "c1/turn-1/refund").expect("waits");
    s.turn_code(vec![reply("r", "done"), complete()]);
    assert_eq!(s.turn_texts(), ["hello?"]);
}

#[test]
fn a_run_waits_for_a_bounded_number_of_approvals() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    let ask = |index: usize| approval(&format!("a{index}"), "1", None);
    let token = s.begin(slot);
    let over: Vec<_> = (0..=limits::PENDING_APPROVALS).map(ask).collect();
    s.must(|tx| decide::complete_task(tx, token, Completion::new(1, over)));
    assert!(matches!(s.last_of(slot), RunEvent::CommandFailed { .. }));
    assert_eq!(s.root.approvals.len(), limits::PENDING_APPROVALS);
}

#[test]
fn only_the_last_ended_approvals_are_remembered() {
    let mut s = Scenario::new("w1");
    let slot = s.start();
    for index in 0..limits::ENDED_APPROVALS + 5 {
        let key = format!("a{index:03}");
        s.run_code(slot, vec![approval(&key, "1", None)])
            .expect("valid");
        s.wait(Span(1));
        approve(&mut s, &format!("w1/{key}")).expect("waits");
    }
    assert_eq!(s.root.approvals.len(), limits::ENDED_APPROVALS);
    let forgotten = Err(Rejection::ApprovalNotFound);
    assert_eq!(approve(&mut s, "w1/a000"), forgotten);
    let known = Err(Rejection::ApprovalDecided);
    assert_eq!(approve(&mut s, "w1/a005"), known);
    // How the others ended is left to whoever shows it, also after a crash.
    for root in [&s.root, &s.folded()] {
        let forgotten = root.forgotten_approvals.iter();
        let ended = forgotten.map(|a| (a.id.as_str(), a.ended.is_some()));
        let ids: Vec<String> = (0..5).map(|index| format!("w1/a{index:03}")).collect();
        assert!(ended.eq(ids.iter().map(|id| (id.as_str(), true))));
    }
}

#[test]
fn an_approval_survives_a_restart() {
    let mut s = asked("1", Some(HOUR));
    s.root = s.folded();
    s.must(|tx| Ok(decide::resume(tx, decide::Tasks::AreLost)));
    s.restart();
    s.wait(HOUR);
    assert_eq!(told(&s, 1).0, ApprovalOutcome::Expired);
}
