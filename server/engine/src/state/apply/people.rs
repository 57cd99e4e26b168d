//! What people do with a conversation: they write, leave notes, pause it, have
//! it and give it back.

use std::collections::VecDeque;

use crate::event::{DeliveryStatus, Event, Slot};
use crate::state::apply::message_hash;
use crate::state::conversation::{Conversation, Handover, Pause, Remembered};
use crate::state::deadlines::Deadline;
use crate::state::root::Root;
use crate::value::{Message, Time};

impl Root {
    pub(super) fn apply_human_message(&mut self, event: &Event) {
        let Event::HumanMessageSent {
            message,
            request,
            fingerprint,
            answers_through,
            is_sent,
            took_over,
        } = event
        else {
            return;
        };
        let (sequence, time) = (message.sequence, message.time);
        let remembered = |hash, fingerprint| Remembered {
            hash,
            sequence,
            time,
            fingerprint,
            took_over: *took_over,
            changed: 0,
            changed_by: 0,
        };
        let ids = [
            remembered(*request, *fingerprint),
            remembered(hash_of(message), 0),
        ];
        self.human_spoke(message, *answers_through, *is_sent);
        self.remember_human(message, ids);
    }

    /// A note is in the transcript, and nothing else.
    pub(super) fn add_note(&mut self, message: &Message, request: u64, fingerprint: u64) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.message_count = message.sequence;
        conversation.push_recent(message.clone());
        conversation.note_handover(message);
        if request != 0 {
            conversation.remember(Remembered {
                hash: request,
                sequence: message.sequence,
                time: message.time,
                fingerprint,
                took_over: false,
                changed: 0,
                changed_by: 0,
            });
        }
    }

    fn human_spoke(&mut self, message: &Message, through: u64, is_sent: bool) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let through = if through == 0 { u64::MAX } else { through };
        // What the customer wrote before is answered by it.
        conversation.take_for_turn(through);
        conversation.retry.take_if(|retry| retry.events.is_empty());
        if let Some(turn) = &mut conversation.turn {
            let given = &turn.context.messages;
            turn.relieved |= given.iter().all(|m| m.sequence <= through);
            turn.unanswered.retain(|m| m.sequence > through);
            turn.answers.retain(|m| m.sequence > through);
        }
        if let Some(handover) = &mut conversation.handover {
            handover.is_taken = true;
        }
        conversation.note_answered();
        let before = conversation.deliveries.keys().next_back().copied();
        self.add_own_message(message, None);
        if is_sent {
            self.note_sent(message, before);
        }
        self.deadlines.disarm(Deadline::HandoffTimeout);
        self.rearm_burst();
    }

    /// A person's message that comes again is recognised by the id of its
    /// request, or by the one that the provider gave it.
    fn remember_human(&mut self, message: &Message, [request, provider]: [Remembered; 2]) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        if request.hash != 0 {
            conversation.remember(request);
        }
        if !message.provider_message_id.as_str().is_empty() {
            conversation.remember(provider);
        }
    }

    /// The customer has a message already: its delivery is over.
    fn note_sent(&mut self, message: &Message, before: Option<u64>) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let delivery = conversation.deliveries.get_mut(&message.sequence);
        if let Some(delivery) = delivery.filter(|it| Some(it.sequence) != before) {
            delivery.status = DeliveryStatus::Accepted;
            delivery.provider_message_id = message.provider_message_id.clone();
            delivery.message = None;
        }
    }

    pub(super) fn apply_pause(&mut self, time: Time, event: &Event) {
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

    pub(super) fn apply_handover(&mut self, time: Time, event: &Event) {
        match event {
            Event::HandedOff {
                assignee,
                reason,
                context,
                marker,
            } => {
                if let Some(conversation) = &mut self.conversation {
                    let before = conversation.handover.take();
                    conversation.handoffs += 1;
                    conversation.handover = Some(Handover {
                        epoch: conversation.handoffs,
                        assigned: time,
                        is_taken: false,
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

/// Hash under which a message is remembered by its provider's id.
pub(super) fn hash_of(message: &Message) -> u64 {
    message_hash(
        &message.channel,
        &message.address,
        &message.provider_message_id,
    )
}
