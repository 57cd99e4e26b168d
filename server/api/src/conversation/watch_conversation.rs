//! WatchConversation: the transcript after a cursor, then every change as it
//! becomes durable, and partial outputs as they come.
//!
//! A watcher subscribes first and then reads the transcript up to where the
//! subscription began, so nothing falls between. One that reads too slowly is
//! told, and caught up from the transcript and the kept outputs.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;

use everturn_engine::text::RootKey;
use everturn_proto::v1 as pb;
use everturn_proto::v1::watch_conversation_response::Update as Wire;
use everturn_runtime::{Error, Handle, OutputPosition, StreamName, Update, Watch};
use futures::Stream;
use tonic::{Code, Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing};

/// The answers of a watch.
pub(crate) type Updates =
    Pin<Box<dyn Stream<Item = Result<pb::WatchConversationResponse, Status>> + Send>>;

/// Messages read from the transcript at once.
const PAGE_MESSAGES: usize = 256;
/// Outputs that a caller may say it follows.
const MAX_CURSORS: usize = 1_000;

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
    let cursors = Path::field("output_cursors");
    if request.output_cursors.len() > MAX_CURSORS {
        checker.violation(cursors, format!("has more than {MAX_CURSORS} entries"));
    }
    for (index, cursor) in request.output_cursors.iter().enumerate().take(MAX_CURSORS) {
        checker.name(cursors.at(index).then("workflow_id"), &cursor.workflow_id);
        checker.name(cursors.at(index).then("key"), &cursor.key);
    }
    checker.finish()?;
    let positions: Vec<OutputPosition> = request.output_cursors.iter().map(position).collect();
    let wanted = (!request.without_outputs).then(|| positions.clone());
    let watch = handle.watch(key.clone(), wanted).await;
    let mut watch = watch.map_err(|error| error::refused(&error))?;
    if request.after_sequence > watch.durable_through && watch.closed.is_none() {
        return Err(error::status(
            Code::InvalidArgument,
            pb::ErrorReason::CursorInvalid,
            format!(
                "after_sequence is beyond the transcript, which has {} messages",
                watch.durable_through
            ),
        ));
    }
    let outputs = std::mem::take(&mut watch.outputs);
    let mut follower = Follower {
        handle: handle.clone(),
        key,
        include_notes: request.include_notes,
        // Everything that was durable when the watch began is read from the
        // transcript.
        read_through: watch.durable_through,
        caught_up: false,
        sent: request.after_sequence,
        followed: HashMap::new(),
        ready: VecDeque::new(),
        ended: false,
        watch,
    };
    for position in positions {
        follower.note(&position);
    }
    for update in outputs {
        follower.take(update)?;
    }
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
    /// The watcher may see notes.
    include_notes: bool,
    /// The transcript is to be read up to this message.
    read_through: u64,
    caught_up: bool,
    /// The last message that was sent.
    sent: u64,
    /// Where the watcher stands in running outputs: attempt and piece.
    followed: HashMap<Arc<StreamName>, (u32, u64)>,
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
            Some(Update::Lagged(skipped)) => self.catch_up(skipped).await,
            Some(update) => self.take(update),
            None if self.handle.is_draining() => Err(error::refused(&Error::Draining)),
            None => Err(error::refused(&Error::PartitionMoved)),
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
                if message.is_note && !self.include_notes {
                    continue;
                }
                let delivery = page.deliveries.get(&message.sequence);
                self.ready.push_back(Wire::Message(pb::Message {
                    delivery: delivery.map(outgoing::delivery),
                    ..outgoing::message(message)
                }));
            }
        }
        if !page.more {
            self.read_through = self.sent;
        }
        Ok(())
    }

    /// The watcher was behind: it is told how much it missed, then messages
    /// follow from the transcript and outputs from where it stands.
    async fn catch_up(&mut self, skipped: u64) -> Result<(), Status> {
        // Whatever was left out is durable by now.
        self.read_through = u64::MAX;
        self.ready.push_back(Wire::Lagged(pb::Lagged {
            skipped_count: skipped,
        }));
        let positions = self
            .followed
            .iter()
            .map(|(stream, (attempt, sequence))| OutputPosition {
                stream: Arc::clone(stream),
                attempt: *attempt,
                sequence: *sequence,
            });
        let outputs = self.handle.outputs(self.key.clone(), positions.collect());
        let outputs = outputs.await.map_err(|error| error::refused(&error))?;
        outputs.into_iter().try_for_each(|update| self.take(update))
    }

    fn take(&mut self, update: Update) -> Result<(), Status> {
        match update {
            Update::Message(message, delivery) => {
                if message.sequence > self.sent + 1 {
                    // Some were left out: this one is read with them.
                    self.read_through = message.sequence;
                } else if message.sequence > self.sent {
                    self.sent = message.sequence;
                    if message.is_note && !self.include_notes {
                        return Ok(());
                    }
                    self.ready.push_back(Wire::Message(pb::Message {
                        delivery: delivery.as_deref().map(outgoing::delivery),
                        ..outgoing::message(&message)
                    }));
                }
            }
            Update::Delivery(message_sequence, delivery) => {
                self.ready.push_back(Wire::Delivery(pb::MessageDelivery {
                    message_sequence,
                    delivery: Some(outgoing::delivery(&delivery)),
                }));
            }
            Update::Changed(access) => {
                let changed = outgoing::changed(&access);
                self.ready.push_back(Wire::Changed(changed));
            }
            Update::TurnChanged { number, activity } => {
                self.ready.push_back(Wire::TurnChanged(pb::TurnChanged {
                    number,
                    status: outgoing::turn_activity(activity).into(),
                }));
            }
            Update::Typing(typing) => {
                let typing = outgoing::typing(&typing);
                self.ready.push_back(Wire::Typing(typing));
            }
            Update::OutputDelta(position, data) => self.delta(&position, data),
            Update::OutputReset(position) => {
                self.note(&position);
                let cursor = Some(cursor(&position));
                self.ready
                    .push_back(Wire::OutputReset(pb::OutputReset { cursor }));
            }
            Update::OutputEnded(position) => {
                self.followed.remove(&position.stream);
                let cursor = Some(cursor(&position));
                self.ready
                    .push_back(Wire::OutputEnded(pb::OutputEnded { cursor }));
            }
            Update::Lagged(_) => unreachable!("taken by `prepare`"),
            Update::Closed { reason } => self.close(reason.to_string()),
        }
        Ok(())
    }

    /// A piece that the watcher has already is left out.
    fn delta(&mut self, position: &OutputPosition, data: bytes::Bytes) {
        let at = (position.attempt, position.sequence);
        if self
            .followed
            .get(&position.stream)
            .is_some_and(|have| *have >= at)
        {
            return;
        }
        self.note(position);
        self.ready.push_back(Wire::OutputDelta(pb::OutputDelta {
            cursor: Some(cursor(position)),
            data,
        }));
    }

    fn note(&mut self, position: &OutputPosition) {
        let at = (position.attempt, position.sequence);
        self.followed.insert(Arc::clone(&position.stream), at);
    }

    fn close(&mut self, reason: String) {
        let closed = pb::ConversationClosed { reason };
        self.ready.push_back(Wire::Closed(closed));
        self.ended = true;
    }
}

fn position(cursor: &pb::OutputCursor) -> OutputPosition {
    OutputPosition {
        stream: Arc::new(StreamName {
            workflow_id: cursor.workflow_id.as_str().into(),
            key: cursor.key.as_str().into(),
        }),
        attempt: cursor.attempt,
        sequence: cursor.sequence,
    }
}

fn cursor(position: &OutputPosition) -> pb::OutputCursor {
    pb::OutputCursor {
        workflow_id: position.stream.workflow_id.to_string(),
        key: position.stream.key.to_string(),
        attempt: position.attempt,
        sequence: position.sequence,
    }
}
