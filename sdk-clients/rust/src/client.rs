//! The client: one shared connection, retries and the three service stubs.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use tonic::transport::{Channel, Endpoint};

use crate::Error;
use crate::options::ConnectOptions;
use crate::retry::Attempts;
use crate::stubs::{Conversations, TaskQueues, Workers, Workflows};

/// Largest answer that is read. Above the server's own bound, so that one
/// event with the largest payload always fits.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A client of one coordinator and namespace. Cheap to clone; clones share
/// the connection, which is opened by the first call and reopened when lost.
#[derive(Clone, Debug)]
pub struct Client {
    options: Arc<ConnectOptions>,
    channel: Channel,
}

impl Client {
    /// A client with these options. Nothing is sent yet. Must be called
    /// within a Tokio runtime.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the address is not a valid one.
    pub fn new(options: ConnectOptions) -> Result<Self, Error> {
        let endpoint = Endpoint::from_shared(options.uri())
            .map_err(|error| Error::invalid("address", format!("{}: {error}", options.address)))?;
        if endpoint.uri().authority().is_none() || endpoint.uri().scheme_str() != Some("http") {
            return Err(Error::invalid(
                "address",
                format!("{} is not host:port or http://host:port", options.address),
            ));
        }
        let channel = endpoint
            .connect_timeout(options.connect_timeout)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(options.keepalive_interval)
            .keep_alive_timeout(options.keepalive_timeout)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(8 << 20)
            .connect_lazy();
        Ok(Self {
            options: Arc::new(options),
            channel,
        })
    }

    /// The options that the client was made with.
    #[must_use]
    pub fn options(&self) -> &ConnectOptions {
        &self.options
    }

    /// Fills in the client's namespace where a request names none.
    pub(crate) fn place(&self, namespace: &mut String) {
        if namespace.is_empty() {
            namespace.push_str(&self.options.namespace);
        }
    }

    pub(crate) fn conversations(&self) -> Conversations {
        Conversations::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(crate) fn workflows(&self) -> Workflows {
        Workflows::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(crate) fn queues(&self) -> TaskQueues {
        TaskQueues::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(crate) fn workers(&self) -> Workers {
        Workers::new(self.channel.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// Makes a unary call, with retries. `wait` is what the call itself may
    /// wait on the server, on top of the request timeout.
    pub(crate) async fn unary<Req, Res, Call, Answer>(
        &self,
        request: Req,
        wait: Duration,
        call: Call,
    ) -> Result<Res, Error>
    where
        Req: Clone,
        Call: Fn(tonic::Request<Req>) -> Answer,
        Answer: Future<Output = Result<tonic::Response<Res>, tonic::Status>>,
    {
        let timeout = self.options.request_timeout + wait;
        let mut attempts = Attempts::new(&self.options.retry);
        loop {
            let mut attempt = tonic::Request::new(request.clone());
            attempt.set_timeout(timeout);
            match call(attempt).await {
                Ok(response) => return Ok(response.into_inner()),
                Err(status) => {
                    let delay = attempts.after(Error::from(status))?;
                    tokio::time::sleep(delay).await;
                }
            }
        }
    }
}

/// A random id that makes a retried request the same request.
pub(crate) fn random_id() -> String {
    format!("{:032x}", rand::rng().random::<u128>())
}
