//! The summary of the demo, for people and for machines.

use serde_json::json;

use crate::audit::Audit;
use crate::play::Played;

/// What came of the play.
pub struct Report {
    conversations: usize,
    kills: u32,
    pieces: usize,
    audit: Audit,
    p50_ms: f64,
    p99_ms: f64,
}

impl Report {
    /// Sums up.
    pub fn new(played: &[Played], mut audit: Audit, kills: u32, pieces: usize) -> Self {
        audit.turn_ms.sort_by(f64::total_cmp);
        Self {
            conversations: played.len(),
            kills,
            pieces,
            p50_ms: quantile(&audit.turn_ms, 0.50),
            p99_ms: quantile(&audit.turn_ms, 0.99),
            audit,
        }
    }

    /// Whether every expectation held.
    pub fn is_ok(&self) -> bool {
        self.audit.lost == 0 && self.audit.duplicates == 0 && self.audit.unmet.is_empty()
    }

    /// Prints the summary for people; with `json` on standard error too, so
    /// that a script's log shows what went wrong.
    pub fn print(&self, json: bool) {
        println!("\nsummary");
        let occurred = &self.audit.occurred;
        let rows = [
            ("conversations", self.conversations.to_string()),
            ("turns", self.audit.turns.to_string()),
            ("activities", self.audit.activities.to_string()),
            ("retries", self.audit.retries.to_string()),
            ("pieces streamed", self.pieces.to_string()),
            ("delivered by adapters", self.audit.delivered.to_string()),
            ("orders canceled", occurred.canceled.to_string()),
            ("cancellations undone", occurred.undone.to_string()),
            ("held by quiet hours", occurred.held.to_string()),
            ("budgets raised", occurred.raised.to_string()),
            ("coordinator kills", self.kills.to_string()),
            ("messages lost", self.audit.lost.to_string()),
            ("duplicates", self.audit.duplicates.to_string()),
            ("turn p50", format!("{:.0} ms", self.p50_ms)),
            ("turn p99", format!("{:.0} ms", self.p99_ms)),
        ];
        for (name, value) in rows {
            println!("  {name:<22} {value:>9}");
        }
        println!("  (turns wait for the agents' delays and retries, and for the kills)");
        for problem in &self.audit.unmet {
            println!("  NOT AS EXPECTED: {problem}");
            if json {
                eprintln!("not as expected: {problem}");
            }
        }
        let verdict = if self.is_ok() {
            "every expectation held"
        } else {
            "something went wrong"
        };
        println!("  {verdict}");
    }

    /// One line for machines.
    pub fn to_json(&self) -> String {
        let occurred = &self.audit.occurred;
        json!({
            "ok": self.is_ok(),
            "conversations": self.conversations,
            "turns": self.audit.turns,
            "activities": self.audit.activities,
            "retries": self.audit.retries,
            "delivered": self.audit.delivered,
            "canceled": occurred.canceled,
            "undone": occurred.undone,
            "held": occurred.held,
            "budgets_raised": occurred.raised,
            "lost": self.audit.lost,
            "duplicates": self.audit.duplicates,
            "coordinator_kills": self.kills,
            "turn_ms": { "p50": round(self.p50_ms), "p99": round(self.p99_ms) },
        })
        .to_string()
    }
}

/// A quantile of sorted values, by nearest rank; 0 when there are none.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let index = rank.max(1) - 1;
    sorted.get(index).copied().unwrap_or_default()
}

fn round(ms: f64) -> f64 {
    (ms * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        assert!((quantile(&values, 0.5) - 5.0).abs() < f64::EPSILON);
        assert!((quantile(&values, 0.99) - 10.0).abs() < f64::EPSILON);
        assert!(quantile(&[], 0.5).abs() < f64::EPSILON);
    }
}
