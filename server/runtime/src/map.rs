//! The hash maps of the hot path. Their hasher is seeded at random in each
//! process, like the standard one, and several times faster on short keys. What
//! is done for each entry in turn is done in the order of the keys: a history
//! must not depend on the hasher.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
pub(crate) type Set<K> = HashSet<K, foldhash::fast::RandomState>;

/// Entries that a map may have room for without being asked to give it back.
const ROOM: usize = 1_024;

/// Gives back most of the room of a map that was much larger once.
pub(crate) fn give_back<K: Eq + Hash, V>(map: &mut Map<K, V>) {
    if map.capacity() > 4 * map.len().max(ROOM) {
        map.shrink_to(2 * map.len());
    }
}

/// The same for a set.
pub(crate) fn give_back_set<K: Eq + Hash>(set: &mut Set<K>) {
    if set.capacity() > 4 * set.len().max(ROOM) {
        set.shrink_to(2 * set.len());
    }
}
