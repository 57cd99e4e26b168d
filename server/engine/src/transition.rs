//! A transition in the making: collects what a request changes, folds each
//! event at once and notes the effects.

use crate::effect::{Effect, TurnActivity};
use crate::event::{Event, RunEvent, RunId, Slot};
use crate::policy::ActivityOptions;
use crate::state::contact::merged_into;
use crate::state::deadlines::Deadline;
use crate::state::request::Request;
use crate::state::root::Root;
use crate::state::run::{Stage, Task};
use crate::text::Text;
use crate::value::{Span, Time};

/// Everything that a decision may depend on besides the state: time and
/// chance come in here.
#[derive(Debug)]
pub struct Context {
    /// The time of the transition. Never before the one of the last
    /// transition of the partition.
    pub now: Time,
    /// The next delivery epoch; counts up. Starts above every epoch of
    /// earlier owners of the partition.
    pub next_epoch: u64,
    /// Source of chance; advanced at each use.
    pub seed: u64,
    /// How long a worker may take for a workflow task.
    pub task_timeout: Span,
}

impl Context {
    /// A delivery epoch that was never used before.
    pub fn take_epoch(&mut self) -> u64 {
        let epoch = self.next_epoch;
        self.next_epoch += 1;
        epoch
    }

    /// A number from 0 (inclusive) to 1 (exclusive).
    pub fn take_fraction(&mut self) -> f64 {
        (self.take_random() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A fresh run id: UUID version 7 (RFC 9562, section 5.7) of `now`.
    pub fn take_run_id(&mut self) -> RunId {
        let millis = (self.now.0 / 1_000) as u128 & 0xffff_ffff_ffff;
        let high = u128::from(self.take_random() & 0x0fff);
        let low = u128::from(self.take_random() >> 2);
        RunId(millis << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
    /// Generators, 2014).
    fn take_random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// What a request changed: its events, to be made durable, and the effects to
/// carry out after that.
#[derive(Debug, Default)]
pub struct Output {
    /// What became true, in order. Empty when nothing needs to be stored.
    pub events: Vec<Event>,
    /// What to do once the events are durable.
    pub effects: Vec<Effect>,
}

/// A root under change. Deciders check first and emit afterwards: a rejection
/// leaves the root as it was.
pub struct Transaction<'a> {
    /// The root.
    pub root: &'a mut Root,
    /// Time and chance.
    pub context: &'a mut Context,
    /// What was changed so far.
    pub output: &'a mut Output,
}

impl<'a> Transaction<'a> {
    /// Begins a change of a root.
    pub fn new(root: &'a mut Root, context: &'a mut Context, output: &'a mut Output) -> Self {
        Self {
            root,
            context,
            output,
        }
    }

    /// Folds an event and notes its effects.
    pub(crate) fn emit(&mut self, event: Event) {
        if let Event::Run {
            slot,
            event: RunEvent::Closed { .. },
            ..
        } = &event
        {
            self.withdraw(*slot);
        }
        self.root.apply(self.context.now, &event);
        self.note_effects(&event);
        self.output.events.push(event);
    }

    /// Remembers that a request was carried out, if it has an id.
    pub(crate) fn remember(&mut self, request: Request) {
        if request.is_given() {
            self.emit(Event::RequestRemembered {
                hash: request.hash,
                fingerprint: request.fingerprint,
            });
        }
    }

    /// Appends an event to a run's journal and returns its id.
    pub(crate) fn emit_run(&mut self, slot: Slot, event: RunEvent) -> u64 {
        let last = self.root.runs.get(&slot).map_or(0, |run| run.last_event);
        let id = last + 1;
        let notification = event.is_notification();
        self.emit(Event::Run { slot, id, event });
        if notification {
            self.offer_task(slot);
        }
        id
    }

    /// Offers a workflow task if the run's code has something to do and no
    /// task is under way.
    pub(crate) fn offer_task(&mut self, slot: Slot) {
        if self.root.is_paused(slot) {
            return;
        }
        let now = self.context.now;
        let Some(run) = self.root.runs.get_mut(&slot) else {
            return;
        };
        if run.wants_task() {
            run.task = Task::Offered;
            run.task_since = now;
            self.output.effects.push(Effect::OfferWorkflowTask {
                slot,
                queue: run.task_queue.clone(),
            });
        }
    }

    /// Offers every task of the root that stood still and may go on.
    pub(crate) fn offer_everything(&mut self) {
        let slots: Vec<Slot> = self.root.runs.keys().copied().collect();
        for slot in slots {
            self.offer_task(slot);
        }
        self.offer_held_activities();
        let conversation = self.root.conversation.iter();
        let held = conversation.flat_map(|c| c.deliveries.values().filter(|d| d.stands_still));
        let held: Vec<u64> = held.map(|d| d.sequence).collect();
        for sequence in held {
            self.offer_delivery(sequence);
        }
    }

    /// Offers every attempt of the root that stood still and may start. The
    /// others are in their queues already: an offer is made once.
    pub(crate) fn offer_held_activities(&mut self) {
        self.offer_some_held(usize::MAX);
    }

    /// Offers as many of them.
    pub(crate) fn offer_some_held(&mut self, count: usize) {
        let runs = self.root.runs.values();
        let held = runs.flat_map(|run| {
            let held = run.activities.iter().filter(|(_, a)| a.stands_still);
            held.map(|(id, _)| (run.slot, *id))
        });
        let held: Vec<(Slot, u64)> = held.take(count).collect();
        for (slot, activity) in held {
            self.offer_activity(slot, activity);
        }
    }

    /// Offers the current attempt of a delivery, or notes that it must not
    /// start now.
    pub(crate) fn offer_delivery(&mut self, sequence: u64) {
        let now = self.context.now;
        let Some(conversation) = &mut self.root.conversation else {
            return;
        };
        let delivery = conversation.deliveries.get(&sequence);
        let Some(delivery) = delivery.filter(|it| it.is_queued()) else {
            return;
        };
        let held_until = conversation.delivery_held_until(delivery, now);
        let held = conversation.pause.is_some() || held_until.is_some();
        let offer = Effect::OfferActivity {
            slot: 0,
            activity: sequence,
            attempt: delivery.attempt,
            queue: delivery.queue(),
            priority: ActivityOptions::PRIORITY,
        };
        if let Some(delivery) = conversation.deliveries.get_mut(&sequence) {
            delivery.stands_still = held;
        }
        let deadline = Deadline::Delivery(sequence);
        match held_until {
            Some(until) => self.root.deadlines.arm(deadline, until),
            None => self.root.deadlines.disarm(deadline),
        }
        if !held {
            self.output.effects.push(offer);
        }
    }

    /// Offers what was held back by a delivery of the channel that is over.
    pub(crate) fn offer_channel(&mut self, channel: &Text) {
        let Some(conversation) = &self.root.conversation else {
            return;
        };
        let held = conversation.deliveries.values();
        let held = held.filter(|it| it.stands_still && it.channel == *channel);
        let held: Vec<u64> = held.map(|it| it.sequence).collect();
        for sequence in held {
            self.offer_delivery(sequence);
        }
    }

    /// Offers the current attempt of an activity, or notes that it must not
    /// start now.
    pub(crate) fn offer_activity(&mut self, slot: Slot, activity: u64) {
        let run = self.root.runs.get(&slot);
        let pending = run.and_then(|run| run.activities.get(&activity));
        let reserved = pending.is_some_and(|it| self.root.is_budget_reserved(it));
        let held = reserved || self.root.holds_activities(slot);
        let run = self.root.runs.get_mut(&slot);
        if let Some(pending) = run.and_then(|run| run.activities.get_mut(&activity)) {
            pending.stands_still = held;
            if held {
                return;
            }
            self.output.effects.push(Effect::OfferActivity {
                slot,
                activity,
                attempt: pending.attempt,
                queue: pending.options.task_queue.clone(),
                priority: pending.options.priority,
            });
        }
    }

    /// Tells the worker of a started attempt to stop, if one has it.
    pub(crate) fn cancel_attempt(&mut self, slot: Slot, activity: u64, fenced: bool) {
        let run = self.root.runs.get(&slot);
        if let Some(pending) = run.and_then(|run| run.activities.get(&activity))
            && let Stage::Started { epoch, .. } = pending.stage
        {
            self.output.effects.push(Effect::CancelActivity {
                slot,
                activity,
                attempt: pending.attempt,
                epoch,
                fenced,
            });
        }
    }

    /// Tells the adapter that has a delivery to stop: its attempt is over.
    pub(crate) fn cancel_delivery(&mut self, sequence: u64) {
        let conversation = self.root.conversation.as_ref();
        if let Some(delivery) = conversation.and_then(|c| c.deliveries.get(&sequence))
            && let Some(holder) = &delivery.holder
        {
            self.output.effects.push(Effect::CancelActivity {
                slot: 0,
                activity: sequence,
                attempt: delivery.attempt,
                epoch: holder.epoch,
                fenced: true,
            });
        }
    }

    /// Before a run closes: its workers learn that their attempts are over.
    fn withdraw(&mut self, slot: Slot) {
        let ids: Vec<u64> = match self.root.runs.get(&slot) {
            Some(run) => run.activities.keys().copied().collect(),
            None => return,
        };
        for id in ids {
            self.cancel_attempt(slot, id, true);
        }
    }

    fn note_effects(&mut self, event: &Event) {
        if let Some(message) = event.added_message() {
            self.offer_delivery(message.sequence);
            let added = Effect::MessageAdded(Box::new(message.clone()));
            self.output.effects.push(added);
        }
        let effect = match event {
            Event::HandedOff { .. }
            | Event::HandedBack { .. }
            | Event::ConversationPaused { .. }
            | Event::ConversationResumed
            | Event::ConversationReopened
            | Event::BudgetReached { .. }
            | Event::BudgetDecided { .. } => Effect::ConversationChanged,
            Event::DeliveryStarted { sequence, .. }
            | Event::DeliveryMoved { sequence, .. }
            | Event::DeliveryResent { sequence, .. } => Effect::DeliveryMoved {
                sequence: *sequence,
            },
            Event::ConversationClosed { reason, .. } => Effect::ConversationClosed {
                reason: reason.clone(),
            },
            Event::ConversationMerged { into, .. } => Effect::ConversationClosed {
                reason: merged_into(into),
            },
            Event::Erased(_) => Effect::Erased,
            Event::Run { slot, id, event } => return self.note_run_effects(*slot, *id, event),
            _ => return,
        };
        self.output.effects.push(effect);
    }

    fn note_run_effects(&mut self, slot: Slot, id: u64, event: &RunEvent) {
        let Some(run) = self.root.runs.get(&slot) else {
            return;
        };
        let (turn, run_id) = (run.turn, run.run_id);
        let changed = |activity| turn.map(|number| Effect::TurnChanged { number, activity });
        let effect = match event {
            RunEvent::Started(_) | RunEvent::AskAnswered { .. } => {
                changed(Some(TurnActivity::Running))
            }
            RunEvent::AskOpened { .. } => changed(Some(TurnActivity::Asking)),
            RunEvent::TurnInterrupted { .. } => changed(Some(TurnActivity::Interrupted)),
            RunEvent::Closed { .. } => {
                let closed = Effect::RunClosed { slot, run_id };
                self.output.effects.push(closed);
                changed(None)
            }
            RunEvent::ActivityScheduled { .. } => {
                self.offer_activity(slot, id);
                None
            }
            RunEvent::SignalScheduled {
                workflow_id,
                name,
                input,
                ..
            } => Some(Effect::SendSignal {
                slot,
                signal: id,
                workflow_id: workflow_id.clone(),
                name: name.clone(),
                input: input.clone(),
            }),
            _ => None,
        };
        self.output.effects.extend(effect);
    }
}
