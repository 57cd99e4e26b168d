//! Health checks and metrics over HTTP/1.1.
//!
//! - `/healthz`: 200 while the process can answer at all;
//! - `/readyz`: 200 while the coordinator takes work, 503 before and after,
//!   and while something keeps it from serving, with what that is;
//! - `/metrics`: OpenMetrics text.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::metrics::{self, SharedRegistry};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the coordinator takes work; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<Conditions>);

#[derive(Debug, Default)]
struct Conditions {
    takes_work: AtomicBool,
    problem: RwLock<Option<&'static str>>,
}

impl Readiness {
    /// Changes what `/readyz` says.
    pub(crate) fn set(&self, is_ready: bool) {
        self.0.takes_work.store(is_ready, Ordering::Release);
    }

    /// From here on it also says what keeps the coordinator from serving.
    pub(crate) fn follow(&self, mut problem: watch::Receiver<Option<&'static str>>) {
        let state = Arc::clone(&self.0);
        tokio::spawn(async move {
            loop {
                let now = *problem.borrow_and_update();
                *state
                    .problem
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = now;
                if problem.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    /// Why it is not ready, if it is not.
    fn problem(&self) -> Option<String> {
        if !self.0.takes_work.load(Ordering::Acquire) {
            return Some("not ready\n".to_owned());
        }
        let problem = *self
            .0
            .problem
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        problem.map(|problem| format!("not ready: {problem}\n"))
    }
}

#[derive(Clone)]
struct Shared {
    readiness: Readiness,
    registry: SharedRegistry,
}

/// Serves until `stop` is canceled.
pub(crate) async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    registry: SharedRegistry,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let shared = Shared {
        readiness,
        registry,
    };
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(open_metrics))
        .with_state(shared);
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

async fn readyz(State(shared): State<Shared>) -> Response {
    match shared.readiness.problem() {
        None => "ready\n".into_response(),
        Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, problem).into_response(),
    }
}

async fn open_metrics(State(shared): State<Shared>) -> Response {
    match metrics::encode(&shared.registry) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::healthcheck::fetch;

    #[tokio::test]
    async fn readiness_follows_the_coordinator_and_metrics_are_served() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let readiness = Readiness::default();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(
            listener,
            readiness.clone(),
            crate::metrics::registry(),
            stop.clone(),
        ));
        let status = async |path| fetch(&address, path).await.expect("an answer").0;
        assert_eq!(status("/healthz").await, 200);
        assert_eq!(status("/readyz").await, 503);
        readiness.set(true);
        assert_eq!(status("/readyz").await, 200);
        let (code, body) = fetch(&address, "/metrics").await.expect("an answer");
        assert_eq!(code, 200);
        assert!(body.contains("process_cpu_seconds_total"));
        assert!(body.contains(OPEN_METRICS), "{body}");
        stop.cancel();
        server.await.expect("no panic").expect("served");
    }
}
