//! Calls about what is said in a conversation.

use std::sync::Arc;

use everturn_engine::decide::{self, Accepted, ChangeMessage, Changed, SubmitEvent, SubmitMessage};
use everturn_engine::rejection::Rejection;
use everturn_engine::text::RootKey;
use tokio::sync::mpsc;

use crate::error::Error;
use crate::handle::{Handle, visit};
use crate::read::{MessagePage, TranscriptRead, read_messages};
use crate::record::DeliveryRecord;
use crate::watch::{OutputPosition, Place, Update, Watch, Watcher};

impl Handle {
    /// Adds a customer's message to a conversation.
    ///
    /// # Errors
    /// A rejection of `decide::submit_message`, `Busy`, `Draining`.
    pub async fn submit_message(
        &self,
        key: RootKey,
        request: SubmitMessage,
    ) -> Result<Accepted, Error> {
        self.admit()?;
        visit(&self.shared, key, true, move |scope| {
            Ok(decide::submit_message(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Changes a customer's message.
    ///
    /// # Errors
    /// A rejection of `decide::change_message`, `Busy`, `Draining`.
    pub async fn change_message(
        &self,
        key: RootKey,
        request: ChangeMessage,
    ) -> Result<Changed, Error> {
        self.admit()?;
        visit(&self.shared, key, true, move |scope| {
            Ok(decide::change_message(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Adds an event to a conversation.
    ///
    /// # Errors
    /// A rejection of `decide::submit_event`, `Busy`, `Draining`.
    pub async fn submit_event(
        &self,
        key: RootKey,
        request: SubmitEvent,
    ) -> Result<Accepted, Error> {
        self.admit()?;
        visit(&self.shared, key, true, move |scope| {
            Ok(decide::submit_event(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Reads a part of the transcript of a conversation.
    ///
    /// # Errors
    /// `ConversationNotFound`.
    pub async fn messages(
        &self,
        key: RootKey,
        after: u64,
        max_count: usize,
    ) -> Result<MessagePage, Error> {
        let held = visit(&self.shared, key.clone(), false, move |scope| {
            let root = &scope.hot.root;
            let Some(conversation) = &root.conversation else {
                let erased = root.tombstone.is_some();
                return if erased {
                    Ok(None)
                } else {
                    Err(Rejection::ConversationNotFound.into())
                };
            };
            let deliveries = conversation.deliveries.range(after.saturating_add(1)..);
            let record = |it| DeliveryRecord::of(conversation, it);
            let deliveries = deliveries.map(|(sequence, it)| (*sequence, record(it)));
            let newer = scope.hot.messages.iter().filter(|m| m.sequence > after);
            let reaches_back = scope.hot.messages.first().map(|m| m.sequence);
            Ok(Some(TranscriptRead {
                first_in_memory: reaches_back.unwrap_or(u64::MAX),
                newer: newer.cloned().collect(),
                deliveries: deliveries.collect(),
            }))
        });
        let Some(read) = held.await? else {
            return Ok(MessagePage::default());
        };
        let page = read_messages(&self.shared, &key, after, read, max_count);
        let mut page = page.await?;
        for delivery in page.deliveries.values_mut() {
            self.refine(&key.namespace, delivery.wait.as_mut());
        }
        Ok(page)
    }

    /// Subscribes to the updates of a conversation. `positions` says where the
    /// caller stands in partial outputs.
    ///
    /// # Errors
    /// `ConversationNotFound`, `CursorInvalid`, `LimitExceeded`, `Draining`.
    pub async fn watch(
        &self,
        key: RootKey,
        positions: Option<Vec<OutputPosition>>,
    ) -> Result<Watch, Error> {
        self.admit()?;
        let bound = self.shared.options.watchers;
        let place = Place::take(&self.gate.watchers, bound).ok_or(Error::LimitExceeded {
            subject: "open watchers",
            limit: bound as u64,
        })?;
        let (sender, updates) = mpsc::channel(self.shared.options.watcher_updates);
        let skipped = Arc::default();
        let watcher = Watcher {
            updates: sender,
            skipped: Arc::clone(&skipped),
            outputs: positions.is_some(),
        };
        // Subscribed and positioned in one step: nothing falls between.
        let (durable_through, closed, outputs) = visit(&self.shared, key, false, move |scope| {
            let root = &scope.hot.root;
            if root.tombstone.is_some() && root.conversation.is_none() {
                return Ok((0, Some("the conversation was erased".into()), Vec::new()));
            }
            let conversation = root.conversation.as_ref();
            if conversation.is_none() && root.exists() {
                return Err(Rejection::ConversationNotFound.into());
            }
            // One that is to come has no messages yet.
            let position = conversation.map_or((0, None), |conversation| {
                (conversation.message_count, conversation.closed.clone())
            });
            let outputs = match positions {
                Some(positions) => scope.hot.outputs_from(&positions)?,
                None => Vec::new(),
            };
            scope.watch(watcher);
            Ok((position.0, position.1, outputs))
        })
        .await?;
        Ok(Watch {
            durable_through,
            closed,
            outputs,
            updates,
            skipped,
            _place: place,
        })
    }

    /// What a watcher that missed something needs of the partial outputs.
    ///
    /// # Errors
    /// `ConversationNotFound`, `CursorInvalid`.
    pub async fn outputs(
        &self,
        key: RootKey,
        positions: Vec<OutputPosition>,
    ) -> Result<Vec<Update>, Error> {
        visit(&self.shared, key, false, move |scope| {
            scope.hot.outputs_from(&positions)
        })
        .await
    }
}
