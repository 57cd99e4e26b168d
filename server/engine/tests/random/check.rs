//! What must hold after every step.

use everturn_engine::decide;
use everturn_engine::effect::Effect;
use everturn_engine::event::ApprovalOutcome;
use everturn_engine::state::deadlines::Deadline;
use everturn_engine::state::root::Root;
use everturn_engine::state::run::{Stage, Task};
use everturn_engine::transition::{Context, Output, Transaction};
use everturn_engine::value::{Span, Time};

use crate::random::play::{Offer, World};

impl World {
    /// Takes up what the last step did, and checks everything.
    pub fn absorb(&mut self) {
        self.note_offers();
        // What is due at once comes at once.
        self.s.wait(Span(0));
        self.note_offers();
        for (time, event) in &self.s.log[self.read..] {
            self.model.read(event);
            self.folded.apply(*time, event);
        }
        self.read = self.s.log.len();
        self.check_what_waits();
        self.check_offers();
        self.check_runs();
        self.check_deadlines();
        self.check_fold();
        self.check_restart();
    }

    /// Between steps, so that it is seen what each of them offers.
    pub fn note_offers(&mut self) {
        for effect in std::mem::take(&mut self.s.effects) {
            self.note_offer(&effect);
        }
    }

    /// Nothing is offered that must stand still, and nothing twice.
    fn note_offer(&mut self, effect: &Effect) {
        let root = &self.s.root;
        let offer = match effect {
            Effect::OfferWorkflowTask { slot, .. } => {
                assert!(!root.is_paused(*slot), "a task was offered in a pause");
                Offer::Task(*slot)
            }
            Effect::OfferActivity {
                slot,
                activity,
                attempt,
                ..
            } => {
                let held = if *slot == 0 {
                    root.is_paused(0)
                } else {
                    root.holds_activities(*slot)
                };
                assert!(!held, "an attempt was offered that must not start");
                Offer::Attempt(*slot, *activity, *attempt)
            }
            _ => return,
        };
        assert!(!self.queue.contains(&offer), "offered twice: {offer:?}");
        self.queue.push(offer);
    }

    /// Messages and events wait exactly where the model says.
    fn check_what_waits(&self) {
        let Some(conversation) = &self.s.root.conversation else {
            return;
        };
        let mailbox: Vec<u64> = conversation.mailbox.iter().map(|m| m.sequence).collect();
        let events: Vec<u64> = conversation.events.iter().map(|e| e.sequence).collect();
        assert!(mailbox.iter().eq(&self.model.mailbox), "{mailbox:?} wait");
        assert!(events.iter().eq(&self.model.waiting), "{events:?} wait");
        let left: Vec<u64> = conversation.unanswered.iter().map(|m| m.sequence).collect();
        assert!(left.iter().eq(&self.model.unanswered), "{left:?} are left");
        let open = conversation.unanswered.iter().chain(&conversation.mailbox);
        let oldest = open.map(|m| m.time).min();
        let since = conversation.unanswered_since;
        assert!(
            oldest.is_none_or(|at| since.is_some_and(|since| since <= at)),
            "a message is forgotten"
        );
        let recent = &conversation.recent;
        assert!(recent.iter().is_sorted_by_key(|m| (m.time, m.sequence)));
        let given = conversation.turn.as_ref().map(|turn| {
            let given = &turn.context.messages;
            assert!(given.iter().is_sorted_by_key(|m| (m.time, m.sequence)));
            let mut messages: Vec<u64> = given.iter().map(|m| m.sequence).collect();
            messages.sort_unstable();
            let events = turn.context.events.iter().map(|e| e.sequence);
            (messages, events.collect::<Vec<_>>())
        });
        let given = given.as_ref().map(|(m, e)| (&m[..], &e[..]));
        assert_eq!(given, self.model.given());
    }

    /// Everything that may start is offered.
    fn check_offers(&self) {
        let root = &self.s.root;
        for run in root.runs.values().filter(|run| run.status.is_open()) {
            let slot = run.slot;
            if root.is_paused(slot) {
                continue;
            }
            assert!(!run.wants_task(), "the task of {slot} is forgotten");
            let offered = self.queue.contains(&Offer::Task(slot));
            assert!(run.task != Task::Offered || offered, "no task of {slot}");
            for (id, activity) in &run.activities {
                let offer = Offer::Attempt(slot, *id, activity.attempt);
                let queued = matches!(activity.stage, Stage::Queued(_));
                let held = root.holds_activities(slot) || root.is_budget_reserved(activity);
                let due = queued && !held;
                assert!(
                    !due || self.queue.contains(&offer),
                    "{offer:?} is forgotten"
                );
            }
        }
        let Some(conversation) = &root.conversation else {
            return;
        };
        for delivery in conversation.deliveries.values() {
            let offer = Offer::Attempt(0, delivery.sequence, delivery.attempt);
            let now = self.s.context.now;
            let held = conversation.delivery_held_until(delivery, now).is_some();
            let due = delivery.is_queued() && conversation.pause.is_none() && !held;
            assert!(
                !due || self.queue.contains(&offer),
                "{offer:?} is forgotten"
            );
        }
    }

