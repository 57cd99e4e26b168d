//! How messages of the customer change after they came: edits, retractions.

use crate::state::apply::content_hash;
use crate::state::conversation::{Conversation, Remembered};
use crate::state::root::Root;
use crate::value::{Change, Message, MessageContent};

impl Root {
    /// A message says something else now, or was taken back. What nobody has
    /// been given changes with it; `waits`: the change itself is to be answered.
    pub(super) fn change_message(&mut self, entry: &Message, hash: u64, waits: bool) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let Some(change) = entry.change else {
            return;
        };
        conversation.message_count = entry.sequence;
        let mut known = conversation.remembered.iter_mut().rev();
        if let Some(known) = known.find(|it| it.hash == hash) {
            known.changed_by = entry.sequence;
            known.changed = match change {
                Change::Edit(_) => content_hash(&entry.content),
                Change::Retract(_) => Remembered::RETRACTED,
            };
        }
        match change {
            Change::Edit(of) => edit(conversation, of, &entry.content),
            Change::Retract(of) => retract(conversation, of),
        }
        conversation.note_handover(entry);
        if waits {
            conversation.mailbox.push_back(entry.clone());
            conversation.idle_since = Some(entry.time);
            conversation.customer_since = None;
            conversation.staff_since.get_or_insert(entry.time);
            conversation.unanswered_since.get_or_insert(entry.time);
        } else {
            conversation.push_recent(entry.clone());
        }
        self.rearm_burst();
    }
}

/// Everything that is still to be given says the new words.
fn edit(conversation: &mut Conversation, of: u64, content: &MessageContent) {
    let turn = conversation.turn.iter_mut().flat_map(|turn| {
        let is_given = turn.context.messages.iter().any(|m| m.sequence == of);
        if is_given && turn.given.is_empty() {
            // Its code runs again with the words that it was given.
            turn.given.clone_from(&turn.context.messages);
        }
        let given = turn.context.messages.iter_mut();
        given.chain(&mut turn.unanswered).chain(&mut turn.answers)
    });
    let waiting = conversation.mailbox.iter_mut();
    let waiting = waiting.chain(&mut conversation.unanswered);
    let all = waiting.chain(&mut conversation.recent).chain(turn);
    for message in all.filter(|message| message.sequence == of) {
        message.content = content.clone();
    }
}

/// What was taken back before a turn was given it is given to none.
fn retract(conversation: &mut Conversation, of: u64) {
    let waited = conversation.mailbox.len() + conversation.unanswered.len();
    conversation.mailbox.retain(|m| m.sequence != of);
    conversation.unanswered.retain(|m| m.sequence != of);
    if conversation.mailbox.len() + conversation.unanswered.len() < waited {
        conversation.note_answered();
        conversation.staff_since = conversation.mailbox.front().map(|m| m.time);
    }
}
