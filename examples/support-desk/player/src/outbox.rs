//! Judges what left the shop: every message with an address exactly once, and
//! the provider's word for it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use everturn_client::v1;

use crate::audit::Audit;
use crate::journals::{transcript, words};
use crate::play::Played;
use crate::stage::Stage;

/// Providers that are busy are tried again, and receipts take a moment.
const TIMEOUT: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// (channel, address, text), and how often it left.
type Left = HashMap<(String, String, String), u64>;

/// Compares the transcripts with what the providers took.
pub async fn check(
    audit: &mut Audit,
    stage: &Stage,
    played: &[Played],
    providers_log: &Path,
) -> Result<()> {
    let begin = Instant::now();
    let due = loop {
        let (due, pending) = due(stage, played).await?;
        if pending.is_empty() {
            break due;
        }
        if begin.elapsed() > TIMEOUT {
            audit.unmet.extend(pending);
            break due;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let log = fs::read_to_string(providers_log).context("cannot read what the providers took")?;
    let left = left(&log);
    audit.delivered = due.values().sum();
    for (message, count) in &due {
        let found = left.get(message).copied().unwrap_or_default();
        audit.lost += count.saturating_sub(found);
        audit.duplicates += found.saturating_sub(*count);
    }
    audit.duplicates += left
        .iter()
        .filter(|(message, _)| !due.contains_key(message))
        .map(|(_, count)| count)
        .sum::<u64>();
    Ok(())
}

/// Messages that must leave, and what is not yet as it must be.
async fn due(stage: &Stage, played: &[Played]) -> Result<(Left, Vec<String>)> {
    let mut due = Left::new();
    let mut pending = Vec::new();
    for act in played {
        let id = act.customer.conversation_id();
        for message in transcript(stage, &id).await? {
            let address = act.customer.address(&message.channel);
            let kind = message.author_kind();
            let is_ours = kind == v1::AuthorKind::Agent || kind == v1::AuthorKind::Human;
            if !is_ours || address.is_empty() {
                continue;
            }
            let status = message.delivery.as_ref().map(v1::DeliveryState::status);
            // The mail server takes emails, the gateway also says that they arrived.
            let wanted = if message.channel == "sms" {
                v1::DeliveryStatus::Delivered
            } else {
                v1::DeliveryStatus::Accepted
            };
            if status != Some(wanted) {
                let name = act.customer.name;
                pending.push(format!(
                    "{name}: the delivery of message {} is {status:?} instead of {wanted:?}",
                    message.sequence
                ));
            }
            let text = words(&message).to_owned();
            *due.entry((message.channel, address, text)).or_default() += 1;
        }
    }
    Ok((due, pending))
}

/// What the providers wrote down: one JSON object a line.
fn left(log: &str) -> Left {
    let mut left = Left::new();
    for line in log.lines() {
        let Ok(taken) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        let field = |name: &str| {
            taken[name]
                .as_str()
                .unwrap_or_default()
                .replace("\r\n", "\n")
        };
        *left
            .entry((field("channel"), field("to"), field("text")))
            .or_default() += 1;
    }
    left
}

#[cfg(test)]
mod tests {
    use super::left;

    #[test]
    fn what_providers_took_is_counted() {
        let line = r#"{"channel":"sms","to":"+44","key":"k","text":"hello"}"#;
        let left = left(&format!("{line}\nnoise\n{line}\n"));
        assert_eq!(left.values().copied().collect::<Vec<_>>(), [2]);
    }
}
