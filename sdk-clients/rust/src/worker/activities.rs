//! Running activities: handlers, the ones that wait, and how to abort them.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use everturn_proto::v1;
use futures::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use futures::stream::{FuturesUnordered, StreamExt as _};

use crate::payload::failure;

pub(crate) type Outcome = Result<v1::Payload, v1::Failure>;
pub(crate) type ActivityHandler =
    Arc<dyn Fn(v1::ActivityTask) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// Erases a handler's type and turns its panics into failures.
pub(crate) fn boxed<F, Answer>(handler: F) -> ActivityHandler
where
    F: Fn(v1::ActivityTask) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Outcome> + Send + 'static,
{
    let handler = Arc::new(handler);
    Arc::new(move |task| {
        let handler = Arc::clone(&handler);
        AssertUnwindSafe(async move { handler(task).await })
            .catch_unwind()
            .map(|ended| ended.unwrap_or_else(|panic| Err(panicked(&*panic))))
            .boxed()
    })
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

struct Waiting {
    abort: AbortHandle,
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

    /// Keeps an attempt that has to wait. `false` if the attempt is running
    /// here already: a delivery whose acknowledgement was lost came again.
    pub(crate) fn push(&mut self, token: Bytes, future: BoxFuture<'static, Outcome>) -> bool {
        if self.waiting.contains_key(&token) {
            return false;
        }
        let (abort, registration) = AbortHandle::new_pair();
        let entry = Waiting {
            abort,
            is_fenced: false,
        };
        self.waiting.insert(token.clone(), entry);
        self.futures.push(
            Abortable::new(future, registration)
                .map(move |ended| (token, ended.ok()))
                .boxed(),
        );
        true
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
    pub(crate) async fn next(&mut self) -> (Bytes, Option<Outcome>) {
        let Some((token, ended)) = self.futures.next().await else {
            return std::future::pending().await;
        };
        let entry = self.waiting.remove(&token);
        let outcome = ended.or_else(|| {
            let is_fenced = entry.is_some_and(|entry| entry.is_fenced);
            (!is_fenced).then(|| Err(canceled()))
        });
        (token, outcome)
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

    #[tokio::test]
    async fn an_aborted_attempt_confirms_unless_it_is_fenced() {
        let mut running = Running::default();
        running.push(Bytes::from("a"), std::future::pending().boxed());
        running.push(Bytes::from("b"), std::future::pending().boxed());
        assert!(!running.push(Bytes::from("a"), std::future::pending().boxed()));
        running.abort(b"a", false);
        let (token, outcome) = running.next().await;
        assert_eq!(token, "a");
        let failure = outcome.expect("a report").expect_err("a failure");
        assert_eq!(failure.kind(), v1::FailureKind::Canceled);
        running.abort(b"b", true);
        assert_eq!(running.next().await.1, None);
        assert!(running.is_empty());
    }

    #[tokio::test]
    async fn a_panic_is_a_failed_attempt() {
        async fn breaks(_: v1::ActivityTask) -> Outcome {
            panic!("broken {}", 7)
        }
        let handler = boxed(breaks);
        let failure = handler(v1::ActivityTask::default())
            .await
            .expect_err("a failure");
        assert_eq!(failure.r#type, "Panic");
        assert_eq!(failure.message, "broken 7");
    }
}
