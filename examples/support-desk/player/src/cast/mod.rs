//! The cast: twenty customers, one for each thing that can happen in a shop's
//! inbox.

mod people;
mod talks;

use everturn_client::v1::TurnPolicy;

use crate::environment::Pace;
use crate::script::{Customer, Evidence, Reply, Step};

/// Everyone, in order of appearance.
pub fn cast(pace: Pace) -> Vec<Customer> {
    let mut cast = talks::quick_answers();
    cast.extend(talks::stubborn_channels());
    cast.extend(talks::longer_talks(pace));
    cast.extend(people::people_and_events());
    cast.extend(people::bounds(pace));
    cast
}

fn customer(name: &'static str, channel: &'static str, turns: u64, steps: Vec<Step>) -> Customer {
    Customer {
        name,
        channel,
        steps,
        turns,
        interrupted: 0,
        opening: TurnPolicy::default(),
        evidence: Vec::new(),
    }
}

fn says(text: &'static [&'static str]) -> Step {
    Step::Say(text)
}

fn hears(with: &'static [&'static str]) -> Step {
    Step::Expect(Reply {
        with,
        ..Reply::default()
    })
}

fn hears_by(channel: &'static str, with: &'static [&'static str]) -> Step {
    Step::Expect(Reply {
        with,
        channel: Some(channel),
        ..Reply::default()
    })
}

/// A customer whose script leaves something beside messages.
fn showing(evidence: Evidence, customer: Customer) -> Customer {
    Customer {
        evidence: vec![evidence],
        ..customer
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_cast_covers_channels_and_has_distinct_names() {
        let cast = cast(Pace::FAST);
        assert_eq!(cast.len(), 20);
        for channel in ["chat", "sms", "email"] {
            assert!(
                cast.iter().any(|customer| customer.channel == channel),
                "{channel}"
            );
        }
        let kinds = cast.iter().flat_map(|customer| &customer.evidence);
        let kinds: HashSet<_> = kinds.map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 4);
        let mut names: Vec<_> = cast.iter().map(|customer| customer.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), cast.len());
        assert!(
            cast.iter()
                .all(|customer| customer.replies() >= 1 && customer.turns >= 1)
        );
    }
}
