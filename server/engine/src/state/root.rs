//! A root: a conversation or a top-level workflow with all runs below it. It
//! is loaded, changed and evicted as a whole.

use std::collections::{BTreeMap, VecDeque};

use minicbor::{Decode, Encode};

use crate::event::{Slot, Tombstone};
use crate::policy::TypeSettings;
use crate::rejection::Rejection;
use crate::state::approval::Approval;
use crate::state::contact::Contact;
use crate::state::conversation::Conversation;
use crate::state::deadlines::{Deadline, Deadlines};
use crate::state::entries::{State, Values};
use crate::state::request::Request;
use crate::state::run::{Activity, Rest, Run, Stage};
use crate::text::{RootKey, Text, WorkflowId};
use crate::value::Time;

/// Everything about one root. A root that does not exist yet is `Root::new`.
#[derive(Clone, Debug, Encode, Decode)]
pub struct Root {
    /// Its key.
    #[n(0)]
    pub key: RootKey,
    /// The conversation, if it is one.
    #[n(1)]
    pub conversation: Option<Conversation>,
    /// Its runs: the open ones, the main one, and closed ones that the view
    /// does not hold yet.
    #[n(2)]
    pub runs: BTreeMap<Slot, Run>,
    /// Slot of the next run.
    #[n(3)]
    pub next_slot: Slot,
    /// Slot of the latest top-level run.
    #[n(4)]
    pub main: Option<Slot>,
    /// The last requests that had an id, oldest first.
    #[n(5)]
    pub requests: VecDeque<Request>,
    /// When it came into being.
    #[n(6)]
    pub created: Time,
    /// When it last changed.
    #[n(7)]
    pub updated: Time,
    /// Labels of a conversation.
    #[n(8)]
    pub labels: BTreeMap<Text, Text>,
    /// Its approvals, by id: those that wait, and the last that ended.
    #[n(9)]
    pub approvals: BTreeMap<Text, Approval>,
    /// What stays of an erased conversation.
    #[n(10)]
    pub tombstone: Option<Tombstone>,
    /// What conversations of a type begin with, if the root holds that.
    #[n(11)]
    pub settings: Option<Box<TypeSettings>>,
    /// Which conversation a customer's address has, if the root holds that.
    #[n(12)]
    pub contact: Option<Contact>,
    /// Version of the value of a state that was written last.
    #[n(13)]
    #[cbor(default)]
    pub(super) last_version: u64,
    /// Its deadlines; derived.
    #[cbor(skip)]
    pub deadlines: Deadlines,
    /// Approvals that ended and are no longer remembered, oldest first:
    /// whoever shows approvals takes them out, since nobody else knows how
    /// they ended. Not stored: the log tells it again.
    #[cbor(skip)]
    pub forgotten_approvals: Vec<Approval>,
}

impl Root {
    /// A root that does not exist yet.
    #[must_use]
    pub fn new(key: RootKey) -> Self {
        Self {
            key,
            conversation: None,
            runs: BTreeMap::new(),
            next_slot: 1,
            main: None,
            requests: VecDeque::new(),
            created: Time(0),
            updated: Time(0),
            labels: BTreeMap::new(),
            approvals: BTreeMap::new(),
            tombstone: None,
            settings: None,
            contact: None,
            last_version: 0,
            deadlines: Deadlines::default(),
            forgotten_approvals: Vec::new(),
        }
    }

