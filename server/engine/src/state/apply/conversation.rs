//! How a conversation itself changes: messages and events in, updates,
//! pauses, handovers, the end.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{Event, Update};
use crate::policy::TurnPolicy;
use crate::state::apply::{event_hash, message_hash};
use crate::state::conversation::{Conversation, Handover, Pause, Remembered};
use crate::state::deadlines::Deadline;
use crate::state::delivery::Delivery;
use crate::state::entries::State;
use crate::state::root::Root;
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
        } = event
        {
            self.labels.clone_from(labels);
            self.conversation = Some(opened(type_name, task_queue, policy));
        }
        match event {
            Event::MessageReceived(message) => self.receive(message),
            Event::EventReceived(event) => self.receive_event(event),
            Event::ConversationUpdated(update) => self.update(time, update),
            Event::HumanMessageSent { message, request } => {
                self.human_spoke(message, *request);
            }
            Event::ConversationPaused { .. } | Event::ConversationResumed => {
                self.apply_pause(time, event);
            }
            Event::HandedOff { .. } | Event::HandedBack { .. } => self.apply_handover(time, event),
            Event::ConversationClosed { reason, erase_at } => {
                self.close_conversation(time, reason, *erase_at);
            }
            _ => {}
        }
        self.rearm_silence();
    }

    fn close_conversation(&mut self, time: Time, reason: &Text, erase_at: Option<Time>) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.closed = Some(reason.clone());
        conversation.mailbox.clear();
        conversation.events.clear();
        conversation.unanswered.clear();
        conversation.unanswered_since = None;
        conversation.retry = None;
        conversation.erase_at = erase_at;
        if let Some(at) = erase_at {
            self.deadlines.arm(Deadline::Retention, at);
        }
        self.deadlines.disarm(Deadline::Burst);
        // Nobody could lift it any more, and the last turn has to clean up.
        if conversation.pause.take().is_some() {
            self.restart_all_waits(time);
        }
    }

    fn receive(&mut self, message: &Message) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.message_count = message.sequence;
        conversation.reply_channel = message.channel.clone();
        conversation.mailbox.push_back(message.clone());
        conversation.note_handover(message);
        conversation.idle_since = Some(message.time);
        conversation.customer_since = None;
        conversation.staff_since.get_or_insert(message.time);
        conversation.unanswered_since.get_or_insert(message.time);
        if let Some(turn) = &mut conversation.turn {
            turn.proactive = false;
        }
        if !message.provider_message_id.as_str().is_empty() {
            conversation.remember(Remembered {
                hash: message_hash(message),
                sequence: message.sequence,
                time: message.time,
            });
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
            });
        }
    }

    fn update(&mut self, time: Time, update: &Update) {
        self.labels.clone_from(&update.labels);
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.addresses.clone_from(&update.addresses);
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

    fn human_spoke(&mut self, message: &Message, request: u64) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        // What the customer wrote before is answered by it.
        conversation.take_for_turn(u64::MAX);
        conversation.retry.take_if(|retry| retry.events.is_empty());
        if request != 0 {
            conversation.remember(Remembered {
                hash: request,
                sequence: message.sequence,
                time: message.time,
            });
        }
        if let Some(turn) = &mut conversation.turn {
            turn.relieved = true;
            turn.unanswered.clear();
            turn.answers.clear();
        }
        conversation.note_answered();
        self.add_own_message(message, None);
        self.deadlines.disarm(Deadline::Burst);
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
        let delivery = Delivery::new(message, address, sender);
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

    fn apply_pause(&mut self, time: Time, event: &Event) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        if let Event::ConversationPaused { reason } = event {
            conversation.pause = Some(Pause {
                reason: reason.clone(),
                since: time,
            });
            conversation.frozen.get_or_insert(time);
        } else {
            conversation.pause = None;
            thaw(conversation, time);
            self.restart_all_waits(time);
        }
    }

    /// Attempts of the whole conversation may start again.
    pub(super) fn restart_all_waits(&mut self, time: Time) {
        let slots: Vec<Slot> = self.runs.keys().copied().collect();
        self.restart_waits(time, &slots);
    }

    fn apply_handover(&mut self, time: Time, event: &Event) {
        match event {
            Event::HandedOff {
                assignee,
                reason,
                context,
                marker,
            } => {
                if let Some(conversation) = &mut self.conversation {
                    let before = conversation.handover.take();
                    conversation.handover = Some(Handover {
                        assignee: assignee.clone(),
                        reason: reason.clone(),
                        context: context.clone(),
                        since: before.as_ref().map_or(time, |h| h.since),
                        messages: before.map_or_else(VecDeque::new, |h| h.messages),
                    });
                    conversation.frozen.get_or_insert(time);
                }
                self.add_own_message(marker, None);
            }
            Event::HandedBack { marker } => {
                self.add_own_message(marker, None);
                if let Some(conversation) = &mut self.conversation {
                    conversation.handover = None;
                    // What nobody has answered meanwhile is the agents' again.
                    let left = std::mem::take(&mut conversation.unanswered);
                    conversation.return_to_mailbox(left);
                    thaw(conversation, time);
                }
            }
            _ => {}
        }
    }

    /// Sets the deadlines of silence: they run only while agents may act and
    /// no turn is at work.
    pub(in crate::state) fn rearm_silence(&mut self) {
        let Some(conversation) = &self.conversation else {
            return;
        };
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

/// The clocks of silence go on from where they stood.
fn thaw(conversation: &mut Conversation, now: Time) {
    if conversation.pause.is_some() || conversation.handover.is_some() {
        return;
    }
    let Some(frozen) = conversation.frozen.take() else {
        return;
    };
    for since in [
        &mut conversation.idle_since,
        &mut conversation.customer_since,
        &mut conversation.staff_since,
    ]
    .into_iter()
    .flatten()
    {
        // What began while they stood still begins now.
        *since = (*since).min(frozen) + now.since(frozen);
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
    }
}
