//! What a worker keeps of the states of conversations, so that it is sent each
//! value once.
//!
//! The worker keeps what was used last, and so does this, a little less of it:
//! nobody tells what the worker lets go of. What it does not have although it
//! should, it asks for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use everturn_engine::state::root::Root;
use everturn_engine::text::{RootKey, Text};
use hashlink::LinkedHashMap;

use crate::journal::TurnInput;
use crate::keys::store_key;

/// The part of what a worker says it keeps that is relied upon.
const RELIED_ON: (usize, usize) = (3, 4);
/// What a value counts besides its bytes, here and at the worker: however small
/// values are, few enough of them are kept.
const VALUE_OVERHEAD: usize = 256;

/// The values that a worker has.
#[derive(Debug)]
pub(crate) struct KnownValues {
    max_bytes: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Sizes by conversation and version, those used last at the end.
    sizes: LinkedHashMap<(u64, u64), usize>,
    bytes: usize,
}

impl KnownValues {
    /// Of a worker that says that it keeps so much.
    pub fn new(cache_bytes: usize) -> Self {
        Self {
            max_bytes: cache_bytes / RELIED_ON.1 * RELIED_ON.0,
            inner: Mutex::default(),
        }
    }

    /// Leaves the values out that the worker has, and names all by their
    /// versions: it has them from here on.
    pub fn leave_out(&self, key: &RootKey, mut input: TurnInput) -> TurnInput {
        if self.max_bytes == 0 {
            return input;
        }
        let apart = input.context.state.apart();
        let versions = apart.map(|(name, version, _)| (name.clone(), version));
        let versions: BTreeMap<Text, u64> = versions.collect();
        if versions.is_empty() {
            return input;
        }
        let conversation = store_key(key).hash64();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, version) in &versions {
            let state = &mut input.context.state;
            if inner.sizes.to_back(&(conversation, *version)).is_some() {
                state.set(name, None, *version);
            } else if let Some(value) = state.entries.get(name) {
                let size = value.size_bytes() + VALUE_OVERHEAD;
                inner.note((conversation, *version), size, self.max_bytes);
            }
        }
        drop(inner);
        input.versions = versions;
        input
    }

    /// The worker does not have the values of a conversation.
    pub fn forget(&self, key: &RootKey, root: &Root) {
        let conversation = store_key(key).hash64();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for version in root.values().into_keys() {
            if let Some(size) = inner.sizes.remove(&(conversation, version)) {
                inner.bytes -= size;
            }
        }
    }
}

impl Inner {
    fn note(&mut self, value: (u64, u64), size: usize, max_bytes: usize) {
        self.sizes.insert(value, size);
        self.bytes += size;
        while self.bytes > max_bytes
            && let Some((_, size)) = self.sizes.pop_front()
        {
            self.bytes -= size;
        }
    }
}
