//! How a conversation itself changes: messages and events in, updates, the
//! end.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{Event, Update};
use crate::policy::{OnAutomatic, TurnPolicy};
use crate::state::apply::people::hash_of;
use crate::state::apply::turn::question_key;
use crate::state::apply::{content_hash, event_hash, payload_hash};
use crate::state::conversation::{Conversation, FailedAddress, Remembered};
use crate::state::deadlines::Deadline;
use crate::state::delivery::Delivery;
use crate::state::entries::State;
use crate::state::root::Root;
use crate::state::turn::Turn;
use crate::text::{QueueName, StepKey, Text, TypeName};
use crate::value::{AuthorKind, InboundEvent, Message, Time, Usage};
use crate::{event::Slot, limits};

impl Root {
    pub(super) fn apply_conversation(&mut self, time: Time, event: &Event) {
        if let Event::ConversationOpened {
            type_name,
            task_queue,
            policy,
            labels,
            retention,
        } = event
        {
            self.tombstone = None;
            self.labels.clone_from(labels);
            let mut opened = opened(type_name, task_queue, policy);
            opened.retention = *retention;
            self.conversation = Some(opened);
        }
        match event {
            Event::MessageReceived(message) => self.receive(message),
            Event::EventReceived(event) => self.receive_event(event),
            Event::ConversationUpdated(update) => self.update(time, update),
            Event::HumanMessageSent { .. } => self.apply_human_message(event),
            Event::ConversationPaused { .. } | Event::ConversationResumed => {
                self.apply_pause(time, event);
            }
            Event::HandedOff { .. } | Event::HandedBack { .. } => self.apply_handover(time, event),
            Event::ConversationClosed { reason, erase_at } => {
                self.close_conversation(time, reason, *erase_at);
            }
            Event::MessageChanged {
                message,
                hash,
                waits,
            } => self.change_message(message, *hash, *waits),
            Event::NoteAdded {
                message,
                request,
                fingerprint,
            } => self.add_note(message, *request, *fingerprint),
            Event::AddressFailed {
                channel,
                address,
                detail,
            } => {
                let failed = FailedAddress {
                    address: address.clone(),
                    detail: detail.clone(),
                    time,
                };
                if let Some(conversation) = &mut self.conversation {
                    let marks = &mut conversation.failed_addresses;
                    marks.insert(channel.clone(), failed);
                }
            }
            Event::EarlyReceipt(receipt) => self.keep_receipt(receipt),
            Event::ConversationReopened => self.reopen(),
            Event::HeldMessageSent { message, slot, key } => self.let_go(message, *slot, key),
            Event::MessageAdopted { message, waits } => self.adopt(message, *waits),
            Event::ContactAssigned { .. }
            | Event::ConversationMerged { .. }
            | Event::ConversationAbsorbed { .. }
            | Event::MergeExpected { .. }
            | Event::MergeCanceled { .. }
            | Event::MergeTried
            | Event::MergeEnded => self.apply_contact(time, event),
            _ => {}
        }
        self.rearm_silence();
    }

