//! Random requests in random order: whatever happens, the invariants of
//! `random::check` and `random::model` hold after every step.

mod random;
mod scenario;

use proptest::prelude::*;
use random::play::World;
use random::steps::{ending, policy, step};

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_breaks_a_conversation(
        policy in policy(),
        steps in prop::collection::vec(step(), 1..200),
        ending in ending(),
    ) {
        let mut world = World::new(policy);
        for step in steps.into_iter().chain(ending) {
            world.play(step);
        }
    }
}
