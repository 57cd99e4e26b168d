//! Calls about conversations themselves.

use everturn_engine::decide::{self, CloseConversation, UpdateConversation};
use everturn_engine::event::Tombstone;
use everturn_engine::rejection::Rejection;
use everturn_engine::text::{RootKey, Text};
use everturn_store::RootKind;

use crate::error::Error;
use crate::handle::contacts::addresses;
use crate::handle::{Handle, ListQuery, visit};
use crate::partition::Scope;
use crate::read::ConversationPage;
use crate::record::ConversationRecord;

impl Handle {
    /// Closes a conversation.
    ///
    /// # Errors
    /// `ConversationNotFound`, `MessagesWait`.
    pub async fn close_conversation(
        &self,
        key: RootKey,
        mut request: CloseConversation,
    ) -> Result<(), Error> {
        let type_name = self.conversation(key.clone()).await?.type_name;
        let settings = self.type_settings(&key.namespace, &type_name).await?;
        request.retention = settings.retention;
        visit(&self.shared, key, false, move |scope| {
            let tx = &mut scope.transaction();
            Ok(decide::close_conversation(tx, request)?)
        })
        .await
    }

    /// Changes a conversation; the answer is how it is then.
    ///
    /// # Errors
    /// A rejection of `decide::update_conversation`.
    pub async fn update_conversation(
        &self,
        key: RootKey,
        request: UpdateConversation,
    ) -> Result<ConversationRecord, Error> {
        let given = request.addresses.clone();
        let update = visit(&self.shared, key.clone(), false, move |scope| {
            let before = addresses(&scope.hot.root);
            decide::update_conversation(&mut scope.transaction(), request)?;
            Ok((record_of(scope)?, before))
        });
        let (record, before) = update.await?;
        self.link_given(&key, given, &before).await?;
        Ok(record)
    }

    /// Stops the dispatch of everything in a conversation.
    ///
    /// # Errors
    /// A rejection of `decide::pause_conversation`.
    pub async fn pause_conversation(&self, key: RootKey, reason: Text) -> Result<(), Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::pause_conversation(
                &mut scope.transaction(),
                reason,
            )?)
        })
        .await
    }

    /// Lets a paused conversation go on.
    ///
    /// # Errors
    /// A rejection of `decide::resume_conversation`.
    pub async fn resume_conversation(&self, key: RootKey) -> Result<(), Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::resume_conversation(&mut scope.transaction())?)
        })
        .await
    }

    /// Removes the content of a conversation.
    ///
    /// # Errors
    /// `ConversationNotFound`.
    pub async fn erase_conversation(&self, key: RootKey) -> Result<Tombstone, Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::erase_conversation(&mut scope.transaction())?)
        })
        .await
    }

    /// Reads a conversation.
    ///
    /// # Errors
    /// `ConversationNotFound`.
    pub async fn conversation(&self, key: RootKey) -> Result<ConversationRecord, Error> {
        let namespace = key.namespace.clone();
        let mut record = visit(&self.shared, key, false, record_of).await?;
        self.refine(&namespace, record.wait.as_mut());
        Ok(record)
    }

    /// Lists conversations, last opened first.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn list_conversations(&self, query: ListQuery) -> Result<ConversationPage, Error> {
        let filter = self.filter(&query);
        let store = &self.shared.store;
        let (rows, next) = store.list_roots(RootKind::Conversation, filter).await?;
        let read = |row: &everturn_store::RootRow| minicbor::decode(&row.summary);
        let listed: Result<Vec<ConversationRecord>, _> = rows.iter().map(read).collect();
        let listed = listed.map_err(|error| Error::internal(&error))?;
        Ok(ConversationPage {
            conversations: self.keep_waiting(&query, listed, |it| it.wait.as_mut()),
            next,
        })
    }
}

fn record_of(scope: &mut Scope<'_>) -> Result<ConversationRecord, Error> {
    let root = &scope.hot.root;
    if let Some(tombstone) = root.tombstone.filter(|_| root.conversation.is_none()) {
        return Ok(ConversationRecord::erased(root, tombstone));
    }
    let conversation = root.conversation.as_ref();
    let conversation = conversation.ok_or(Rejection::ConversationNotFound)?;
    let mut record = ConversationRecord::of(root, conversation);
    record.state = Some(conversation.state.clone());
    Ok(record)
}
