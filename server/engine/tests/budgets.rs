//! Usage and budgets: what activities use is added up; a bound that is
//! reached holds activities and asks.

mod scenario;

use everturn_engine::decide::{self, DecideApproval};
use everturn_engine::event::ApprovalOutcome;
use everturn_engine::policy::{Budget, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::run::Stage;
use everturn_engine::text::Text;
use everturn_engine::value::{Failure, FailureKind, Span, Usage};
use scenario::{Scenario, activity, child, complete, payload, reply, tokens};

fn budget(tokens: u64, cost_micros: u64) -> Budget {
    Budget {
        tokens,
        cost_micros,
        currency: "EUR".into(),
    }
}

fn bounded(tokens: u64, cost_micros: u64) -> Scenario {
    let policy = TurnPolicy {
        budget: Some(budget(tokens, cost_micros)),
        ..TurnPolicy::default()
    };
    let mut s = Scenario::with_policy("c1", policy);
    s.say("hello");
    s
}

fn cost(micros: u64, currency: &str) -> Usage {
    Usage {
        cost_micros: micros,
        currency: currency.into(),
        ..Usage::default()
    }
}

/// The approval that waits for a higher budget.
fn asked(s: &Scenario) -> Option<(Text, String)> {
    let mut open = s.root.approvals.values().filter(|a| a.ended.is_none());
    let open = open.find(|a| a.slot == 0)?;
    let bytes = open.request.arguments.data.0.to_vec();
    let arguments = String::from_utf8(bytes).expect("is JSON");
    Some((open.id.clone(), arguments))
}

fn decide(s: &mut Scenario, outcome: ApprovalOutcome, changed: Option<Budget>) {
    let (id, _) = asked(s).expect("an approval waits");
    let decision = DecideApproval {
        arguments_hash: s.root.approvals[&id].arguments_hash().to_vec(),
        approval_id: id,
        outcome,
        changed_arguments: None,
        changed_budget: changed,
        decider: "Bea".into(),
        comment: "".into(),
        request: 0.into(),
    };
    s.must(|tx| decide::decide_approval(tx, decision));
}

fn starts(s: &mut Scenario, activity: u64) -> bool {
    let worker = "w".into();
    let begun = s.step(|tx| decide::begin_activity(tx, 1, activity, 1, scenario::taker(&worker)));
    match begun {
        Ok(_) => true,
        Err(rejection) => {
            assert_eq!(rejection, Rejection::Stale);
            false
        }
    }
}

#[test]
fn usage_is_added_up_per_run_turn_and_conversation_with_children() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![activity("own"), child("kid")]);
    s.run_code(2, vec![activity("below")]).expect("valid");
    s.spend(1, "own", tokens(10, 1));
    s.spend(2, "below", tokens(100, 5));
    let run = |slot: u32| s.root.runs[&slot].usage.tokens();
    assert_eq!((run(1), run(2)), (11, 105));
    let conversation = s.conversation();
    assert_eq!(conversation.usage, tokens(110, 6));
    assert_eq!(conversation.turn_usage, tokens(110, 6));
    s.turn_code(vec![reply("r", "hi"), complete()]);
    s.say("again");
    assert_eq!(s.conversation().turn_usage, Usage::default());
    assert_eq!(s.conversation().usage, tokens(110, 6));
}

#[test]
fn failed_attempts_use_as_well() {
    let mut s = Scenario::new("c1");
    s.say("hello");
    s.turn_code(vec![activity("a")]);
    for non_retryable in [false, true] {
        s.wait(Span::from_secs(1));
        let token = s.take_activity(1, "a");
        let failure = Failure {
            non_retryable,
            ..Failure::new(FailureKind::Application, "Boom", "")
        };
        let usage = Some(Box::new(tokens(7, 0)));
        s.must(|tx| decide::fail_activity(tx, token, failure, usage));
    }
    assert_eq!(s.conversation().usage, tokens(14, 0));
}

#[test]
fn costs_of_another_currency_are_left_out() {
    let mut usage = cost(5, "EUR");
    usage.add(&cost(7, "EUR"));
    usage.add(&cost(100, "USD"));
    assert_eq!(usage, cost(12, "EUR"));
    assert!(budget(0, 12).is_reached(&usage));
    assert!(!budget(0, 13).is_reached(&usage));
    assert!(!budget(0, 0).is_reached(&usage), "0 is no bound");
    assert!(!budget(0, 1).is_reached(&cost(12, "USD")));
}

