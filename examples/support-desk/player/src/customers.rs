//! The cast: seventeen customers, one for each thing that can happen in a shop's
//! inbox.

use crate::processes::Pace;
use crate::script::{Customer, Reply, Step};

/// Everyone, in order of appearance.
pub fn cast(pace: Pace) -> Vec<Customer> {
    let mut cast = quick_answers();
    cast.extend(stubborn_channels());
    cast.extend(longer_talks(pace));
    cast.extend(people_and_events());
    cast
}

fn customer(name: &'static str, channel: &'static str, turns: u64, steps: Vec<Step>) -> Customer {
    Customer {
        name,
        channel,
        steps,
        turns,
        interrupted: 0,
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

/// One question, one answer.
fn quick_answers() -> Vec<Customer> {
    vec![
        // An angry customer: nobody may try to sell her anything.
        customer(
            "Lena",
            "email",
            1,
            vec![
                says(&[
                    "Hello, my name is Lena Vogel. My order NT-20495 is two weeks late. This is \
                    unacceptable!",
                ]),
                Step::Expect(Reply {
                    with: &["Hello Lena", "NT-20495", "late"],
                    without: &["goes well"],
                    channel: Some("email"),
                }),
            ],
        ),
        // A question about a product: Sales adds the price.
        customer(
            "Grace",
            "chat",
            1,
            vec![
                says(&["Is the Aurora tent suitable for winter and snow?"]),
                hears_by("chat", &["three seasons", "£329.00"]),
            ],
        ),
        customer(
            "Tom",
            "email",
            1,
            vec![
                says(&[
                    "Hello, my name is Tom Okafor. I would like to cancel order NT-20482 please.",
                ]),
                hears_by("email", &["Hello Tom", "NT-20482", "cancel"]),
            ],
        ),
        customer(
            "Sofia",
            "chat",
            1,
            vec![
                says(&["I want to return my jacket from order NT-20514, it is too small"]),
                hears(&["NT-20514", "label"]),
            ],
        ),
        customer(
            "Petra",
            "sms",
            1,
            vec![
                says(&["When will I get my refund for NT-20541?"]),
                hears(&["NT-20541", "5 working days"]),
            ],
        ),
    ]
}

/// Messages that come more than once, or while the coordinator is down.
fn stubborn_channels() -> Vec<Customer> {
    vec![
        // The provider of his channel delivers everything more than once.
        customer(
            "David",
            "chat",
            1,
            vec![
                says(&["are the hiking boots waterproof?"]),
                Step::Repeat,
                Step::Repeat,
                hears(&["waterproof", "£149.00"]),
                Step::Repeat,
            ],
        ),
        // Writes while the coordinator is down.
        customer(
            "Haruto",
            "chat",
            1,
            vec![
                Step::AwaitKill,
                says(&["Where is my tent? Order NT-20547"]),
                hears(&["NT-20547", "Northpost"]),
                Step::Repeat,
            ],
        ),
    ]
}

/// More than one message, or more than one answer.
fn longer_talks(pace: Pace) -> Vec<Customer> {
    vec![
        // A burst of messages is one turn.
        customer(
            "Ines",
            "chat",
            2,
            vec![
                says(&[
                    "Hi, this is Ines",
                    "I ordered hiking boots last week",
                    "Where is my order NT-20481?",
                ]),
                hears(&["NT-20481", "Parcelway"]),
                says(&["Thank you so much, that helps!"]),
                hears(&["welcome"]),
            ],
        ),
        // The order number is missing and comes a while later.
        customer(
            "Marcus",
            "sms",
            1,
            vec![
                says(&["where is my parcel?"]),
                hears(&["order number"]),
                Step::Pause(pace.think),
                says(&["its NT-20490"]),
                hears(&["NT-20490", "out for delivery"]),
            ],
        ),
        // The wrong number first.
        customer(
            "Priya",
            "chat",
            1,
            vec![
                says(&["Where is my order NT-99999?"]),
                hears(&["cannot find", "NT-99999"]),
                says(&["Sorry, I mean NT-20508"]),
                hears(&["NT-20508", "Parcelway"]),
            ],
        ),
        // Never answers: is asked, reminded, and let go.
        customer(
            "Callum",
            "chat",
            1,
            vec![
                says(&["can you change the delivery address for my order?"]),
                hears(&["order number"]),
                hears(&[]),
                hears(&[]),
            ],
        ),
        // Goes on by another channel.
        customer(
            "Anna",
            "chat",
            2,
            vec![
                says(&["Where is my order NT-20503?"]),
                hears_by("chat", &["NT-20503", "late"]),
                Step::SayBy("email", "Then I would like to cancel NT-20503 please."),
                hears_by("email", &["NT-20503", "cannot be canceled"]),
            ],
        ),
    ]
}

/// Interruptions, people of the shop, and agents that write first.
fn people_and_events() -> Vec<Customer> {
    vec![
        // Changes his mind while the answer is being written: only the newer
        // wish is answered.
        Customer {
            interrupted: 1,
            ..customer(
                "Jonas",
                "chat",
                2,
                vec![
                    says(&["Where is my order NT-20525?"]),
                    Step::AwaitTurn,
                    says(&["Stop, please cancel order NT-20525 instead"]),
                    hears(&["NT-20525", "canceled"]),
                ],
            )
        },
        // Wants a person, gets one, and comes back to the agents.
        customer(
            "Aisha",
            "chat",
            1,
            vec![
                says(&["Let me talk to a human please"]),
                hears(&["colleague"]),
                Step::Person("Hello Aisha, Kim here. How can I help?"),
                says(&["Thanks Kim! Where is my order NT-20521?"]),
                Step::HandBack,
                hears(&["NT-20521", "on its way"]),
            ],
        ),
        // So much money goes back only if a person says so.
        customer(
            "Mateo",
            "email",
            2,
            vec![
                says(&["I want a refund for my order NT-20538 please"]),
                hears_by("email", &["approve", "£688.00"]),
                Step::Approve,
                hears_by("email", &["approved", "£688.00"]),
            ],
        ),
        // His parcel is late, and he hears of it before he asks.
        customer(
            "Omar",
            "email",
            2,
            vec![
                Step::Event("order-delayed", r#"{"order":"NT-20503"}"#),
                hears_by("email", &["NT-20503", "late"]),
                says(&["Thank you for letting me know!"]),
                hears_by("email", &["welcome"]),
            ],
        ),
        // Left her cart: Sales writes first.
        customer(
            "Fatima",
            "sms",
            1,
            vec![
                Step::Event("cart-abandoned", r#"{"products":["Aurora 2"]}"#),
                hears_by("sms", &["Aurora 2", "£329.00"]),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cast_covers_channels_and_has_distinct_names() {
        let cast = cast(Pace::FAST);
        assert!(cast.len() >= 8);
        for channel in ["chat", "sms", "email"] {
            assert!(
                cast.iter().any(|customer| customer.channel == channel),
                "{channel}"
            );
        }
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