    pub(super) fn close_conversation(&mut self, time: Time, reason: &Text, erase_at: Option<Time>) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.closed = Some(reason.clone());
        conversation.closed_at = Some(time);
        conversation.held.clear();
        conversation.episode = None;
        conversation.mailbox.clear();
        conversation.events.clear();
        conversation.unanswered.clear();
        conversation.unanswered_since = None;
        conversation.retry = None;
        conversation.erase_at = erase_at;
        match erase_at {
            Some(at) => self.deadlines.arm(Deadline::Retention, at),
            None => self.deadlines.disarm(Deadline::Retention),
        }
        self.deadlines.disarm(Deadline::Burst);
        // Nobody could lift it any more, and the last turn has to clean up.
        if conversation.pause.take().is_some() {
            self.restart_all_waits(time);
        }
    }

    fn reopen(&mut self) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.closed = None;
        conversation.closed_at = None;
        conversation.is_reopened = true;
        conversation.erase_at = None;
        self.deadlines.disarm(Deadline::Retention);
    }

    /// A message that was held has left: from here on it is as one that was
    /// sent at once.
    fn let_go(&mut self, message: &Message, slot: Slot, key: &StepKey) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let at = conversation
            .held
            .iter()
            .position(|held| held.slot == slot && held.key == *key);
        let held = at.and_then(|at| conversation.held.remove(at));
        self.add_own_message(message, Some((slot, key.clone())));
        self.spoke(slot, message, held.map_or(0, |held| held.seen));
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let asks = |turn: &Turn| {
            let ask = turn.ask.as_ref().filter(|_| turn.ask_is_held);
            ask.is_some_and(|ask| *key == question_key(ask))
        };
        let turn = conversation.turn.as_mut();
        if let Some(turn) = turn.filter(|turn| turn.slot == slot && asks(turn)) {
            turn.ask_is_held = false;
            turn.ask_after = message.sequence;
        }
    }

    fn receive(&mut self, message: &Message) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.message_count = message.sequence;
        if !message.provider_message_id.as_str().is_empty() {
            conversation.remember(Remembered {
                hash: hash_of(message),
                sequence: message.sequence,
                time: message.time,
                fingerprint: content_hash(&message.content),
                took_over: false,
                changed: 0,
                changed_by: 0,
            });
        }
        if message.is_automatic && conversation.policy.on_automatic == OnAutomatic::Record {
            conversation.push_recent(message.clone());
            conversation.note_handover(message);
            return;
        }
        conversation.note_thread(message);
        conversation.reply_channel = message.channel.clone();
        conversation.mailbox.push_back(message.clone());
        // What was being typed has come.
        conversation.typing_until = None;
        conversation.note_handover(message);
        conversation.idle_since = Some(message.time);
        conversation.customer_since = None;
        conversation.staff_since.get_or_insert(message.time);
        conversation.unanswered_since.get_or_insert(message.time);
        if let Some(turn) = &mut conversation.turn {
            turn.proactive = false;
        }
        for held in &mut conversation.held {
            held.is_free = true;
        }
    }

    fn receive_event(&mut self, event: &InboundEvent) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.event_count = event.sequence;
        conversation.events.push_back(event.clone());
        if !event.event_id.as_str().is_empty() {
            conversation.remember_event(Remembered {
                hash: event_hash(event),
                sequence: event.sequence,
                time: event.time,
                fingerprint: payload_hash(&event.payload),
                took_over: false,
                changed: 0,
                changed_by: 0,
            });
        }
    }

    fn update(&mut self, time: Time, update: &Update) {
        self.labels.clone_from(&update.labels);
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        if let Some(type_name) = &update.type_name {
            conversation.type_name.clone_from(type_name);
        }
        if let Some(task_queue) = &update.task_queue {
            conversation.task_queue.clone_from(task_queue);
        }
        conversation.addresses.clone_from(&update.addresses);
        let addresses = &conversation.addresses;
        let failed = &mut conversation.failed_addresses;
        failed.retain(|channel, it| addresses.get(channel) == Some(&it.address));
        if let Some(opt_outs) = &update.opt_outs {
            conversation.opt_outs.clone_from(opt_outs);
        }
        if conversation.reply_channel != update.reply_channel
            && let Some(turn) = &mut conversation.turn
        {
            turn.reply_channel.clone_from(&update.reply_channel);
        }
        conversation.reply_channel.clone_from(&update.reply_channel);
        let budget = &update.policy.budget;
        if conversation.policy.budget != *budget {
            conversation.budget_step.clone_from(budget);
        }
        conversation.policy.clone_from(&update.policy);
        let usage = &conversation.usage;
        let reached = budget.as_ref().is_some_and(|b| b.is_reached(usage));
        if conversation.budget_reached && !reached {
            conversation.budget_reached = false;
            self.restart_all_waits(time);
        }
    }

    /// What still waits has its deadline; whether it is really due is seen
    /// when it comes.
    pub(super) fn rearm_burst(&mut self) {
        let conversation = self.conversation.as_ref();
        match conversation.and_then(Conversation::burst_due) {
            Some(due) => self.deadlines.arm(Deadline::Burst, due),
            None => self.deadlines.disarm(Deadline::Burst),
        }
    }

    /// A message of ours becomes part of the transcript, and of the outbox if
    /// there is an address for its channel.
    pub(super) fn add_own_message(&mut self, message: &Message, sender: Option<(Slot, StepKey)>) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.message_count = message.sequence;
        conversation.push_recent(message.clone());
        if message.author == AuthorKind::System {
            return;
        }
        conversation.note_handover(message);
        conversation.idle_since = Some(message.time);
        conversation.customer_since = Some(message.time);
        // What came in the meantime still waits for its answer.
        conversation.staff_since = conversation.mailbox.front().map(|m| m.time);
        let Some(address) = conversation.addresses.get(&message.channel).cloned() else {
            return;
        };
        let mut delivery = Delivery::new(message, address, sender);
        delivery.in_reply_to = conversation.answered_by(message);
        conversation.deliveries.insert(message.sequence, delivery);
        while conversation.deliveries.len() > limits::DELIVERIES {
            let over = conversation.deliveries.values();
            let Some(oldest) = over
                .filter(|d| !d.is_under_way())
                .map(|d| d.sequence)
                .next()
            else {
                break;
            };
            conversation.deliveries.remove(&oldest);
        }
    }

    /// Sets the deadlines of silence: they run only while agents may act and
    /// no turn is at work.
    pub(in crate::state) fn rearm_silence(&mut self) {
        let Some(conversation) = &self.conversation else {
            return;
        };
        let handover = conversation.handover.as_ref().filter(|it| !it.is_taken);
        let timeout = conversation.policy.handoff_timeout.as_ref();
        match (handover, timeout.filter(|_| conversation.is_open())) {
            (Some(handover), Some(timeout)) => {
                let at = handover.assigned + timeout.after;
                self.deadlines.arm(Deadline::HandoffTimeout, at);
            }
            _ => self.deadlines.disarm(Deadline::HandoffTimeout),
        }
        let runs = conversation.is_active() && conversation.turn.is_none();
        // Agents do not write first while a burst is collected, or a turn is
        // to be tried again.
        let silent = conversation.mailbox.is_empty() && conversation.retry.is_none();
        let policy = &conversation.policy;
        for (deadline, since, span) in [
            (
                Deadline::Idle,
                conversation.idle_since.filter(|_| silent),
                policy.idle_timeout,
            ),
            (
                Deadline::CustomerTimeout,
                conversation.customer_since.filter(|_| silent),
                policy.customer_timeout,
            ),
            (
                Deadline::StaffTimeout,
                conversation.staff_since,
                policy.staff_timeout,
            ),
        ] {
            match (since, span) {
                (Some(since), Some(span)) if runs => self.deadlines.arm(deadline, since + span),
                _ => self.deadlines.disarm(deadline),
            }
        }
    }
}