    /// No run outlives its parent, and a budget that holds activities is
    /// asked for.
    fn check_runs(&self) {
        let root = &self.s.root;
        for run in root.runs.values().filter(|run| run.status.is_open()) {
            let Some(parent) = &run.parent else {
                continue;
            };
            let parent = root.runs.get(&parent.slot);
            assert!(parent.is_some_and(|run| run.status.is_open()), "an orphan");
        }
        let Some(conversation) = root.conversation.as_ref().filter(|c| c.budget_reached) else {
            return;
        };
        let last = format!("c1/budget-{}", conversation.budget_asks);
        let Some(asked) = root.approvals.get(&last.as_str().into()) else {
            return;
        };
        let outcome = asked.ended.as_ref().map(|ended| ended.decided.outcome);
        let answered = outcome.is_none_or(|it| it == ApprovalOutcome::Rejected);
        assert!(answered || !conversation.is_open(), "nobody is asked");
    }

    /// Whatever waits has a time at which it goes on.
    fn check_deadlines(&self) {
        let Some(conversation) = &self.s.root.conversation else {
            return;
        };
        let comes = !conversation.mailbox.is_empty() || !conversation.events.is_empty();
        let waits = comes || conversation.retry.is_some() || !conversation.held.is_empty();
        let begins = conversation.turn.is_none() && waits && conversation.is_active();
        let turn = conversation.turn.as_ref();
        let ends = turn.is_some_and(|turn| turn.interrupted.is_some());
        if begins || ends {
            assert!(self.s.root.deadlines.next().is_some(), "it waits for ever");
        }
        let now = self.s.context.now;
        let next = self.s.root.deadlines.next();
        assert!(next.is_none_or(|at| at > now), "a deadline was missed");
    }

    /// The log folds to the state.
    fn check_fold(&self) {
        let now = self.s.context.now;
        let mut folded = self.folded.clone();
        let mut live = self.s.root.clone();
        for (slot, run) in &mut live.runs {
            let other = folded.runs.get_mut(slot).expect("is in the fold");
            // Completions without commands and failed tasks are not stored.
            assert!(run.seen >= other.seen);
            run.seen = other.seen;
            run.task_failure = None;
            other.task_failure = None;
            for (id, activity) in &mut run.activities {
                let other = &other.activities[id];
                // That a backoff has passed is not stored.
                if let Stage::BackingOff(until) = other.stage
                    && until <= now
                {
                    assert!(!matches!(activity.stage, Stage::Started { .. }));
                    activity.stage = other.stage.clone();
                }
            }
        }
        if let (Some(live), Some(folded)) = (&mut live.conversation, &folded.conversation) {
            for (sequence, delivery) in &mut live.deliveries {
                let next_at = folded.deliveries[sequence].next_at;
                if next_at.is_some_and(|at| at <= now) {
                    delivery.next_at = next_at;
                }
            }
        }
        assert!(
            live.encode() == folded.encode(),
            "the log tells another state"
        );
    }

    /// A restart changes nothing, whether it reads the view or the log.
    fn check_restart(&self) {
        let conversation = self.s.root.conversation.as_ref();
        if conversation.is_some_and(|it| it.typing_until.is_some()) {
            // After a restart nobody types, and a turn may be due.
            return;
        }
        for root in [&self.s.root, &self.folded] {
            let (stored, values) = (root.encode(), root.values());
            let mut read = Root::decode(&stored, &values).expect("reads back");
            assert!(read.encode() == stored, "it reads back as another one");
            assert!(read.values() == values, "its state has other values");
            let mut context = Context {
                now: self.s.context.now,
                next_epoch: u64::MAX / 2,
                seed: 1,
                task_timeout: Span::from_secs(10),
            };
            let mut output = Output::default();
            let mut tx = Transaction::new(&mut read, &mut context, &mut output);
            decide::resume(&mut tx, decide::Tasks::AreLost);
            decide::meet_deadlines(&mut tx);
            assert_eq!(output.events, [], "a restart does something");
            let live = self.s.root.clone();
            assert_eq!(next(read), next(live), "deadlines are not derived");
        }
    }
}

/// The next deadline of those that a restart has to derive.
fn next(mut root: Root) -> Option<Time> {
    let slots: Vec<_> = root.runs.keys().copied().collect();
    for slot in slots {
        root.deadlines.disarm(Deadline::TaskTimeout(slot));
        root.deadlines.disarm(Deadline::TaskRetry(slot));
    }
    root.deadlines.next()
}
