//! What a running activity knows and can say: its task, partial output, usage.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use everturn_proto::v1;
use tokio::sync::mpsc;

use crate::payload::failure;

/// A part of an attempt's output on its way to the session.
pub(crate) type Piece = (Bytes, Bytes);
/// What an attempt has used so far, readable when it was aborted too.
pub(crate) type SharedUsage = Arc<Mutex<Option<v1::Usage>>>;

/// What an activity is given beside its input. Dropped with the attempt.
#[derive(Debug)]
pub struct ActivityContext {
    task: v1::ActivityTask,
    outputs: mpsc::Sender<Piece>,
    usage: SharedUsage,
}

impl ActivityContext {
    pub(crate) fn new(
        task: v1::ActivityTask,
        outputs: mpsc::Sender<Piece>,
        usage: SharedUsage,
    ) -> Self {
        Self {
            task,
            outputs,
            usage,
        }
    }

    /// The task: input, attempt, key, and the message when it is a delivery.
    #[must_use]
    pub fn task(&self) -> &v1::ActivityTask {
        &self.task
    }

    /// Hands a part of the output to those who watch the conversation. It
    /// leaves at once and is not stored: the result has to say it all again.
    /// Watchers are told to begin anew when another attempt follows. Waits
    /// while the worker has more to send than it should keep.
    pub async fn stream(&self, data: impl Into<Bytes>) {
        let data = data.into();
        if data.is_empty() {
            return;
        }
        let piece = (self.task.task_token.clone(), data);
        // Nobody listens once the worker is gone, and with it this attempt.
        let _ = self.outputs.send(piece).await;
    }

    /// Says what the activity has used; adds to what it said before. Sent
    /// with the end of the attempt, whether it succeeds or not.
    ///
    /// # Errors
    /// A failure `UsageInvalid` that is not retried when a cost has no
    /// currency or another one than before.
    pub fn report_usage(&self, used: &v1::Usage) -> Result<(), v1::Failure> {
        let mut total = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = added(total.as_ref(), used)?;
        *total = Some(sum);
        Ok(())
    }
}

fn added(total: Option<&v1::Usage>, used: &v1::Usage) -> Result<v1::Usage, v1::Failure> {
    let mut sum = total.cloned().unwrap_or_default();
    if used.cost_micros > 0 {
        let is_other = !sum.currency.is_empty() && sum.currency != used.currency;
        if used.currency.is_empty() || is_other {
            return Err(v1::Failure {
                non_retryable: true,
                ..failure("UsageInvalid", "a cost needs one currency throughout")
            });
        }
        sum.currency.clone_from(&used.currency);
    }
    sum.input_tokens = sum.input_tokens.saturating_add(used.input_tokens);
    sum.output_tokens = sum.output_tokens.saturating_add(used.output_tokens);
    sum.cost_micros = sum.cost_micros.saturating_add(used.cost_micros);
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input_tokens: u64, cost_micros: u64, currency: &str) -> v1::Usage {
        v1::Usage {
            input_tokens,
            cost_micros,
            currency: currency.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn usage_adds_up_in_one_currency() {
        let first = added(None, &usage(3, 0, "")).expect("no cost");
        let second = added(Some(&first), &usage(4, 10, "EUR")).expect("a first currency");
        assert_eq!(second, usage(7, 10, "EUR"));
        for wrong in [usage(0, 1, "USD"), usage(0, 1, "")] {
            let refused = added(Some(&second), &wrong).expect_err("refused");
            assert!(refused.non_retryable);
        }
    }
}
