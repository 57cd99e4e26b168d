//! Customers who meet the people of the shop, who are written to first, and
//! whose conversations meet a bound.

use super::{customer, hears, hears_by, says, showing};
use crate::environment::Pace;
use crate::policies;
use crate::script::{Customer, Evidence, Step};

/// What the budget of a conversation begins with that uses it up with its
/// first draft, in millionths of a pound.
const SMALL_BUDGET: u64 = 100;
/// What a person makes of it.
const RAISED_BUDGET: u64 = 100_000;

/// Interruptions, people of the shop, and agents that write first.
pub fn people_and_events() -> Vec<Customer> {
    vec![
        // Changes his mind while the answer is being written: only the newer
        // wish is answered.
        Customer {
            interrupted: 1,
            ..showing(
                Evidence::Canceled("NT-20525"),
                customer(
                    "Jonas",
                    "chat",
                    2,
                    vec![
                        says(&["Where is my order NT-20525?"]),
                        Step::AwaitTurn,
                        says(&["Stop, please cancel order NT-20525 instead"]),
                        hears(&["NT-20525", "was canceled", "£279.00"]),
                    ],
                ),
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

/// A cancellation that is refused halfway, quiet hours, and a budget.
pub fn bounds(pace: Pace) -> Vec<Customer> {
    vec![
        // Paid with a gift card that has expired since: the money cannot go
        // back, so parcel and points must stay as they were.
        showing(
            Evidence::Undone("NT-20563"),
            customer(
                "Nora",
                "chat",
                1,
                vec![
                    says(&["Hello, my name is Nora Lindgren. Please cancel my order NT-20563."]),
                    hears(&["NT-20563", "could not be canceled", "colleague"]),
                    Step::Person(
                        "Hello Nora, Kim here. I renew your gift card and cancel by hand.",
                    ),
                    Step::HandBack,
                ],
            ),
        ),
        // It is night where he lives: nobody writes first before it is over,
        // not even a coordinator that was killed meanwhile.
        Customer {
            opening: policies::with_quiet_hours(policies::quiet_now()),
            ..showing(
                Evidence::Held,
                customer(
                    "Ewan",
                    "email",
                    1,
                    vec![
                        Step::Event("order-delayed", r#"{"order":"NT-20566"}"#),
                        Step::Wait(pace.think),
                        Step::AwaitKill,
                        Step::Wait(pace.think),
                        Step::Morning,
                        hears_by("email", &["NT-20566", "late"]),
                    ],
                ),
            )
        },
        // The first draft uses her budget up: the Manager may only make an
        // answer of it once a person has raised it.
        Customer {
            opening: policies::with_budget(SMALL_BUDGET),
            ..showing(
                Evidence::Raised {
                    from: SMALL_BUDGET,
                    to: RAISED_BUDGET,
                },
                customer(
                    "Bea",
                    "chat",
                    1,
                    vec![
                        says(&["what does the Storm Shell weigh and how do I wash it?"]),
                        Step::Raise(RAISED_BUDGET),
                        hears(&["390 g", "30 °C", "£189.00"]),
                    ],
                ),
            )
        },
    ]
}
