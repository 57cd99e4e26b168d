//! The roots in memory, in the order in which they are looked at: whether they
//! only wait and may leave.

use std::collections::VecDeque;

use everturn_engine::text::RootKey;
use everturn_engine::value::Time;

use crate::map::{Set, give_back_set};

/// Roots to look at, each once, however often it is used or written.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// With the time of the use that was the last one then.
    queue: VecDeque<(Time, RootKey)>,
    listed: Set<RootKey>,
}

impl Idle {
    /// A root is to be looked at when it was not used for a while.
    pub fn note(&mut self, key: &RootKey, touched: Time) {
        if self.listed.insert(key.clone()) {
            self.queue.push_back((touched, key.clone()));
        }
    }

    /// Takes out the first root, if it was noted at this time or before.
    pub fn take_noted(&mut self, by: Time) -> Option<(Time, RootKey)> {
        let (touched, key) = self.queue.pop_front_if(|(touched, _)| *touched <= by)?;
        self.listed.remove(&key);
        Some((touched, key))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Gives back the room of those that are no longer here.
    pub fn give_back(&mut self) {
        give_back_set(&mut self.listed);
        if self.queue.capacity() > 4 * self.listed.capacity() {
            self.queue.shrink_to(2 * self.listed.len());
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.listed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> RootKey {
        RootKey {
            namespace: "default".into(),
            id: id.into(),
        }
    }

    #[test]
    fn a_root_that_is_always_in_use_is_listed_once() {
        let mut idle = Idle::default();
        for second in 1..=100 {
            idle.note(&key("busy"), Time(second));
            if let Some((_, key)) = idle.take_noted(Time(second - 10)) {
                // Used since then.
                idle.note(&key, Time(second));
            }
        }
        assert_eq!(idle.len(), 1);
    }

    #[test]
    fn roots_are_looked_at_in_turn_once_their_time_has_come() {
        let mut idle = Idle::default();
        idle.note(&key("a"), Time(1));
        idle.note(&key("b"), Time(2));
        assert_eq!(idle.take_noted(Time(0)), None);
        assert_eq!(idle.take_noted(Time(2)), Some((Time(1), key("a"))));
        idle.note(&key("a"), Time(3));
        assert_eq!(idle.take_noted(Time(2)), Some((Time(2), key("b"))));
        assert_eq!(idle.take_noted(Time(2)), None);
        idle.clear();
        assert_eq!(idle.take_noted(Time(9)), None);
    }
}