#[test]
fn a_budget_that_is_reached_stops_activities_and_asks_but_lets_the_code_run() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a"), activity("b")]);
    s.spend(1, "a", tokens(100, 0));
    assert!(s.conversation().budget_reached);
    let (id, arguments) = asked(&s).expect("an approval waits");
    assert_eq!(id.as_str(), "c1/budget-1");
    let raised = "{\"tokens\":200,\"costMicros\":0,\"currency\":\"EUR\"}";
    assert_eq!(arguments, raised);
    assert_eq!(s.offers(), ["task of 1"]);
    assert!(!starts(&mut s, 3), "it was offered before");
    s.turn_code(vec![activity("c"), reply("r", "a moment please")]);
    assert_eq!(s.offers(), [""; 0]);
    assert_eq!(s.sent(), ["a moment please"]);
    assert!(
        s.root.is_waiting(),
        "it may leave memory until somebody decides"
    );
    decide(&mut s, ApprovalOutcome::Approved, None);
    assert_eq!(
        s.offers(),
        ["activity 1/3 attempt 1", "activity 1/5 attempt 1"]
    );
    assert!(starts(&mut s, 3));
    assert!(!starts(&mut s, 5), "the first one reserves what is left");
}

#[test]
fn children_draw_on_the_remainder() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a"), child("kid")]);
    s.run_code(2, vec![activity("b"), activity("c")])
        .expect("valid");
    s.spend(1, "a", tokens(60, 0));
    assert_eq!(asked(&s), None);
    s.spend(2, "b", tokens(40, 0));
    assert!(asked(&s).is_some());
    let refused = s.step(|tx| {
        let worker = "w".into();
        decide::begin_activity(tx, 2, 3, 1, scenario::taker(&worker)).map(|_| ())
    });
    assert_eq!(refused, Err(Rejection::Stale));
}

#[test]
fn approved_it_raises_every_bound_by_its_own_first_amount() {
    let mut s = bounded(100, 1_000);
    s.turn_code(vec![activity("a"), activity("b")]);
    s.spend(1, "a", tokens(150, 0));
    decide(&mut s, ApprovalOutcome::Approved, None);
    assert_eq!(s.conversation().policy.budget, Some(budget(200, 2_000)));
    assert!(!s.conversation().budget_reached);
    // A new address of the customer has nothing to do with it.
    s.submit_by("email", "ada@example.org", "", "hi")
        .expect("accepted");
    s.spend(1, "b", tokens(60, 0));
    let (id, _) = asked(&s).expect("asks again");
    assert_eq!(id.as_str(), "c1/budget-2");
    decide(&mut s, ApprovalOutcome::Approved, None);
    assert_eq!(s.conversation().policy.budget, Some(budget(300, 3_000)));
}

#[test]
fn a_raise_that_is_not_enough_asks_again() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a"), activity("b")]);
    s.spend(1, "a", tokens(250, 0));
    assert!(!starts(&mut s, 3));
    decide(&mut s, ApprovalOutcome::Approved, None);
    assert!(s.conversation().budget_reached);
    let (id, _) = asked(&s).expect("asks again");
    assert_eq!(id.as_str(), "c1/budget-2");
    assert_eq!(s.offers(), [""; 0]);
    decide(&mut s, ApprovalOutcome::Approved, None);
    assert!(!s.conversation().budget_reached);
    assert_eq!(s.offers(), ["activity 1/3 attempt 1"]);
}

#[test]
fn approved_with_changes_it_has_the_bounds_that_were_given() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a"), activity("b")]);
    s.spend(1, "a", tokens(100, 0));
    let outcome = ApprovalOutcome::ApprovedWithChanges;
    decide(&mut s, outcome, Some(budget(110, 0)));
    assert_eq!(s.conversation().policy.budget, Some(budget(110, 0)));
    assert!(starts(&mut s, 3));
}

#[test]
fn changes_that_are_no_budget_are_asked_for_again() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a")]);
    s.spend(1, "a", tokens(100, 0));
    decide(&mut s, ApprovalOutcome::ApprovedWithChanges, None);
    let (id, _) = asked(&s).expect("asks again");
    assert_eq!(id.as_str(), "c1/budget-2");
}

#[test]
fn rejected_it_stays_reached_and_is_not_asked_again() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a"), activity("running"), activity("b")]);
    let running = s.take_activity(1, "running");
    s.spend(1, "a", tokens(100, 0));
    decide(&mut s, ApprovalOutcome::Rejected, None);
    assert!(s.conversation().budget_reached);
    let usage = Some(Box::new(tokens(50, 0)));
    let result = scenario::payload("1");
    s.must(|tx| decide::complete_activity(tx, running, result, usage));
    assert_eq!(asked(&s), None);
    assert!(!starts(&mut s, 4));
    s.set_policy(|policy| policy.budget = Some(budget(1_000, 0)));
    assert_eq!(s.offers(), ["activity 1/4 attempt 1"]);
    assert!(starts(&mut s, 4));
}

