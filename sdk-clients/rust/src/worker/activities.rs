//! Running activities: handlers, the ones that wait, and how to abort them.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use everturn_proto::v1;
use futures::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;

use super::context::{ActivityContext, Piece, SharedUsage};
use crate::payload::failure;

pub(crate) type Outcome = Result<v1::Payload, v1::Failure>;
pub(crate) type ActivityHandler =
    Arc<dyn Fn(v1::ActivityTask, &mpsc::Sender<Piece>) -> Attempt + Send + Sync>;

/// An attempt that a handler has begun.
pub(crate) struct Attempt {
    /// Its work.
    pub future: BoxFuture<'static, Outcome>,
    /// What it has used, if its handler can say so.
    pub usage: Option<SharedUsage>,
}

/// What is reported about an attempt.
#[derive(Debug, PartialEq)]
pub(crate) struct Ended {
    /// How it ended.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Option<v1::Usage>,
}

impl Ended {
    pub(crate) fn new(outcome: Outcome, usage: Option<&SharedUsage>) -> Self {
        let usage =
            usage.and_then(|usage| usage.lock().unwrap_or_else(PoisonError::into_inner).clone());
        Self { outcome, usage }
    }
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            usage: None,
        }
    }
}

/// Erases the type of a handler that only looks at its task.
pub(crate) fn boxed<F, Answer>(handler: F) -> ActivityHandler
where
    F: Fn(v1::ActivityTask) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Outcome> + Send + 'static,
{
    let handler = Arc::new(handler);
    Arc::new(move |task, _| {
        let handler = Arc::clone(&handler);
        Attempt {
            future: caught(async move { handler(task).await }),
            usage: None,
        }
    })
}

/// Erases the type of a handler that streams or reports usage.
pub(crate) fn boxed_with_context<F, Answer>(handler: F) -> ActivityHandler
where
    F: Fn(ActivityContext) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Outcome> + Send + 'static,
{
    let handler = Arc::new(handler);
    Arc::new(move |task, outputs| {
        let handler = Arc::clone(&handler);
        let usage = SharedUsage::default();
        let context = ActivityContext::new(task, outputs.clone(), Arc::clone(&usage));
        Attempt {
            future: caught(async move { handler(context).await }),
            usage: Some(usage),
        }
    })
}

/// Turns panics into failures.
fn caught(work: impl Future<Output = Outcome> + Send + 'static) -> BoxFuture<'static, Outcome> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .map(|ended| ended.unwrap_or_else(|panic| Err(panicked(&*panic))))
        .boxed()
}

/// A panic as the failure of an attempt.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> v1::Failure {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    failure(
        "Panic",
        text.unwrap_or_else(|| "a handler panicked".to_owned()),
    )
}

/// What is reported instead of a result that cannot be taken: the run must
/// learn that, not wait in vain. `None` if it is over, or if this is what was
/// refused.
pub(crate) fn replacement(
    refused: v1::ActivityResult,
    rejection: &v1::ResultRejection,
) -> Option<v1::ActivityResult> {
    use v1::activity_result::Outcome;
    if !matches!(
        rejection.reason.as_str(),
        "LIMIT_EXCEEDED" | "FIELD_INVALID"
    ) {
        return None;
    }
    let mut failure = failure(
        rejection.reason.as_str(),
        format!("the coordinator refused the result: {}", rejection.message),
    );
    failure.non_retryable = true;
    let mut usage = refused.usage;
    if let Some(Outcome::Failure(said)) = &refused.outcome {
        (failure.kind, failure.non_retryable) = (said.kind, said.non_retryable);
        if said.r#type == rejection.reason {
            // It was refused for its usage, if it has any.
            usage.take()?;
        }
    }
    Some(v1::ActivityResult {
        outcome: Some(Outcome::Failure(failure)),
        usage,
        ..refused
    })
}

struct Waiting {
    abort: AbortHandle,
    usage: Option<SharedUsage>,
    is_fenced: bool,
}

/// The attempts that were not done at their first poll.
#[derive(Default)]
pub(crate) struct Running {
    futures: FuturesUnordered<BoxFuture<'static, (Bytes, Option<Outcome>)>>,
    waiting: HashMap<Bytes, Waiting>,
}

