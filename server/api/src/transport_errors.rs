//! What the transport refuses by itself, in the terms of this API: bytes that
//! are no message of the expected type (bad UTF-8 in a text among them), and
//! messages that are too large.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::http::{Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::error;

/// Gives the transport's own statuses a reason.
///
/// Every status of ours carries details, so one without them was made by the
/// transport: INTERNAL for what cannot be decoded, OUT_OF_RANGE for what is
/// too large.
pub(crate) fn translate(status: Status, message_bytes: usize) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    match status.code() {
        Code::Internal => error::fields_invalid(vec![(
            "request".to_owned(),
            format!("cannot be read: {}", status.message()),
        )]),
        Code::OutOfRange => error::limit_exceeded("bytes of a gRPC message", message_bytes as u64),
        _ => status,
    }
}

/// Translates the answers of all services.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TranslateLayer {
    pub message_bytes: usize,
}

impl<S> Layer<S> for TranslateLayer {
    type Service = Translate<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Translate {
            inner,
            message_bytes: self.message_bytes,
        }
    }
}

/// A service whose answers are translated.
#[derive(Clone, Debug)]
pub(crate) struct Translate<S> {
    inner: S,
    message_bytes: usize,
}

impl<S, B> Service<Request<B>> for Translate<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let answer = self.inner.call(request);
        let message_bytes = self.message_bytes;
        Box::pin(async move {
            let response = answer.await?;
            // Only a refusal has its status in the headers.
            match Status::from_header_map(response.headers()) {
                Some(status) if status.details().is_empty() => {
                    Ok(translate(status, message_bytes).into_http())
                }
                _ => Ok(response),
            }
        })
    }
}
