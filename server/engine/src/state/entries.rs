//! The state that user code writes: entries by name, each with the version of
//! its value. The values of a large state are stored apart from its root, and
//! workers keep them: both name a value by its version.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::text::Text;
use crate::value::Payload;

/// Bytes up to which a state is stored and sent to workers in one piece.
const TOGETHER_BYTES: usize = 4_096;
/// Bytes from which on a value of a larger one is named by its version: a
/// shorter one is hardly longer than that.
const APART_BYTES: usize = 64;

/// Values of a root that are stored apart from it, by version.
pub type Values = BTreeMap<u64, Payload>;

/// Entries written by user code, with their size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct State {
    /// The entries.
    #[n(0)]
    pub entries: BTreeMap<Text, Payload>,
    /// Bytes of all names and values.
    #[n(1)]
    pub size_bytes: usize,
    /// The versions of their values, unique in the root for good. An entry has
    /// none that was written before there were versions, until a turn starts.
    #[n(2)]
    #[cbor(default)]
    pub versions: BTreeMap<Text, u64>,
}

impl State {
    /// Writes an entry, or removes it.
    pub fn set(&mut self, name: &Text, value: Option<Payload>, version: u64) {
        if let Some(before) = self.entries.remove(name) {
            self.size_bytes -= entry_bytes(name, &before);
            self.versions.remove(name);
        }
        if let Some(value) = value {
            self.size_bytes += entry_bytes(name, &value);
            self.entries.insert(name.clone(), value);
            self.versions.insert(name.clone(), version);
        }
    }

    /// The entries without a version.
    pub(super) fn unversioned(&self) -> Vec<Text> {
        if self.versions.len() == self.entries.len() {
            return Vec::new();
        }
        let names = self.entries.keys();
        let names = names.filter(|name| !self.versions.contains_key(*name));
        names.cloned().collect()
    }

    /// Whether two states hold the same, as far as their versions tell.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.versions.len() == self.entries.len()
            && self.entries.len() == other.entries.len()
            && self.versions == other.versions
    }

    /// The values to be named by their versions, where that is shorter: the
    /// larger ones of a large state.
    pub fn apart(&self) -> impl Iterator<Item = (&Text, u64, &Payload)> {
        let is_large = self.size_bytes > TOGETHER_BYTES;
        let entries = self.entries.iter().filter(move |_| is_large);
        entries
            .filter(|(_, value)| value.size_bytes() >= APART_BYTES)
            .filter_map(|(name, value)| Some((name, *self.versions.get(name)?, value)))
    }

    /// Takes out what is stored apart.
    pub(super) fn take_apart(&mut self) {
        let apart: Vec<Text> = self.apart().map(|(name, ..)| name.clone()).collect();
        for name in apart {
            self.entries.remove(&name);
        }
    }

    /// Takes out what another state holds, too.
    pub(super) fn take_known(&mut self, other: &Self) {
        let Self {
            entries, versions, ..
        } = self;
        entries.retain(|name, _| {
            let version = versions.get(name);
            version.is_none() || version != other.versions.get(name)
        });
    }

    /// The reverse of both; the version of a value that is missing.
    pub(super) fn put_back(&mut self, other: Option<&Self>, values: &Values) -> Result<(), u64> {
        let Self {
            entries, versions, ..
        } = self;
        // Entries of an earlier version have none: it cannot be seen from their
        // numbers whether any is missing.
        for (name, version) in versions {
            if entries.contains_key(name) {
                continue;
            }
            let known = other.filter(|it| it.versions.get(name) == Some(version));
            let known = known.and_then(|it| it.entries.get(name));
            let value = known.or_else(|| values.get(version)).ok_or(*version)?;
            entries.insert(name.clone(), value.clone());
        }
        Ok(())
    }
}

/// Bytes that an entry counts against the limit of the state.
#[must_use]
pub fn entry_bytes(name: &Text, value: &Payload) -> usize {
    name.as_str().len() + value.size_bytes()
}
