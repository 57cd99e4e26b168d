//! What people and other systems ask for in random histories.

use everturn_engine::decide::{self, DeliveryRef};
use everturn_engine::event::{ApprovalOutcome, DeliveryStatus};
use everturn_engine::policy::Budget;
use everturn_engine::rejection::Rejection;
use everturn_engine::value::{Assignee, Span};

use crate::random::play::{World, pick};
use crate::random::steps::Step;
use crate::scenario::{self, payload, target};

impl World {
    /// What people and systems ask for.
    pub fn play_from_outside(&mut self, step: Step) {
        let _ = match step {
            Step::Pause(true) => self.s.step(|tx| decide::pause_conversation(tx, "".into())),
            Step::Change { .. }
            | Step::Type(_)
            | Step::Note(_)
            | Step::Absorb(_)
            | Step::MergeAway => self.play_customer(step),
            Step::Pause(false) => self.s.step(decide::resume_conversation),
            Step::HandOff(who) => {
                let assignee = match who {
                    0 => Assignee::Team("all".into()),
                    name => scenario::person(&name.to_string()),
                };
                let request = scenario::hand_off(assignee);
                self.s.step(|tx| decide::hand_off(tx, request).map(|_| ()))
            }
            Step::HandBack => self
                .s
                .step(|tx| decide::hand_back(tx, decide::HandBack::default())),
            Step::Write(id) => {
                let author = (id % 3).to_string();
                let change = |message: &mut decide::SendHumanMessage| {
                    message.request = u64::from(id).into();
                    message.seen_through = if id % 4 == 1 { u64::from(id) } else { 0 };
                    if id % 5 == 1 {
                        message.already_sent = Some(format!("p{id}").into());
                    }
                };
                self.s.write_with(&author, "text", change).map(|_| ())
            }
            Step::Decide {
                pick: number,
                how,
                stale,
            } => self.decide(number, how, stale),
            Step::Report {
                message,
                how,
                by_id,
            } => self.report(message, how, by_id),
            Step::Update(policy) => {
                let request = decide::UpdateConversation {
                    labels: Default::default(),
                    addresses: Default::default(),
                    policy: Box::new(move |in_force| *in_force = *policy),
                    reply_channel: "".into(),
                    type_name: "".into(),
                    task_queue: "".into(),
                    opt_outs: Default::default(),
                };
                self.s.step(|tx| decide::update_conversation(tx, request))
            }
            Step::Close(keeps, all) => {
                let request = decide::CloseConversation {
                    retention: (!keeps).then_some(Span::from_secs(60)),
                    unless_after: if all { u64::MAX } else { 0 },
                    ..decide::CloseConversation::default()
                };
                self.s.step(|tx| decide::close_conversation(tx, request))
            }
            Step::Erase => self.s.step(decide::erase_conversation).map(|_| ()),
            other => self.play_on_run(other),
        };
    }

    /// What is asked of one run.
    fn play_on_run(&mut self, step: Step) -> Result<(), Rejection> {
        let (Step::Signal(number)
        | Step::Cancel(number)
        | Step::Terminate(number)
        | Step::PauseRun(number, _)) = step
        else {
            unreachable!("all others are played before")
        };
        let runs = &self.s.root.runs;
        let Some(run) = pick(number, runs.len()).and_then(|index| runs.values().nth(index)) else {
            return Ok(());
        };
        let run = target(run.workflow_id.as_str());
        self.s.step(|tx| match step {
            Step::Signal(_) => {
                let signal = decide::SignalWorkflow {
                    target: run,
                    name: "go".into(),
                    input: payload("1"),
                    request: 0.into(),
                };
                decide::signal_workflow(tx, signal)
            }
            Step::Cancel(_) => decide::cancel_workflow(tx, &run, "why".into()),
            Step::PauseRun(_, true) => decide::pause_workflow(tx, &run, "why".into()),
            Step::PauseRun(_, false) => decide::resume_workflow(tx, &run),
            _ => decide::terminate_workflow(tx, &run, &"why".into()),
        })
    }

    fn decide(&mut self, number: u8, how: u8, stale: bool) -> Result<(), Rejection> {
        let approvals = &self.s.root.approvals;
        let Some(index) = pick(number, approvals.len()) else {
            return Ok(());
        };
        let approval = approvals.values().nth(index).expect("is there");
        let waits = approval.ended.is_none();
        let mut decision = decide::DecideApproval {
            approval_id: approval.id.clone(),
            outcome: [
                ApprovalOutcome::Approved,
                ApprovalOutcome::ApprovedWithChanges,
                ApprovalOutcome::Rejected,
            ][usize::from(how)],
            arguments_hash: approval.arguments_hash().to_vec(),
            changed_arguments: Some(payload("2")),
            changed_budget: (!number.is_multiple_of(4)).then(|| Budget {
                tokens: 10 * u64::from(number),
                cost_micros: 0,
                currency: "".into(),
            }),
            decider: "Bea".into(),
            comment: "".into(),
            request: 0.into(),
        };
        if stale {
            decision.arguments_hash[0] ^= 1;
        }
        let outcome = self.s.step(|tx| decide::decide_approval(tx, decision));
        assert_eq!(outcome.is_ok(), waits && !stale, "{outcome:?}");
        outcome
    }

    fn report(&mut self, number: u8, how: u8, by_id: bool) -> Result<(), Rejection> {
        let conversation = self.s.root.conversation.as_ref();
        let deliveries = conversation.map_or(0, |c| c.deliveries.len());
        let Some(index) = pick(number, deliveries) else {
            return Ok(());
        };
        let sequence = conversation.and_then(|c| c.deliveries.keys().nth(index).copied());
        let sequence = sequence.unwrap_or_default();
        let target = if by_id {
            DeliveryRef::ProviderId(format!("p{sequence}").into())
        } else {
            DeliveryRef::Sequence(sequence)
        };
        let status = [
            DeliveryStatus::Accepted,
            DeliveryStatus::Failed,
            DeliveryStatus::Delivered,
            DeliveryStatus::Read,
        ][usize::from(how)];
        let outcome = self
            .s
            .step(|tx| decide::report_delivery(tx, scenario::receipt(target, status)));
        outcome.map(|stands| assert!(stands >= status))
    }
}
