//! SetState: write an entry of the state.

use crate::command::body::{At, Body};
use crate::command::fences::fence;
use crate::event::{RunEvent, Slot};
use crate::limits;
use crate::rejection::Refusal;
use crate::state::entries::entry_bytes;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;
use crate::value::Payload;

/// Write an entry of the state.
#[derive(Clone, Debug, PartialEq)]
pub struct SetState {
    /// Name of the entry.
    pub name: Text,
    /// The new value; `None` removes it.
    pub value: Option<Payload>,
}

impl Body for SetState {
    const CODE: u8 = 7;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        let state = at.state();
        let bytes = |value: Option<&Payload>| value.map_or(0, |it| entry_bytes(&self.name, it));
        let before = bytes(state.entries.get(&self.name));
        let after = bytes(self.value.as_ref());
        let grows = after > before;
        if grows && state.size_bytes - before + after > limits::STATE_BYTES {
            let limit = limits::STATE_BYTES as u64;
            return Err(Refusal::limit("value", "bytes of state", limit));
        }
        Ok(())
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let suppressed = fence(tx, slot).is_some();
        let Self { name, value } = self;
        let event = RunEvent::StateSet {
            key,
            name,
            value,
            suppressed,
        };
        tx.emit_run(slot, event);
    }
}