    /// Whether anything was ever recorded in it.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.conversation.is_some()
            || self.next_slot > 1
            || self.tombstone.is_some()
            || self.settings.is_some()
            || self.contact.is_some()
    }

    /// Whether a request was carried out before.
    ///
    /// # Errors
    /// `RequestIdReused` when its id belongs to another one.
    pub(crate) fn knows_request(&self, request: Request) -> Result<bool, Rejection> {
        if !request.is_given() {
            return Ok(false);
        }
        let known = self.requests.iter().find(|it| it.hash == request.hash);
        known.map_or(Ok(false), |known| {
            request.check_same(known.fingerprint).map(|()| true)
        })
    }

    /// Whether the tasks of a run stand still: it, a run above it or the
    /// conversation is paused.
    #[must_use]
    pub fn is_paused(&self, slot: Slot) -> bool {
        if self
            .conversation
            .as_ref()
            .is_some_and(|c| c.pause.is_some())
        {
            return true;
        }
        let mut next = self.runs.get(&slot);
        // Depth is bounded by `limits::CHILD_DEPTH`.
        while let Some(run) = next {
            if run.paused {
                return true;
            }
            next = run.parent.as_ref().and_then(|p| self.runs.get(&p.slot));
        }
        false
    }

    /// Whether an activity of a run must not start now.
    #[must_use]
    pub fn holds_activities(&self, slot: Slot) -> bool {
        let reached = self.conversation.as_ref().is_some_and(|c| c.budget_reached);
        reached || self.is_paused(slot)
    }

    /// Whether the attempts that run are expected to use up the budget, so
    /// that another one has to wait for their end. What an activity uses is
    /// known from its options or from an earlier attempt; until then it counts
    /// as the largest that is known, and one attempt of it runs at a time.
    #[must_use]
    pub fn is_budget_reserved(&self, next: &Activity) -> bool {
        let Some(conversation) = &self.conversation else {
            return false;
        };
        let Some(budget) = &conversation.policy.budget else {
            return false;
        };
        let estimates = &conversation.estimates;
        let largest = estimates.values().max_by_key(|usage| usage.tokens());
        let mut expected = conversation.usage.clone();
        for activity in self.runs.values().flat_map(|run| run.activities.values()) {
            if !matches!(activity.stage, Stage::Started { .. }) {
                continue;
            }
            let known = estimates.get(&activity.activity_type);
            let known = activity.options.estimate.as_deref().or(known);
            if known.is_none() && activity.activity_type == next.activity_type {
                return true;
            }
            if let Some(estimate) = known.or(largest) {
                expected.add(estimate);
            }
        }
        budget.is_reached(&expected)
    }

    /// The latest run with this workflow id that is still held here.
    #[must_use]
    pub fn run_by_id(&self, workflow_id: &WorkflowId) -> Option<&Run> {
        self.runs
            .values()
            .rev()
            .find(|run| run.workflow_id == *workflow_id)
    }

    /// Version for a value that is written now. No value of another root with
    /// this key has it: that one was erased before.
    pub(super) fn next_version(&mut self, time: Time) -> u64 {
        let now = u64::try_from(time.0).unwrap_or(0);
        self.last_version = now.max(self.last_version + 1);
        self.last_version
    }

    /// Whether the stored form has a run: a closed one is in the view, unless it
    /// is the main one.
    fn is_stored(&self, run: &Run) -> bool {
        run.status.is_open() || Some(run.slot) == self.main
    }

    /// The states in the stored form: the conversation's, that which the open
    /// turn was given, those of the runs.
    fn states(&self) -> impl Iterator<Item = &State> {
        let conversation = self.conversation.iter();
        let turns = conversation.clone().filter_map(|it| it.turn.as_ref());
        let own = conversation.map(|it| &it.state);
        let runs = self.runs.values().filter(|run| self.is_stored(run));
        let given = turns.map(|turn| &turn.context.state);
        own.chain(given).chain(runs.map(|run| &run.state))
    }

    /// The values that are not in the stored form, by version.
    #[must_use]
    pub fn values(&self) -> Values {
        let values = self.states().flat_map(State::apart);
        values
            .map(|(_, version, value)| (version, value.clone()))
            .collect()
    }

    /// The stored form of the root, without its `values`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let conversation = self.conversation.as_ref();
        let has_turn = conversation.is_some_and(|it| it.turn.is_some());
        let has_apart = self.states().any(|state| state.apart().next().is_some());
        let has_all = self.runs.values().all(|run| self.is_stored(run));
        if !has_turn && !has_apart && has_all {
            return to_bytes(self);
        }
        let mut kept = self.clone();
        kept.runs.retain(|_, run| self.is_stored(run));
        for run in kept.runs.values_mut() {
            run.state.take_apart();
        }
        if let Some(conversation) = &mut kept.conversation {
            if let Some(turn) = &mut conversation.turn {
                turn.context.pack(&conversation.recent, &conversation.state);
            }
            conversation.state.take_apart();
        }
        to_bytes(&kept)
    }

    /// Reads a stored root with its values and derives what is not stored.
    ///
    /// # Errors
    /// When the bytes are not a root, or a value is missing.
    pub fn decode(bytes: &[u8], values: &Values) -> Result<Self, minicbor::decode::Error> {
        let mut root: Self = minicbor::decode(bytes)?;
        root.put_back(values).map_err(|version| {
            let missing = format!("the value {version} of its state is missing");
            minicbor::decode::Error::message(missing)
        })?;
        root.derive_deadlines();
        Ok(root)
    }

    fn put_back(&mut self, values: &Values) -> Result<(), u64> {
        for run in self.runs.values_mut() {
            run.state.put_back(None, values)?;
        }
        let Some(conversation) = &mut self.conversation else {
            return Ok(());
        };
        let Conversation {
            state,
            recent,
            turn,
            ..
        } = conversation;
        state.put_back(None, values)?;
        match turn {
            Some(turn) => turn.context.unpack(recent, state, values),
            None => Ok(()),
        }
    }

    /// Whether the root only waits.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.rest() == Rest::Waiting
    }

    /// Whether it has to be in memory. One of whose work a part stands still
    /// and a part is queued does: once it is loaded again nobody could tell
    /// which is which.
    #[must_use]
    pub fn rest(&self) -> Rest {
        let outbox = self.conversation.iter().flat_map(|c| c.deliveries.values());
        let delivers = outbox.clone().map(|delivery| match delivery.holder {
            Some(_) => Rest::Busy,
            None if delivery.is_queued() && !delivery.stands_still => Rest::Queued,
            None => Rest::Waiting,
        });
        let runs = self.runs.values();
        let works = runs.clone().map(|run| run.rest(self.is_paused(run.slot)));
        let rest = delivers.chain(works).min().unwrap_or(Rest::Waiting);
        let mut still = outbox
            .map(|it| it.stands_still)
            .chain(runs.map(Run::stands_still));
        match rest {
            Rest::Queued if still.any(|it| it) => Rest::Busy,
            rest => rest,
        }
    }

    /// Drops a closed run that the view holds now.
    pub fn forget_closed(&mut self, slot: Slot) {
        let closed = self.runs.get(&slot).is_some_and(|r| !r.status.is_open());
        if closed && self.main != Some(slot) {
            self.runs.remove(&slot);
        }
    }

    fn derive_deadlines(&mut self) {
        let mut deadlines = Deadlines::default();
        for run in self.runs.values().filter(|run| run.status.is_open()) {
            if let Some(at) = run.execution_deadline {
                deadlines.arm(Deadline::Execution(run.slot), at);
            }
            for (id, timer) in &run.timers {
                deadlines.arm(Deadline::Timer(run.slot, *id), timer.fire_at);
            }
            for (id, activity) in &run.activities {
                arm_activity(&mut deadlines, run.slot, *id, activity);
            }
        }
        for approval in self.approvals.values().filter(|a| a.ended.is_none()) {
            if let Some(at) = approval.request.expire_at {
                deadlines.arm(Deadline::Approval(approval.slot, approval.event), at);
            }
        }
        if let Some(conversation) = &self.conversation {
            // Whether it is really due is seen when it comes.
            if let Some(due) = conversation.burst_due() {
                deadlines.arm(Deadline::Burst, due);
            }
            if let Some(turn) = &conversation.turn
                && let Some(until) = turn.interrupted
            {
                deadlines.arm(Deadline::Grace(turn.slot), until);
            }
            if let Some(held) = conversation.held.front() {
                deadlines.arm(Deadline::Held, held.until);
            }
            if let Some(at) = conversation.erase_at {
                deadlines.arm(Deadline::Retention, at);
            }
            if let Some(merged) = &conversation.merged
                && let Some(at) = merged.due()
            {
                deadlines.arm(Deadline::Merge, at);
            }
            for delivery in conversation.deliveries.values() {
                if let Some(at) = delivery.due() {
                    deadlines.arm(Deadline::Delivery(delivery.sequence), at);
                }
            }
        }
        self.deadlines = deadlines;
        self.rearm_silence();
    }
}

