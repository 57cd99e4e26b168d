//! Calls about what is said in a conversation.

use std::sync::Arc;

use everturn_engine::decide::{self, Accepted, ChangeMessage, Changed, SubmitEvent, SubmitMessage};
use everturn_engine::rejection::Rejection;
use everturn_engine::text::RootKey;
use everturn_engine::value::{AuthorKind, Time};
use tokio::sync::mpsc;

use crate::error::Error;
use crate::handle::contacts::{Link, addresses};
use crate::handle::{Handle, visit};
use crate::read::{MessagePage, read_by_time, read_transcript};
use crate::typing::{Typing, TypingNotice};
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
        let contact = (request.channel.clone(), request.customer_address.clone());
        let (accepted, link) = self.submit_unlinked(key.clone(), request).await?;
        if link != Link::Known {
            self.link(&key, [contact], link == Link::Again).await?;
        }
        Ok(accepted)
    }

    /// The same; what it says about its address is still to be noted.
    pub(super) async fn submit_unlinked(
        &self,
        key: RootKey,
        request: SubmitMessage,
    ) -> Result<(Accepted, Link), Error> {
        visit(&self.shared, key, true, move |scope| {
            let link = Link::of(&scope.hot.root, &request);
            let accepted = decide::submit_message(&mut scope.transaction(), request)?;
            Ok((accepted, link))
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
        let given = request.addresses.clone();
        let event = visit(&self.shared, key.clone(), true, move |scope| {
            let before = addresses(&scope.hot.root);
            let accepted = decide::submit_event(&mut scope.transaction(), request)?;
            Ok((accepted, before))
        });
        let (accepted, before) = event.await?;
        self.link_given(&key, given, &before).await?;
        Ok(accepted)
    }

    /// Tells who types: the conversation, watchers, the adapter of the channel.
    /// The channel is the reply channel if none is named.
    ///
    /// # Errors
    /// A rejection of `decide::submit_typing`.
    pub async fn submit_typing(&self, key: RootKey, mut typing: Typing) -> Result<(), Error> {
        let told = visit(&self.shared, key.clone(), false, move |scope| {
            let is_customer = typing.author == AuthorKind::Customer;
            decide::submit_typing(&mut scope.transaction(), is_customer, typing.is_typing)?;
            let conversation = scope.hot.root.conversation.as_ref();
            if typing.channel.as_str().is_empty()
                && let Some(conversation) = conversation
            {
                typing.channel = conversation.reply_channel.clone();
            }
            let address = conversation.and_then(|it| it.addresses.get(&typing.channel));
            let address = address.filter(|_| !is_customer).cloned();
            scope.tell(Update::Typing(typing.clone()));
            Ok((address, typing))
        });
        if let (Some(address), typing) = told.await? {
            self.shared.workers.typing.tell(TypingNotice {
                conversation: key,
                address,
                typing,
            });
        }
        Ok(())
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
        let page = read_transcript(&self.shared, &key, after, max_count);
        Ok(refined(self, &key, page.await?))
    }

    /// The same in the order of time, after a time and the position there.
    ///
    /// # Errors
    /// `ConversationNotFound`.
    pub async fn messages_by_time(
        &self,
        key: RootKey,
        after: Option<(Time, u64)>,
        max_count: usize,
    ) -> Result<MessagePage, Error> {
        let page = read_by_time(&self.shared, &key, after, max_count);
        Ok(refined(self, &key, page.await?))
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

/// Deliveries with what only the runtime knows of their waiting.
fn refined(handle: &Handle, key: &RootKey, mut page: MessagePage) -> MessagePage {
    for delivery in page.deliveries.values_mut() {
        handle.refine(&key.namespace, delivery.wait.as_mut());
    }
    page
}
