//! The hash maps of the hot path. Their hasher is seeded at random in each
//! process, like the standard one, and several times faster on short keys.

use std::collections::{HashMap, HashSet};

pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
pub(crate) type Set<K> = HashSet<K, foldhash::fast::RandomState>;
