//! The hash maps of the hot path. Their hasher is seeded at random in each
//! process, like the standard one, and several times faster on short keys. What
//! is done for each entry in turn is done in the order of the keys: a history
//! must not depend on the hasher.

use std::collections::{HashMap, HashSet};

pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
pub(crate) type Set<K> = HashSet<K, foldhash::fast::RandomState>;
