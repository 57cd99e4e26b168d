//! The seed of a test run.

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// Random choices of the test `name`: from `EVERTURN_TEST_SEED` if it is set.
/// Prints the seed, which a failed test shows.
///
/// # Panics
/// When the variable is not a number.
#[must_use]
pub fn random(name: &str) -> StdRng {
    let seed = match std::env::var("EVERTURN_TEST_SEED") {
        Ok(text) => text.parse().expect("EVERTURN_TEST_SEED is a number"),
        Err(_) => rand::random::<u64>(),
    };
    println!("{name}: EVERTURN_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}