#[test]
fn a_changed_budget_withdraws_what_was_asked_for_the_old_one() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a")]);
    s.spend(1, "a", tokens(100, 0));
    s.set_policy(|policy| policy.budget = Some(budget(500, 0)));
    assert_eq!(asked(&s), None);
    assert!(!s.conversation().budget_reached);
    s.set_policy(|policy| policy.budget = Some(budget(50, 0)));
    assert!(s.conversation().budget_reached, "it holds at once");
    let (_, arguments) = asked(&s).expect("asks");
    assert!(arguments.contains("\"tokens\":100"), "by its own amount");
    s.set_policy(|policy| policy.budget = None);
    assert!(!s.conversation().budget_reached);
    assert_eq!(asked(&s), None);
}

#[test]
fn a_closed_conversation_asks_for_no_budget() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a")]);
    s.spend(1, "a", tokens(100, 0));
    s.close();
    assert_eq!(asked(&s), None);
    let ended = s.root.approvals[&"c1/budget-1".into()].ended.as_ref();
    let outcome = ended.map(|ended| ended.decided.outcome);
    assert_eq!(outcome, Some(ApprovalOutcome::Withdrawn));
}

#[test]
fn a_budget_survives_a_restart() {
    let mut s = bounded(100, 0);
    s.turn_code(vec![activity("a"), activity("b")]);
    s.spend(1, "a", tokens(100, 0));
    s.root = s.folded();
    s.must(|tx| Ok(decide::resume(tx, decide::Tasks::AreLost)));
    assert_eq!(s.offers(), ["task of 1"]);
    decide(&mut s, ApprovalOutcome::Approved, None);
    assert_eq!(s.offers(), ["activity 1/3 attempt 1"]);
}

/// Starts attempts until none may start, and says how many run.
fn start_all(s: &mut Scenario, slot: u32) -> Vec<decide::ActivityToken> {
    let run = &s.root.runs[&slot];
    let queued = run.activities.iter();
    let queued = queued.filter(|(_, a)| matches!(a.stage, Stage::Queued(_)));
    let pending = queued.map(|(id, a)| (*id, a.attempt));
    let pending: Vec<(u64, u32)> = pending.collect();
    let mut tokens = Vec::new();
    for (activity, attempt) in pending {
        let identity = "w".into();
        let taker = scenario::taker(&identity);
        let begun = s.step(|tx| decide::begin_activity(tx, slot, activity, attempt, taker));
        tokens.extend(begun.ok().map(|start| decide::ActivityToken {
            slot,
            activity,
            attempt,
            epoch: start.epoch,
        }));
    }
    tokens
}

#[test]
fn a_fan_out_reserves_its_budget_before_its_attempts_leave() {
    let mut s = bounded(250, 0);
    s.say("hello");
    let all = (0..30).map(|number| scenario::activity_of("model", &format!("a{number}")));
    s.turn_code(all.collect());
    let first = start_all(&mut s, 1);
    assert_eq!(first.len(), 1, "nobody knows what one uses");
    let usage = || Some(Box::new(tokens(100, 0)));
    s.must(|tx| decide::complete_activity(tx, first[0], payload("1"), usage()));
    assert!(!s.offers().is_empty(), "more are offered");
    let next = start_all(&mut s, 1);
    assert_eq!(next.len(), 2, "each reserves 100");
    let waiting = s.root.runs[&1].activities.values().last().expect("waits");
    let wait = everturn_engine::waiting::activity(&s.root, &s.root.runs[&1], waiting);
    assert_eq!(wait.reason, everturn_engine::waiting::WaitReason::Budget);
    for token in next {
        s.must(|tx| decide::complete_activity(tx, token, payload("1"), usage()));
    }
    assert!(s.conversation().budget_reached);
    assert_eq!(s.conversation().usage.tokens(), 300);
    assert_eq!(start_all(&mut s, 1).len(), 0, "it is spent");
}

#[test]
fn an_estimate_is_reserved_and_given_back() {
    let mut s = bounded(250, 0);
    s.say("hello");
    let estimated = |number: u32| {
        let mut options = everturn_engine::policy::ActivityOptions::on("".into());
        options.estimate = Some(Box::new(tokens(125, 0)));
        scenario::activity_with(&format!("a{number}"), options)
    };
    s.turn_code((0..10).map(estimated).collect());
    let first = start_all(&mut s, 1);
    assert_eq!(first.len(), 2);
    let usage = Some(Box::new(tokens(10, 0)));
    s.must(|tx| decide::complete_activity(tx, first[0], payload("1"), usage));
    assert_eq!(start_all(&mut s, 1).len(), 1, "it used less");
    s.must(|tx| {
        decide::lose_activity(tx, 1, first[1].activity, 1);
        Ok(())
    });
    assert!(!s.offers().is_empty(), "what a lost one had is free");
}
