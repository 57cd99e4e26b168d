//! What workers, deliveries and queues are named by, and the map to find
//! things by their names.

use std::collections::HashMap;

/// Keys are references to tasks, long and looked up for every task.
pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Names a subscribed worker; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(pub u64);

/// Names a delivery to one worker; counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub u64);

/// Position of a queue in the dispatcher.
pub(crate) type QueueIndex = usize;
