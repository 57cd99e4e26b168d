//! WatchConversation: the transcript after a cursor, then every change as it
//! becomes durable.
//!
//! A watcher subscribes first and then reads the transcript up to where the
//! subscription began, so nothing falls between. One that reads too slowly is
//! told, and caught up from the transcript.

use std::collections::VecDeque;
use std::pin::Pin;

use everturn_engine::text::RootKey;
use everturn_proto::v1 as pb;
use everturn_proto::v1::watch_conversation_response::Update as Wire;
use everturn_runtime::{Handle, Update, Watch};
use futures::Stream;
use tonic::{Response, Status};

use crate::checker::Checker;
use crate::{error, incoming, outgoing};

/// The answers of a watch.
pub(crate) type Updates =
    Pin<Box<dyn Stream<Item = Result<pb::WatchConversationResponse, Status>> + Send>>;

/// Messages read from the transcript at once.
const PAGE_MESSAGES: usize = 256;

pub(super) async fn call(
    handle: &Handle,
    request: pb::WatchConversationRequest,
) -> Result<Response<Updates>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.finish()?;
    let watch = handle.watch(key.clone()).await;
    let watch = watch.map_err(|error| error::refused(&error))?;
    if request.after_sequence > watch.durable_through {
        let text = format!(
            "is beyond the transcript, which has {} messages",
            watch.durable_through
        );
        return Err(error::fields_invalid(vec![(
            "after_sequence".to_owned(),
            text,
        )]));
    }
    let follower = Follower {
        handle: handle.clone(),
        key,
        // Everything that was durable when the watch began is read from the
        // transcript.
        read_through: watch.durable_through,
        caught_up: false,
        sent: request.after_sequence,
        ready: VecDeque::new(),
        ended: false,
        watch,
    };
    let updates = futures::stream::unfold(follower, |mut follower| async move {
        let next = follower.next().await?;
        Some((next, follower))
    });
    Ok(Response::new(Box::pin(updates)))
}

/// One watcher's position.
struct Follower {
    handle: Handle,
    key: RootKey,
    watch: Watch,
    /// The transcript is to be read up to this message.
    read_through: u64,
    caught_up: bool,
    /// The last message that was sent.
    sent: u64,
    ready: VecDeque<Wire>,
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<pb::WatchConversationResponse, Status>> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                let update = Some(update);
                return Some(Ok(pb::WatchConversationResponse { update }));
            }
            if self.ended {
                return None;
            }
            if let Err(status) = self.prepare().await {
                self.ended = true;
                return Some(Err(status));
            }
        }
    }

    /// Gets the next updates ready.
    async fn prepare(&mut self) -> Result<(), Status> {
        if self.sent < self.read_through {
            return self.read_page().await;
        }
        if !self.caught_up {
            self.caught_up = true;
            self.ready.push_back(Wire::CaughtUp(pb::CaughtUp {}));
            if let Some(reason) = &self.watch.closed {
                self.close(reason.to_string());
            }
            return Ok(());
        }
        match self.watch.next().await {
            Some(update) => self.take(update),
            None => Err(error::refused(&everturn_runtime::Error::Draining)),
        }
    }

    async fn read_page(&mut self) -> Result<(), Status> {
        let page = self
            .handle
            .messages(self.key.clone(), self.sent, PAGE_MESSAGES);
        let page = page.await.map_err(|error| error::refused(&error))?;
        for message in &page.messages {
            if message.sequence <= self.read_through {
                self.sent = message.sequence;
                self.ready
                    .push_back(Wire::Message(outgoing::message(message)));
            }
        }
        if !page.more {
            self.read_through = self.sent;
        }
        Ok(())
    }

    fn take(&mut self, update: Update) -> Result<(), Status> {
        match update {
            Update::Message(message) => {
                if message.sequence > self.sent + 1 {
                    // Some were left out: this one is read with them.
                    self.read_through = message.sequence;
                } else if message.sequence > self.sent {
                    self.sent = message.sequence;
                    self.ready
                        .push_back(Wire::Message(outgoing::message(&message)));
                }
            }
            Update::TurnChanged { number, activity } => {
                self.ready.push_back(Wire::TurnChanged(pb::TurnChanged {
                    number,
                    status: outgoing::turn_activity(activity).into(),
                }));
            }
            Update::Lagged(skipped) => {
                // Whatever was left out is durable by now.
                self.read_through = u64::MAX;
                self.ready.push_back(Wire::Lagged(pb::Lagged {
                    skipped_count: skipped,
                }));
            }
            Update::Closed { reason } => self.close(reason.to_string()),
        }
        Ok(())
    }

    fn close(&mut self, reason: String) {
        let closed = pb::ConversationClosed { reason };
        self.ready.push_back(Wire::Closed(closed));
        self.ended = true;
    }
}
