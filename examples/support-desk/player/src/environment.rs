//! How the processes of the demo are set up: the pace of the play, and the
//! environment that all of them get.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::policies;

/// Share of the agents' attempts that fail on purpose.
pub const FAULT_RATE: f64 = 0.12;
/// Seals the receipts of a gateway that lives as long as the demo.
pub const SECRET: &str = "demo";
/// Pounds for a million words that agents write: as much as a large language
/// model takes for as many tokens.
const PRICE: f64 = 15.0;

/// How fast the play goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Silence that ends a burst of messages.
    pub quiet: Duration,
    /// How long a customer takes to find an order number.
    pub think: Duration,
    /// Longest delay of an agent's attempt, in milliseconds.
    pub latency_ms_max: u32,
    /// Pause after each word of a draft, in milliseconds.
    pub word_ms: u32,
    /// Silence after which a customer is reminded, in seconds.
    pub remind_after_s: u32,
    /// Silence after which a reminded customer is let go, in seconds.
    pub give_up_after_s: u32,
}

impl Pace {
    /// For people who watch.
    pub const CALM: Self = Self {
        quiet: Duration::from_millis(400),
        think: Duration::from_millis(3_500),
        latency_ms_max: 600,
        word_ms: 15,
        remind_after_s: 9,
        give_up_after_s: 4,
    };
    /// For tests.
    pub const FAST: Self = Self {
        quiet: Duration::from_millis(300),
        think: Duration::from_millis(1_000),
        latency_ms_max: 300,
        word_ms: 3,
        remind_after_s: 7,
        give_up_after_s: 2,
    };
}

/// The back office's file.
pub fn back_office(store_dir: &Path) -> PathBuf {
    store_dir.join("back-office.db")
}

/// Variables of every process. Ports are those of mail server, SMS gateway and
/// receipts.
pub fn of_processes(
    address: SocketAddr,
    [smtp, sms, receipts]: [u16; 3],
    pace: Pace,
    store_dir: &Path,
) -> Vec<(&'static str, String)> {
    let file = |path: PathBuf| path.to_string_lossy().into_owned();
    let (remind, give_up) = (pace.remind_after_s, pace.give_up_after_s);
    vec![
        ("EVERTURN_ADDRESS", address.to_string()),
        ("EVERTURN_NAMESPACE", "default".into()),
        ("PYTHONUNBUFFERED", "1".into()),
        ("SUPPORT_FAULT_RATE", FAULT_RATE.to_string()),
        ("SUPPORT_LATENCY_MS", pace.latency_ms_max.to_string()),
        ("SUPPORT_WORD_MS", pace.word_ms.to_string()),
        ("SUPPORT_PRICE_OUTPUT", PRICE.to_string()),
        ("SUPPORT_REMIND_AFTER_S", remind.to_string()),
        ("SUPPORT_GIVE_UP_AFTER_S", give_up.to_string()),
        // Whatever the hour is, it is day in this shop.
        (
            "SUPPORT_QUIET_HOURS",
            policies::in_words(&policies::quiet_later()),
        ),
        ("SUPPORT_BACK_OFFICE", file(back_office(store_dir))),
        ("SUPPORT_MAIL_SENT", file(store_dir.join("mail-sent.db"))),
        ("SUPPORT_SMTP_ADDRESS", format!("127.0.0.1:{smtp}")),
        ("SUPPORT_SMTP_SECURITY", "none".into()),
        ("SUPPORT_SMS_BASE_URL", format!("http://127.0.0.1:{sms}")),
        ("SUPPORT_RECEIPTS_LISTEN", format!("127.0.0.1:{receipts}")),
        ("SUPPORT_RECEIPTS_SECRET", SECRET.into()),
    ]
}