/// Arms what an activity waits for; disarms the rest.
pub(super) fn arm_activity(deadlines: &mut Deadlines, slot: Slot, id: u64, activity: &Activity) {
    let options = &activity.options;
    if let Some(span) = options.schedule_to_close {
        deadlines.arm(
            Deadline::ScheduleToClose(slot, id),
            activity.scheduled + span,
        );
    }
    deadlines.disarm(Deadline::Retry(slot, id));
    deadlines.disarm(Deadline::ScheduleToStart(slot, id));
    deadlines.disarm(Deadline::StartToClose(slot, id));
    deadlines.disarm(Deadline::Heartbeat(slot, id));
    match &activity.stage {
        Stage::Queued(since) => {
            if let Some(span) = options.schedule_to_start {
                deadlines.arm(Deadline::ScheduleToStart(slot, id), *since + span);
            }
        }
        Stage::Started { at, .. } => {
            deadlines.arm(
                Deadline::StartToClose(slot, id),
                *at + options.start_to_close,
            );
            if let Some(span) = options.heartbeat {
                let heard = activity.heard.max(*at);
                deadlines.arm(Deadline::Heartbeat(slot, id), heard + span);
            }
        }
        Stage::BackingOff(until) => deadlines.arm(Deadline::Retry(slot, id), *until),
    }
}

/// Removes all deadlines of an activity.
pub(super) fn disarm_activity(deadlines: &mut Deadlines, slot: Slot, id: u64) {
    for deadline in [
        Deadline::Retry(slot, id),
        Deadline::ScheduleToStart(slot, id),
        Deadline::ScheduleToClose(slot, id),
        Deadline::StartToClose(slot, id),
        Deadline::Heartbeat(slot, id),
    ] {
        deadlines.disarm(deadline);
    }
}

fn to_bytes(root: &Root) -> Vec<u8> {
    minicbor::to_vec(root).expect("writing to memory cannot fail")
}
