//! Customers who ask and are answered.

use super::{customer, hears, hears_by, says, showing};
use crate::environment::Pace;
use crate::script::{Customer, Evidence, Reply, Step};

/// One question, one answer.
pub fn quick_answers() -> Vec<Customer> {
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
        // His order is canceled: parcel, points and payment.
        showing(
            Evidence::Canceled("NT-20482"),
            customer(
                "Tom",
                "email",
                1,
                vec![
                    says(&[
                        "Hello, my name is Tom Okafor. I would like to cancel order NT-20482 \
                        please.",
                    ]),
                    hears_by(
                        "email",
                        &["Hello Tom", "NT-20482", "was canceled", "£119.00"],
                    ),
                ],
            ),
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
pub fn stubborn_channels() -> Vec<Customer> {
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
pub fn longer_talks(pace: Pace) -> Vec<Customer> {
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
