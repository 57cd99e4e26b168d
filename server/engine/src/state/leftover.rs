//! What a conversation holds that nobody is done with: another one gets it when
//! the two are merged.

use std::collections::VecDeque;

use crate::state::conversation::Conversation;
use crate::state::turn::Turn;
use crate::value::InboundEvent;

impl Conversation {
    /// Positions of the messages that nobody has answered, oldest first.
    #[must_use]
    pub fn unanswered_positions(&self) -> Vec<u64> {
        let waiting = self.mailbox.iter().chain(&self.unanswered);
        let waiting = waiting.map(|m| m.sequence);
        let turn = self.turn.iter().flat_map(Turn::unanswered_positions);
        let mut positions: Vec<u64> = waiting.chain(turn).collect();
        positions.sort_unstable();
        positions.dedup();
        positions
    }

    /// Events that nobody has handled, oldest first: those that wait, and those
    /// that a turn was given which said nothing since.
    #[must_use]
    pub fn unhandled_events(&self) -> VecDeque<InboundEvent> {
        let given = self.turn.iter().flat_map(|turn| {
            let started = turn.context.events.iter().filter(|_| !turn.replied);
            started.chain(&turn.events)
        });
        let retry = self.retry.iter().flat_map(|retry| &retry.events);
        let all = retry.chain(given).chain(&self.events);
        let mut events: Vec<InboundEvent> = all.cloned().collect();
        events.sort_by_key(|event| event.sequence);
        events.into()
    }
}
