//! How approvals and the budget change.

use crate::event::{ApprovalOutcome, ApprovalRequest, Decided, Event, Slot};
use crate::limits;
use crate::state::approval::{Approval, Ended};
use crate::state::deadlines::Deadline;
use crate::state::root::Root;
use crate::text::{StepKey, Text, TypeName};
use crate::value::{Payload, Time, Usage};

/// What a used-up budget asks, in one line.
const BUDGET_TITLE: &str = "The budget of the conversation is used up: raise it?";

impl Root {
    pub(super) fn request_approval(
        &mut self,
        time: Time,
        slot: Slot,
        event: u64,
        key: &StepKey,
        request: &ApprovalRequest,
    ) {
        let Some(run) = self.runs.get(&slot) else {
            return;
        };
        let workflow_id = run.workflow_id.clone();
        let id: Text = workflow_id.child(key.as_str()).shared().into();
        if let Some(at) = request.expire_at {
            self.deadlines.arm(Deadline::Approval(slot, event), at);
        }
        let approval = Approval {
            id: id.clone(),
            slot,
            workflow_id,
            key: key.clone(),
            request: Box::new(request.clone()),
            requested: time,
            ended: None,
            event,
        };
        self.approvals.insert(id, approval);
    }

    /// An approval ends; those that ended long ago are forgotten.
    pub(super) fn end_approval(&mut self, time: Time, id: &Text, decided: &Decided) {
        let Some(approval) = self.approvals.get_mut(id).filter(|a| a.ended.is_none()) else {
            return;
        };
        approval.ended = Some(Ended {
            at: time,
            decided: Box::new(decided.clone()),
        });
        let deadline = Deadline::Approval(approval.slot, approval.event);
        self.deadlines.disarm(deadline);
        let ended = self.approvals.values().filter_map(|approval| {
            let ended = approval.ended.as_ref()?;
            Some((ended.at, approval.id.clone()))
        });
        let ended: Vec<(Time, Text)> = ended.collect();
        if ended.len() > limits::ENDED_APPROVALS
            && let Some((_, oldest)) = ended.into_iter().min()
        {
            let forgotten = self.approvals.remove(&oldest);
            self.forgotten_approvals.extend(forgotten);
        }
    }

    /// The approvals of a run that closes are not wanted any more.
    pub(super) fn withdraw_approvals(&mut self, time: Time, slot: Slot) {
        let open = self
            .approvals
            .values()
            .filter(|a| a.slot == slot && a.ended.is_none());
        let ids: Vec<Text> = open.map(|approval| approval.id.clone()).collect();
        let withdrawn = Decided {
            outcome: ApprovalOutcome::Withdrawn,
            decider: Text::default(),
            comment: Text::default(),
            arguments: None,
        };
        for id in ids {
            self.end_approval(time, &id, &withdrawn);
        }
    }

    /// Notes what an attempt used, to reserve as much for the next one.
    pub(super) fn learn_usage(&mut self, activity_type: &TypeName, used: &Usage) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        if conversation.policy.budget.is_none() {
            return;
        }
        let estimates = &mut conversation.estimates;
        match estimates.get_mut(activity_type) {
            Some(known) if known.tokens() >= used.tokens() => {}
            Some(known) => *known = used.clone(),
            None => {
                if estimates.len() >= limits::ESTIMATES {
                    estimates.pop_first();
                }
                estimates.insert(activity_type.clone(), used.clone());
            }
        }
    }

    pub(super) fn add_usage(&mut self, slot: Slot, usage: Option<&Usage>) {
        let Some(usage) = usage else {
            return;
        };
        if let Some(run) = self.runs.get_mut(&slot) {
            run.usage.add(usage);
        }
        if let Some(conversation) = &mut self.conversation {
            conversation.usage.add(usage);
            conversation.turn_usage.add(usage);
        }
    }

    pub(super) fn apply_budget(&mut self, time: Time, event: &Event) {
        match event {
            Event::BudgetReached {
                approval_id,
                arguments,
            } => self.reach_budget(time, approval_id, arguments),
            Event::BudgetDecided {
                approval_id,
                decided,
                budget,
            } => {
                self.end_approval(time, approval_id, decided);
                if let (Some(conversation), Some(budget)) = (&mut self.conversation, budget) {
                    conversation.budget_reached = budget.is_reached(&conversation.usage);
                    conversation.policy.budget = Some(budget.clone());
                    self.restart_all_waits(time);
                }
            }
            _ => {}
        }
    }

    fn reach_budget(&mut self, time: Time, approval_id: &Text, arguments: &Payload) {
        if let Some(conversation) = &mut self.conversation {
            conversation.budget_reached = true;
            conversation.budget_asks += 1;
        }
        let approval = Approval {
            id: approval_id.clone(),
            slot: 0,
            workflow_id: self.key.id.workflow_id(),
            key: StepKey::default(),
            request: Box::new(ApprovalRequest {
                title: BUDGET_TITLE.into(),
                details: None,
                arguments: arguments.clone(),
                expire_at: None,
            }),
            requested: time,
            ended: None,
            event: 0,
        };
        self.approvals.insert(approval_id.clone(), approval);
    }
}
