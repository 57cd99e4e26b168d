//! ConversationService: one call, one file.

mod close_conversation;
mod get_conversation;
mod list_conversations;
mod list_messages;
mod submit_message;
mod watch_conversation;

use everturn_proto::v1 as pb;
use everturn_proto::v1::conversation_service_server::ConversationService;
use everturn_runtime::Handle;
use tonic::{Request, Response, Status};

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Conversations {
    pub handle: Handle,
}

#[tonic::async_trait]
impl ConversationService for Conversations {
    type WatchConversationStream = watch_conversation::Updates;

    async fn submit_message(
        &self,
        request: Request<pb::SubmitMessageRequest>,
    ) -> Result<Response<pb::SubmitMessageResponse>, Status> {
        submit_message::call(&self.handle, request.into_inner()).await
    }

    async fn get_conversation(
        &self,
        request: Request<pb::GetConversationRequest>,
    ) -> Result<Response<pb::GetConversationResponse>, Status> {
        get_conversation::call(&self.handle, request.into_inner()).await
    }

    async fn list_conversations(
        &self,
        request: Request<pb::ListConversationsRequest>,
    ) -> Result<Response<pb::ListConversationsResponse>, Status> {
        list_conversations::call(&self.handle, request.into_inner()).await
    }

    async fn list_messages(
        &self,
        request: Request<pb::ListMessagesRequest>,
    ) -> Result<Response<pb::ListMessagesResponse>, Status> {
        list_messages::call(&self.handle, request.into_inner()).await
    }

    async fn watch_conversation(
        &self,
        request: Request<pb::WatchConversationRequest>,
    ) -> Result<Response<Self::WatchConversationStream>, Status> {
        watch_conversation::call(&self.handle, request.into_inner()).await
    }

    async fn close_conversation(
        &self,
        request: Request<pb::CloseConversationRequest>,
    ) -> Result<Response<pb::CloseConversationResponse>, Status> {
        close_conversation::call(&self.handle, request.into_inner()).await
    }
}
