//! How what is known of a customer comes together: contacts, merges, imports.

use crate::event::Event;
use crate::state::apply::content_hash;
use crate::state::apply::people::hash_of;
use crate::state::contact::{Contact, Merged, merged_into};
use crate::state::conversation::Remembered;
use crate::state::deadlines::Deadline;
use crate::state::root::Root;
use crate::value::{AuthorKind, Message, Time};

impl Root {
    pub(super) fn apply_contact(&mut self, time: Time, event: &Event) {
        match event {
            Event::ContactAssigned { conversation } => {
                let before = self.contact.take();
                self.contact = Some(Contact {
                    conversation: conversation.clone(),
                    previous: before.map_or_else(Default::default, |it| it.conversation),
                });
            }
            Event::ConversationMerged { into, waiting } => {
                let Some(conversation) = &mut self.conversation else {
                    return;
                };
                let merged = Merged {
                    into: into.clone(),
                    tried: time,
                    is_done: false,
                    waiting: waiting.clone(),
                    events: conversation.unhandled_events(),
                };
                if let Some(at) = merged.due() {
                    self.deadlines.arm(Deadline::Merge, at);
                }
                conversation.merged = Some(Box::new(merged));
                conversation.handover = None;
                self.deadlines.disarm(Deadline::HandoffTimeout);
                self.close_conversation(time, &merged_into(into), None);
            }
            Event::ConversationAbsorbed {
                conversation: other,
            } => {
                if let Some(conversation) = &mut self.conversation {
                    let absorbed = conversation.absorbed.entry(other.clone());
                    absorbed.or_default().is_done = true;
                }
            }
            Event::MergeExpected {
                conversation: other,
            } => {
                if let Some(conversation) = &mut self.conversation {
                    conversation.absorbed.entry(other.clone()).or_default();
                }
            }
            Event::MergeCanceled {
                conversation: other,
            } => {
                if let Some(conversation) = &mut self.conversation {
                    conversation.absorbed.remove(other);
                }
            }
            Event::MergeTried | Event::MergeEnded => {
                let conversation = self.conversation.as_mut();
                let Some(merged) = conversation.and_then(|it| it.merged.as_mut()) else {
                    return;
                };
                merged.tried = time;
                merged.is_done |= matches!(event, Event::MergeEnded);
                if let Some(at) = merged.due() {
                    self.deadlines.arm(Deadline::Merge, at);
                } else {
                    merged.waiting.clear();
                    merged.events.clear();
                    self.deadlines.disarm(Deadline::Merge);
                    self.keep_for_retention(time);
                }
            }
            _ => {}
        }
    }

    /// Once the other one has everything, this one is kept as long as a closed
    /// one.
    fn keep_for_retention(&mut self, time: Time) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        if let Some(retention) = conversation.retention {
            let at = time + retention;
            conversation.erase_at = Some(at);
            self.deadlines.arm(Deadline::Retention, at);
        }
    }

    /// What was said elsewhere is part of the transcript, and waits for an
    /// answer if it did there.
    pub(super) fn adopt(&mut self, message: &Message, waits: bool) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.message_count = message.sequence;
        match &message.origin {
            None => conversation.imported = message.sequence,
            Some(origin) => {
                let absorbed = conversation.absorbed.entry(origin.conversation.clone());
                absorbed.or_default().through = origin.sequence;
            }
        }
        if message.change.is_some() {
            self.change_message(message, hash_of(message), waits);
            return;
        }
        let is_customers = message.author == AuthorKind::Customer;
        if is_customers {
            conversation.note_thread(message);
        }
        if is_customers && !message.provider_message_id.as_str().is_empty() {
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
        if waits {
            conversation.mailbox.push_back(message.clone());
            conversation.note_handover(message);
            conversation.staff_since.get_or_insert(message.time);
            let since = conversation.unanswered_since.get_or_insert(message.time);
            *since = (*since).min(message.time);
            self.rearm_burst();
        } else {
            conversation.push_recent(message.clone());
        }
    }
}
