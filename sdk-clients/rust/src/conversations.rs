//! Conversation calls, one method per RPC. Requests are the API's own
//! messages; an empty namespace means the client's.

use std::time::Duration;

use everturn_proto::v1;

use crate::client::{Client, random_id};
use crate::{Error, Watch};

impl Client {
    /// Adds a customer's message to a conversation, opening it if there is
    /// none. Without a `provider_message_id` one is made up, so that this
    /// client's own retries never add the message twice.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `TYPE_MISMATCH`, `CONVERSATION_CLOSED`,
    /// `LIMIT_EXCEEDED`; `BUSY` and `DRAINING` once retries are used up.
    pub async fn submit_message(
        &self,
        mut request: v1::SubmitMessageRequest,
    ) -> Result<v1::SubmitMessageResponse, Error> {
        self.place(&mut request.namespace);
        if request.provider_message_id.is_empty() {
            request.provider_message_id = random_id();
        }
        let service = self.conversations();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.submit_message(request).await }
        })
        .await
    }

    /// Reads one conversation.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `CONVERSATION_NOT_FOUND`.
    pub async fn conversation(
        &self,
        conversation_id: impl Into<String>,
    ) -> Result<v1::Conversation, Error> {
        let mut request = v1::GetConversationRequest {
            conversation_id: conversation_id.into(),
            ..Default::default()
        };
        self.place(&mut request.namespace);
        let service = self.conversations();
        let response = self
            .unary(request, Duration::ZERO, |request| {
                let mut service = service.clone();
                async move { service.get_conversation(request).await }
            })
            .await?;
        Ok(response.conversation.unwrap_or_default())
    }

    /// Lists one page of conversations.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `PAGE_TOKEN_INVALID`.
    pub async fn list_conversations(
        &self,
        mut request: v1::ListConversationsRequest,
    ) -> Result<v1::ListConversationsResponse, Error> {
        self.place(&mut request.namespace);
        let service = self.conversations();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.list_conversations(request).await }
        })
        .await
    }

    /// Lists one page of a conversation's transcript.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `PAGE_TOKEN_INVALID`, `CONVERSATION_NOT_FOUND`.
    pub async fn list_messages(
        &self,
        mut request: v1::ListMessagesRequest,
    ) -> Result<v1::ListMessagesResponse, Error> {
        self.place(&mut request.namespace);
        let service = self.conversations();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.list_messages(request).await }
        })
        .await
    }

    /// Closes a conversation.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `CONVERSATION_NOT_FOUND`.
    pub async fn close_conversation(
        &self,
        mut request: v1::CloseConversationRequest,
    ) -> Result<(), Error> {
        self.place(&mut request.namespace);
        let service = self.conversations();
        self.unary(request, Duration::ZERO, |request| {
            let mut service = service.clone();
            async move { service.close_conversation(request).await }
        })
        .await
        .map(|_| ())
    }

    /// Follows a conversation from behind message `after_sequence`; 0 begins
    /// with the whole transcript. Nothing is sent before the first `next`.
    #[must_use]
    pub fn watch(&self, conversation_id: impl Into<String>, after_sequence: u64) -> Watch {
        Watch::new(self.clone(), conversation_id.into(), after_sequence)
    }
}