impl Running {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Bytes> {
        self.waiting.keys()
    }

    /// Whether the attempt is running here already: a delivery whose
    /// acknowledgement was lost came again.
    pub(crate) fn contains(&self, token: &[u8]) -> bool {
        self.waiting.contains_key(token)
    }

    /// Keeps an attempt that has to wait.
    pub(crate) fn push(&mut self, token: Bytes, attempt: Attempt) {
        let (abort, registration) = AbortHandle::new_pair();
        let entry = Waiting {
            abort,
            usage: attempt.usage,
            is_fenced: false,
        };
        self.waiting.insert(token.clone(), entry);
        self.futures.push(
            Abortable::new(attempt.future, registration)
                .map(move |ended| (token, ended.ok()))
                .boxed(),
        );
    }

    /// Stops an attempt. One that is `fenced` has nothing to report; any
    /// other confirms with a failure of kind CANCELED.
    pub(crate) fn abort(&mut self, token: &[u8], fenced: bool) {
        if let Some(entry) = self.waiting.get_mut(token) {
            entry.is_fenced |= fenced;
            entry.abort.abort();
        }
    }

    pub(crate) fn abort_all(&mut self) {
        for entry in self.waiting.values_mut() {
            entry.is_fenced = true;
            entry.abort.abort();
        }
    }

    /// The next attempt that ended, with what to report about it; pending
    /// for ever while there is none.
    pub(crate) async fn next(&mut self) -> (Bytes, Option<Ended>) {
        let Some((token, ended)) = self.futures.next().await else {
            return std::future::pending().await;
        };
        let entry = self.waiting.remove(&token);
        let is_fenced = entry.as_ref().is_some_and(|entry| entry.is_fenced);
        let outcome = ended.or_else(|| (!is_fenced).then(|| Err(canceled())));
        let usage = entry.and_then(|entry| entry.usage);
        (
            token,
            outcome.map(|outcome| Ended::new(outcome, usage.as_ref())),
        )
    }
}

fn canceled() -> v1::Failure {
    v1::Failure {
        kind: v1::FailureKind::Canceled.into(),
        message: "canceled on request".to_owned(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endless() -> Attempt {
        Attempt {
            future: std::future::pending().boxed(),
            usage: None,
        }
    }

    #[tokio::test]
    async fn an_aborted_attempt_confirms_unless_it_is_fenced() {
        let mut running = Running::default();
        running.push(Bytes::from("a"), endless());
        running.push(Bytes::from("b"), endless());
        assert!(running.contains(b"a") && !running.contains(b"c"));
        running.abort(b"a", false);
        let (token, ended) = running.next().await;
        assert_eq!(token, "a");
        let failure = ended.expect("a report").outcome.expect_err("a failure");
        assert_eq!(failure.kind(), v1::FailureKind::Canceled);
        running.abort(b"b", true);
        assert_eq!(running.next().await.1, None);
        assert!(running.is_empty());
    }

    #[tokio::test]
    async fn a_canceled_attempt_still_says_what_it_used() {
        let handler = boxed_with_context(|context: ActivityContext| async move {
            let used = v1::Usage {
                output_tokens: 7,
                ..Default::default()
            };
            context.report_usage(&used)?;
            std::future::pending().await
        });
        let (outputs, _pieces) = mpsc::channel(1);
        let mut running = Running::default();
        let mut attempt = handler(v1::ActivityTask::default(), &outputs);
        assert!(futures::poll!(&mut attempt.future).is_pending());
        running.push(Bytes::from("a"), attempt);
        running.abort(b"a", false);
        let ended = running.next().await.1.expect("a report");
        assert_eq!(ended.usage.expect("usage").output_tokens, 7);
    }

    #[tokio::test]
    async fn a_panic_is_a_failed_attempt() {
        async fn breaks(_: v1::ActivityTask) -> Outcome {
            panic!("broken {}", 7)
        }
        let handler = boxed(breaks);
        let (outputs, _pieces) = mpsc::channel(1);
        let attempt = handler(v1::ActivityTask::default(), &outputs);
        let failure = attempt.future.await.expect_err("a failure");
        assert_eq!(failure.r#type, "Panic");
        assert_eq!(failure.message, "broken 7");
    }
}
