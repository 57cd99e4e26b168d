//! What every kind of command has: a number, a check, and a way to be carried
//! out.

use crate::event::Slot;
use crate::limits;
use crate::rejection::Refusal;
use crate::state::conversation::Conversation;
use crate::state::entries::State;
use crate::state::root::Root;
use crate::state::run::Run;
use crate::state::turn::Turn;
use crate::text::StepKey;
use crate::transition::Transaction;

/// Events that one command adds to a journal at most, with those that the
/// journal keeps free for the end of its run.
pub(super) const EVENTS_MAX: u64 = 2 + limits::JOURNAL_RESERVE;

/// One kind of command.
pub(super) trait Body: Sized {
    /// The number of the kind.
    const CODE: u8;

    /// The number of the kind that this one counts as.
    fn code(&self) -> u8 {
        Self::CODE
    }

    /// Whether it can be carried out now. Changes nothing.
    fn check(&self, at: &At<'_>) -> Result<(), Refusal>;

    /// Carries it out, after it was checked.
    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey);
}

/// Where a command is to be carried out.
pub(super) struct At<'a> {
    pub root: &'a Root,
    pub run: &'a Run,
    pub key: &'a StepKey,
}

impl<'a> At<'a> {
    /// The conversation, if the run is a turn's own.
    pub fn conversation(&self) -> Result<&'a Conversation, Refusal> {
        let conversation = self.root.conversation.as_ref();
        conversation
            .filter(|_| self.run.turn.is_some())
            .ok_or_else(|| Refusal::invalid("kind", "only the run of a turn talks to the customer"))
    }

    /// The current turn, if the run is the turn's.
    pub fn turn(&self) -> Option<&'a Turn> {
        let turn = self.root.conversation.as_ref()?.turn.as_ref()?;
        Some(turn).filter(|turn| turn.slot == self.run.slot)
    }

    /// The state that the run's code writes.
    pub fn state(&self) -> &'a State {
        match &self.root.conversation {
            Some(conversation) if self.run.turn.is_some() => &conversation.state,
            _ => &self.run.state,
        }
    }
}

/// Refuses what would be one more than there may be.
pub(super) fn bound(pending: usize, limit: usize, subject: &'static str) -> Result<(), Refusal> {
    if pending < limit {
        Ok(())
    } else {
        Err(Refusal::limit("kind", subject, limit as u64))
    }
}

/// The key as it can be recorded, and whether it is what it should be.
pub(super) fn bounded_key(key: StepKey) -> (StepKey, bool) {
    let text = key.as_str();
    let length = text.len();
    if length <= limits::ID_BYTES {
        return (key, length > 0);
    }
    let end = text.floor_char_boundary(limits::ID_BYTES);
    (text[..end].into(), false)
}

/// Why a key is refused.
pub(super) fn bad_key() -> Refusal {
    Refusal::limit("key", "bytes of a key, at least 1", limits::ID_BYTES as u64)
}

/// Why a command is refused when the journal of its run is full.
pub(super) fn no_room() -> Refusal {
    Refusal::limit(
        "kind",
        "events in the journal of a run",
        limits::JOURNAL_EVENTS,
    )
}
