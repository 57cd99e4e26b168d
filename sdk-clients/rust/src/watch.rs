//! Following a conversation across lost connections and restarts of the
//! coordinator, with the last message and the last piece of each output seen
//! as the cursor.

use std::collections::VecDeque;
use std::time::Duration;

use everturn_proto::v1;
use tokio::sync::watch;
use v1::watch_conversation_response::Update;

use crate::Error;
use crate::error::Code;
use crate::options::RetryOptions;
use crate::retry::{Attempts, Backoff};
use crate::stubs::Conversations;

/// Most outputs that are followed across a reconnect: the server takes no
/// more cursors. The ones that were silent longest begin anew.
const OUTPUT_CURSORS_MAX: usize = 1_000;

/// A followed conversation. Messages come in order, each once, whatever
/// happens to the connection in between; so do the pieces of partial output,
/// until an `OutputReset` says that one begins anew.
#[derive(Debug)]
pub struct Watch {
    conversations: Conversations,
    retry: RetryOptions,
    request: v1::WatchConversationRequest,
    stream: Option<tonic::Streaming<v1::WatchConversationResponse>>,
    backoff: Backoff,
    /// Updates that this side made up, before those of the stream.
    pending: VecDeque<Update>,
    connected: watch::Sender<bool>,
    was_open: bool,
    is_closed: bool,
}

impl Watch {
    pub(crate) fn new(
        conversations: Conversations,
        retry: RetryOptions,
        request: v1::WatchConversationRequest,
    ) -> Self {
        Self {
            request,
            stream: None,
            backoff: Backoff::new(retry.initial_delay, retry.maximum_delay),
            pending: VecDeque::new(),
            connected: watch::Sender::new(false),
            was_open: false,
            is_closed: false,
            conversations,
            retry,
        }
    }

    /// Position of the last message seen: where another watch would go on.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.request.after_sequence
    }

    /// Leaves out partial outputs. To be said before the first `next`.
    #[must_use]
    pub fn without_outputs(mut self) -> Self {
        self.request.without_outputs = true;
        self
    }

    /// Shows notes, too, which the customer must not see. To be said before the
    /// first `next`.
    #[must_use]
    pub fn with_notes(mut self) -> Self {
        self.request.include_notes = true;
        self
    }

    /// Whether the conversation is being followed at this moment, as a value
    /// to wait on: false before the first success and while a lost stream is
    /// being reopened.
    #[must_use]
    pub fn connected(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
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
            if let Some(update) = self.pending.pop_front() {
                return Ok(Some(update));
            }
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
                    if is_final(&error) && !self.forgets_outputs(&error) {
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
            Update::OutputDelta(delta) => {
                if self.has(delta.cursor.as_ref()) {
                    return None;
                }
                self.follow(delta.cursor.as_ref());
            }
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
            | Update::Changed(_)
            | Update::Typing(_) => {}
        }
        Some(update)
    }

    /// Whether a piece was seen before: a worker sends its pieces again to a
    /// coordinator that was restarted.
    fn has(&self, cursor: Option<&v1::OutputCursor>) -> bool {
        let Some(cursor) = cursor else {
            return false;
        };
        self.request.output_cursors.iter().any(|known| {
            known.workflow_id == cursor.workflow_id
                && known.key == cursor.key
                && known.attempt == cursor.attempt
                && known.sequence >= cursor.sequence
        })
    }

    /// Notes where this watch stands in an output, for the next connection.
    fn follow(&mut self, cursor: Option<&v1::OutputCursor>) {
        if let Some(cursor) = cursor {
            self.forget(cursor);
            let cursors = &mut self.request.output_cursors;
            if cursors.len() == OUTPUT_CURSORS_MAX {
                cursors.remove(0);
            }
            cursors.push(cursor.clone());
        }
    }

    /// A coordinator that was restarted may have less of an output than this
    /// watch: then all outputs are taken from their beginnings. True if there
    /// were any.
    fn forgets_outputs(&mut self, error: &Error) -> bool {
        let forgets =
            error.reason() == Some("CURSOR_INVALID") && !self.request.output_cursors.is_empty();
        if forgets {
            let cursors = self.request.output_cursors.drain(..);
            self.pending.extend(cursors.map(|mut cursor| {
                cursor.sequence = 0;
                Update::OutputReset(v1::OutputReset {
                    cursor: Some(cursor),
                })
            }));
        }
        forgets
    }

    fn forget(&mut self, cursor: &v1::OutputCursor) {
        self.request
            .output_cursors
            .retain(|known| known.workflow_id != cursor.workflow_id || known.key != cursor.key);
    }

    async fn lost(&mut self) {
        self.stream = None;
        self.connected.send_replace(false);
        let delay = self.backoff.delay();
        tokio::time::sleep(delay).await;
    }

    async fn open(&mut self) -> Result<(), Error> {
        let retry = self.retry.clone();
        let mut attempts = Attempts::new(&retry);
        loop {
            let opened = self
                .conversations
                .watch_conversation(self.request.clone())
                .await;
            match opened {
                Ok(response) => {
                    self.stream = Some(response.into_inner());
                    self.was_open = true;
                    self.connected.send_replace(true);
                    return Ok(());
                }
                Err(status) => {
                    let error = Error::from(status);
                    let goes_on = !is_final(&error) || self.forgets_outputs(&error);
                    let delay = if self.was_open && goes_on {
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