fn opened(type_name: &TypeName, task_queue: &QueueName, policy: &TurnPolicy) -> Conversation {
    Conversation {
        type_name: type_name.clone(),
        task_queue: task_queue.clone(),
        policy: policy.clone(),
        closed: None,
        reply_channel: Text::default(),
        message_count: 0,
        turn_count: 0,
        mailbox: VecDeque::new(),
        recent: VecDeque::new(),
        turn: None,
        state: State::default(),
        remembered: VecDeque::new(),
        event_count: 0,
        events: VecDeque::new(),
        addresses: BTreeMap::new(),
        pause: None,
        handover: None,
        frozen: None,
        idle_since: None,
        customer_since: None,
        staff_since: None,
        proactive: VecDeque::new(),
        deliveries: BTreeMap::new(),
        usage: Usage::default(),
        turn_usage: Usage::default(),
        budget_reached: false,
        budget_step: policy.budget.clone(),
        erase_at: None,
        budget_asks: 0,
        remembered_events: VecDeque::new(),
        unanswered: VecDeque::new(),
        unanswered_since: None,
        last_turn: None,
        retry: None,
        closed_at: None,
        is_reopened: false,
        retention: None,
        held: VecDeque::new(),
        episode: None,
        estimates: BTreeMap::new(),
        handoffs: 0,
        opt_outs: BTreeMap::new(),
        failed_addresses: BTreeMap::new(),
        threads: BTreeMap::new(),
        early_receipts: VecDeque::new(),
        turn_times: VecDeque::new(),
        merged: None,
        absorbed: BTreeMap::new(),
        imported: 0,
        typing_until: None,
    }
}
