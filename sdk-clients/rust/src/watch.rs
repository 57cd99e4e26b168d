//! Following a conversation across lost connections and restarts of the
//! coordinator, with the last message seen as the cursor.

use std::time::Duration;

use everturn_proto::v1;
use v1::watch_conversation_response::Update;

use crate::Error;
use crate::client::Client;
use crate::error::Code;
use crate::retry::{Attempts, Backoff};

/// A followed conversation. Messages come in order, each once, whatever
/// happens to the connection in between.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    request: v1::WatchConversationRequest,
    stream: Option<tonic::Streaming<v1::WatchConversationResponse>>,
    backoff: Backoff,
    was_open: bool,
    is_closed: bool,
}

impl Watch {
    pub(crate) fn new(client: Client, conversation_id: String, after_sequence: u64) -> Self {
        let retry = &client.options().retry;
        Self {
            request: v1::WatchConversationRequest {
                namespace: client.options().namespace.clone(),
                conversation_id,
                after_sequence,
                output_cursors: Vec::new(),
                without_outputs: false,
            },
            stream: None,
            backoff: Backoff::new(retry.initial_delay, retry.maximum_delay),
            was_open: false,
            is_closed: false,
            client,
        }
    }

    /// Position of the last message seen: where another watch would go on.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.request.after_sequence
    }

    /// The next update; `None` once the conversation is closed and everything
    /// was seen. A connection that breaks after the first success is reopened
    /// for as long as it takes; dropping the future loses nothing.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `CONVERSATION_NOT_FOUND`, `LIMIT_EXCEEDED`; before the
    /// first success also `UNAVAILABLE` once retries are used up.
    pub async fn next(&mut self) -> Result<Option<Update>, Error> {
        loop {
            if self.is_closed {
                return Ok(None);
            }
            let Some(stream) = &mut self.stream else {
                self.open().await?;
                continue;
            };
            match stream.message().await {
                Ok(Some(response)) => {
                    self.backoff.reset();
                    if let Some(update) = response.update.and_then(|update| self.take(update)) {
                        return Ok(Some(update));
                    }
                }
                Ok(None) => self.lost().await,
                Err(status) => {
                    let error = Error::from(status);
                    // A stream that breaks reports all sorts of codes; only
                    // what a new attempt would meet again is final.
                    if is_final(&error) {
                        return Err(error);
                    }
                    tracing::debug!(%error, "watch lost its stream");
                    self.lost().await;
                }
            }
        }
    }

    /// Moves the cursor; drops what was already seen before a reconnect.
    fn take(&mut self, update: Update) -> Option<Update> {
        match &update {
            Update::Message(message) => {
                if message.sequence <= self.request.after_sequence {
                    return None;
                }
                self.request.after_sequence = message.sequence;
            }
            Update::Closed(_) => self.is_closed = true,
            Update::OutputDelta(delta) => self.follow(delta.cursor.as_ref()),
            Update::OutputReset(reset) => self.follow(reset.cursor.as_ref()),
            Update::OutputEnded(ended) => {
                if let Some(cursor) = &ended.cursor {
                    self.forget(cursor);
                }
            }
            Update::CaughtUp(_)
            | Update::TurnChanged(_)
            | Update::Lagged(_)
            | Update::Delivery(_)
            | Update::Changed(_) => {}
        }
        Some(update)
    }

    /// Notes where this watch stands in an output, for the next connection.
    fn follow(&mut self, cursor: Option<&v1::OutputCursor>) {
        if let Some(cursor) = cursor {
            self.forget(cursor);
            self.request.output_cursors.push(cursor.clone());
        }
    }

    fn forget(&mut self, cursor: &v1::OutputCursor) {
        self.request
            .output_cursors
            .retain(|known| known.workflow_id != cursor.workflow_id || known.key != cursor.key);
    }

    async fn lost(&mut self) {
        self.stream = None;
        let delay = self.backoff.delay();
        tokio::time::sleep(delay).await;
    }

    async fn open(&mut self) -> Result<(), Error> {
        let retry = self.client.options().retry.clone();
        let mut attempts = Attempts::new(&retry);
        loop {
            let opened = self
                .client
                .conversations()
                .watch_conversation(self.request.clone())
                .await;
            match opened {
                Ok(response) => {
                    self.stream = Some(response.into_inner());
                    self.was_open = true;
                    return Ok(());
                }
                Err(status) => {
                    let error = Error::from(status);
                    let delay = if self.was_open && !is_final(&error) {
                        self.backoff
                            .delay()
                            .max(error.retry_delay().unwrap_or(Duration::ZERO))
                    } else {
                        attempts.after(error)?
                    };
                    tokio::time::sleep(delay).await;
                }
            }
        }
    }
}

fn is_final(error: &Error) -> bool {
    match error.code() {
        Code::InvalidArgument
        | Code::NotFound
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        | Code::Unimplemented => true,
        Code::ResourceExhausted => !error.is_retryable(),
        _ => false,
    }
}
