//! The state that user code writes: entries by name.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::text::Text;
use crate::value::Payload;

/// Entries written by user code, with their size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct State {
    /// The entries.
    #[n(0)]
    pub entries: BTreeMap<Text, Payload>,
    /// Bytes of all names and values.
    #[n(1)]
    pub size_bytes: usize,
}

impl State {
    /// Writes an entry, or removes it.
    pub fn set(&mut self, name: &Text, value: Option<Payload>) {
        if let Some(before) = self.entries.remove(name) {
            self.size_bytes -= entry_bytes(name, &before);
        }
        if let Some(value) = value {
            self.size_bytes += entry_bytes(name, &value);
            self.entries.insert(name.clone(), value);
        }
    }
}

/// Bytes that an entry counts against the limit of the state.
#[must_use]
pub fn entry_bytes(name: &Text, value: &Payload) -> usize {
    name.as_str().len() + value.size_bytes()
}
